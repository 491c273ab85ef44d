// Command gen writes models.bin, the table of AWS's operations, from the public
// API models.
//
//	go run cairn/internal/awsmodel/gen [-models DIR] [-o models.bin] [-v]
//
// The models come from the installed botocore, or from the directory that -models
// names: botocore's, or the npm package aws-sdk. Both are AWS's work under the
// Apache License 2.0. The same models give the same bytes.
package main

import (
	"cmp"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

func main() {
	models := flag.String("models", "", "a directory of API models; the installed botocore's by default")
	output := flag.String("o", "models.bin", "the file to write")
	verbose := flag.Bool("v", false, "print the sizes")
	flag.Parse()
	if err := run(*models, *output, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// service is a model in the making.
type service struct {
	*model
	chunk      []byte
	compressed []byte
}

func run(dir, output string, verbose bool) error {
	src, err := open(dir)
	if err != nil {
		return err
	}
	var services []*service
	for _, file := range src.models {
		m, err := file.read()
		if err != nil {
			return err
		}
		chunk, err := encodeChunk(m)
		if err != nil {
			return err
		}
		m.Shapes = nil // the prose-less rest is still most of the memory
		services = append(services, &service{model: m, chunk: chunk})
	}
	table, err := encodeTable(src.name, services)
	if err != nil {
		return err
	}
	if verbose {
		raw, operations := 0, 0
		for _, s := range services {
			raw += len(s.chunk)
			operations += len(s.Operations)
		}
		fmt.Printf("%s: %d services, %d operations, %d bytes, %d raw\n",
			src.name, len(services), operations, len(table), raw)
	}
	return writeFile(output, table)
}

// encodeTable packs each chunk by itself. A dictionary that all share was tried: the
// table becomes 7 % smaller, and unpacking a large service takes twice as long.
func encodeTable(source string, services []*service) ([]byte, error) {
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, err
	}
	defer packer.Close()

	index := appendString(nil, source)
	index = binary.AppendUvarint(index, uint64(len(services)))
	offset := 0
	for _, s := range services {
		s.compressed = packer.EncodeAll(s.chunk, nil)
		if index, err = s.appendIndex(index, offset); err != nil {
			return nil, err
		}
		offset += len(s.compressed)
	}
	index = packer.EncodeAll(index, nil)
	b := binary.AppendUvarint([]byte(magic), uint64(len(index)))
	b = append(b, index...)
	for _, s := range services {
		b = append(b, s.compressed...)
	}
	return b, nil
}

// appendIndex appends the service's line of the index.
func (s *service) appendIndex(b []byte, offset int) ([]byte, error) {
	m := &s.Metadata
	for _, text := range []string{
		s.ID, m.ServiceID, m.EndpointPrefix, cmp.Or(m.SigningName, m.EndpointPrefix), m.APIVersion,
		m.TargetPrefix, m.XMLNamespace.URI, m.JSONVersion, m.GlobalEndpoint,
	} {
		b = appendString(b, text)
	}
	var flags uint64
	set(&flags, serviceQueryCompatible, m.AWSQueryCompatible != nil)
	b = binary.AppendUvarint(b, flags)
	protocols, err := s.protocols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.ID, err)
	}
	b = binary.AppendUvarint(b, uint64(len(protocols)))
	for _, n := range protocols {
		b = binary.AppendUvarint(b, n)
	}
	for _, n := range []int{len(s.Operations), offset, len(s.compressed), len(s.chunk)} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// writeFile replaces the file in one step, so that an interrupted run leaves the old one.
func writeFile(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".models-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails once renamed
	if _, err := tmp.Write(b); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
