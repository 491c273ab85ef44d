package logfile

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnpackReader(t *testing.T) {
	t.Parallel()
	plain := []byte(`{"Records":[]}`)
	packed := gzipped(t, plain)
	zeros := gzipped(t, make([]byte, 8<<20))
	noise := make([]byte, 6<<20)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte('a' + random.IntN(16))
	}
	zpacked := zstded(t, plain)
	tests := []struct {
		name  string
		in    []byte
		want  string // what comes out, if it does to the end
		error string
	}{
		{"plain", plain, string(plain), ""},
		{"empty", nil, "", ""},
		{"gzip", packed, string(plain), ""},
		{"two members", append(bytes.Clone(packed), packed...), string(plain) + string(plain), ""},
		{"short and repetitive", gzipped(t, make([]byte, 900<<10)), strings.Repeat("\x00", 900<<10), ""},
		{"bomb", zeros, "", "more than 200 times"},
		{"bomb in the second member", append(bytes.Clone(packed), zeros...), "", "more than 200 times"},
		{"too much", gzipped(t, noise), "", "more than 5242880 bytes"},
		{"plain and too much", make([]byte, 6<<20), "", "more than 5242880 bytes"},
		{"twice", gzipped(t, packed), "", "twice"},
		{"cut off", packed[:len(packed)-6], "", "cut off"},
		{"header only", packed[:4], "", "unpack"},
		{"garbage behind", append(bytes.Clone(packed), "garbage that is long enough"...), "", "something other than gzip"},
		{"zstd", zpacked, string(plain), ""},
		{"zstd, two frames", append(bytes.Clone(zpacked), zpacked...), string(plain) + string(plain), ""},
		{"bomb of zstd", zstded(t, make([]byte, 8<<20)), "", "more than 200 times"},
		{"zstd and too much", zstded(t, noise), "", "more than 5242880 bytes"},
		{"zstd within gzip", gzipped(t, zpacked), "", "twice"},
		{"zstd cut off", zpacked[:len(zpacked)-3], "", "cut off"},
		{"zstd and garbage behind", append(bytes.Clone(zpacked), "garbage"...), "", "something other than zstd"},
		{"zstd of a wide window", []byte("\x28\xb5\x2f\xfd\x00\xb8\x01\x00\x00"), "", "unpack: window"},
		{"wrong checksum", flip(packed, len(packed)-8), "", "unpack"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			limits := Limits{Ratio: 200, Bytes: 5 << 20}
			if strings.HasPrefix(test.name, "bomb") {
				limits.Bytes = 1 << 30
			}
			u, err := NewReader(bytes.NewReader(test.in), limits)
			var out []byte
			if err == nil {
				out, err = io.ReadAll(u)
			}
			if test.error == "" && (err != nil || string(out) != test.want) {
				t.Errorf("%d bytes, error %v", len(out), err)
			}
			if test.error != "" && (err == nil || !strings.Contains(err.Error(), test.error)) {
				t.Errorf("%d bytes, error %v; want %q", len(out), err, test.error)
			}
		})
	}
}

func zstded(t testing.TB, text []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll(text, nil)
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}
