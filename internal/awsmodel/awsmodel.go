// Package awsmodel knows the operations of every AWS service as data: how they are
// named, how they are written on the wire, which of their members are secret, and
// what CloudTrail calls them.
//
// A [ServiceModel] has [Operation]s; an operation has an input and an output
// [Shape]; shapes have [Member]s, whose shapes may lead back to where one came from.
// [ServiceModel.Match] finds the operation of a REST request.
// [Operation.RedactInput], [Operation.RedactOutput] and [RedactQuery] take secrets
// out of what is to be recorded. The invariant of the package: what a model or
// the hand-kept table marks as secret does not pass them, whatever its type or place.
//
// There are two sources. models.bin is made by go generate from the API models that
// AWS publishes with botocore and the AWS SDKs; these are
//
//	Copyright Amazon.com, Inc. or its affiliates, licensed under the
//	Apache License, Version 2.0 (http://www.apache.org/licenses/LICENSE-2.0)
//
// and only names and shapes are taken from them. cloudtrail.txt is kept by hand and
// holds what the models do not say.
//
// The table is part of the binary and read on demand: the list of services at the
// first question, a service's chunk when one of its operations is asked for, each
// operation and shape when it is reached. Everything is safe for concurrent use, and
// nothing that the package returns may be changed.
package awsmodel

//go:generate go run cairn/internal/awsmodel/gen -o models.bin

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:embed models.bin
var models string

// Source names what the table was made from, such as "botocore 1.43.11".
func Source() string { return table().source }

// Services returns all services by ascending ID.
func Services() []*ServiceModel { return slices.Clone(table().services) }

// Service returns the service with an ID: botocore's name of it, which the aws
// command uses too, such as "elbv2".
func Service(id string) (*ServiceModel, bool) {
	s, ok := table().byID[id]
	return s, ok
}

// BySigningName returns the services whose requests carry the name in the scope
// of their credentials, by ascending ID. Several services can share one: "rds" is
// that of docdb, neptune and rds.
func BySigningName(name string) []*ServiceModel { return slices.Clone(table().bySigningName[name]) }

// ByEndpointPrefix returns the services whose host names begin with prefix, such as
// "monitoring", by ascending ID.
func ByEndpointPrefix(prefix string) []*ServiceModel {
	return slices.Clone(table().byEndpointPrefix[prefix])
}

// ByEventSource returns the services whose calls are recorded with an event
// source, such as "s3.amazonaws.com", by ascending ID.
func ByEventSource(source string) []*ServiceModel { return slices.Clone(table().byEventSource[source]) }

// ByTarget returns the services that a target names, by ascending ID. The target is
// the part of an X-Amz-Target header before the operation, or the service in the path
// of an RPC call with CBOR. Clients shorten it to what stands behind its last dot, so
// that both forms are known.
func ByTarget(prefix string) []*ServiceModel {
	return slices.Clone(table().byTarget[prefix[strings.LastIndexByte(prefix, '.')+1:]])
}

// ParseTarget finds the operation that an X-Amz-Target header names.
func ParseTarget(target string) (*Operation, bool) {
	dot := strings.LastIndexByte(target, '.')
	if dot < 0 {
		return nil, false
	}
	for _, s := range ByTarget(target[:dot]) {
		if op, ok := s.Operation(target[dot+1:]); ok {
			return op, true
		}
	}
	return nil, false
}

// directory is the index of the table.
type directory struct {
	source           string
	services         []*ServiceModel
	byID             map[string]*ServiceModel
	bySigningName    map[string][]*ServiceModel
	byEndpointPrefix map[string][]*ServiceModel
	byEventSource    map[string][]*ServiceModel
	byTarget         map[string][]*ServiceModel

	decoder *zstd.Decoder
	chunks  string
}

var table = sync.OnceValue(func() *directory {
	d, err := openTable(models)
	if err != nil {
		// The table is part of the program: this is a broken build.
		panic("awsmodel: models.bin: " + err.Error())
	}
	return d
})

func openTable(file string) (*directory, error) {
	rest, ok := strings.CutPrefix(file, magic)
	if !ok {
		return nil, fmt.Errorf("does not begin with %q", magic)
	}
	c := cursor{text: rest}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	index, err := decoder.DecodeAll([]byte(c.string()), nil)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	d := &directory{
		byID:             map[string]*ServiceModel{},
		bySigningName:    map[string][]*ServiceModel{},
		byEndpointPrefix: map[string][]*ServiceModel{},
		byEventSource:    map[string][]*ServiceModel{},
		byTarget:         map[string][]*ServiceModel{},
		chunks:           c.text[c.at:],
		decoder:          decoder,
	}
	c = cursor{text: string(index)}
	d.source = c.string()
	for range c.int() {
		d.add(readService(&c, d))
	}
	return d, nil
}

func (d *directory) add(s *ServiceModel) {
	d.services = append(d.services, s)
	d.byID[s.ID] = s
	d.bySigningName[s.SigningName] = append(d.bySigningName[s.SigningName], s)
	d.byEndpointPrefix[s.EndpointPrefix] = append(d.byEndpointPrefix[s.EndpointPrefix], s)
	d.byEventSource[s.EventSource] = append(d.byEventSource[s.EventSource], s)
	if s.TargetPrefix != "" {
		tail := s.TargetPrefix[strings.LastIndexByte(s.TargetPrefix, '.')+1:]
		d.byTarget[tail] = append(d.byTarget[tail], s)
	}
}
