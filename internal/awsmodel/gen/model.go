package main

import (
	"encoding/json"
	"fmt"
	"slices"
)

// model is one service's API model as botocore and the JavaScript SDK publish it.
// What is prose is not read.
type model struct {
	ID       string `json:"-"`
	Metadata struct {
		APIVersion         string    `json:"apiVersion"`
		EndpointPrefix     string    `json:"endpointPrefix"`
		GlobalEndpoint     string    `json:"globalEndpoint"`
		JSONVersion        string    `json:"jsonVersion"`
		Protocol           string    `json:"protocol"`
		Protocols          []string  `json:"protocols"`
		ServiceID          string    `json:"serviceId"`
		SigningName        string    `json:"signingName"`
		TargetPrefix       string    `json:"targetPrefix"`
		XMLNamespace       namespace `json:"xmlNamespace"`
		AWSQueryCompatible *struct{} `json:"awsQueryCompatible"`
	} `json:"metadata"`
	Operations map[string]*operation `json:"operations"`
	Shapes     map[string]*shape     `json:"shapes"`
}

type operation struct {
	HTTP struct {
		Method       string `json:"method"`
		RequestURI   string `json:"requestUri"`
		ResponseCode int    `json:"responseCode"`
	} `json:"http"`
	Input             *shape    `json:"input"`
	Output            *shape    `json:"output"`
	Errors            []*shape  `json:"errors"`
	AuthType          string    `json:"authtype"`
	Auth              []string  `json:"auth"`
	Idempotent        bool      `json:"idempotent"`
	ReadOnly          bool      `json:"readonly"`
	Deprecated        bool      `json:"deprecated"`
	UnsignedPayload   bool      `json:"unsignedPayload"`
	EndpointDiscovery *struct{} `json:"endpointdiscovery"`
	Endpoint          struct {
		HostPrefix string `json:"hostPrefix"`
	} `json:"endpoint"`
}

// shape is a shape, or a reference to one with what the place adds to it. The
// JavaScript SDK's models write shapes that are used once where they are used.
type shape struct {
	Shape string `json:"shape"`

	Type     string            `json:"type"`
	Members  map[string]*shape `json:"members"`
	Member   *shape            `json:"member"`
	Key      *shape            `json:"key"`
	Value    *shape            `json:"value"`
	Required []string          `json:"required"`
	Payload  string            `json:"payload"`
	Error    struct {
		Code       string `json:"code"`
		HTTPStatus int    `json:"httpStatusCode"`
	} `json:"error"`

	Document        bool      `json:"document"`
	Event           bool      `json:"event"`
	EventHeader     bool      `json:"eventheader"`
	EventPayload    bool      `json:"eventpayload"`
	EventStream     bool      `json:"eventstream"`
	Exception       bool      `json:"exception"`
	Fault           bool      `json:"fault"`
	Flattened       bool      `json:"flattened"`
	HostLabel       bool      `json:"hostLabel"`
	IdempotencyTok  bool      `json:"idempotencyToken"`
	JSONValue       bool      `json:"jsonvalue"`
	Location        string    `json:"location"`
	LocationName    string    `json:"locationName"`
	QueryName       string    `json:"queryName"`
	ResultWrapper   string    `json:"resultWrapper"`
	Sensitive       bool      `json:"sensitive"`
	Streaming       bool      `json:"streaming"`
	TimestampFormat string    `json:"timestampFormat"`
	Union           bool      `json:"union"`
	Wrapper         bool      `json:"wrapper"`
	XMLAttribute    bool      `json:"xmlAttribute"`
	XMLNamespace    namespace `json:"xmlNamespace"`
}

// namespace is an XML namespace: a text, or an object with a prefix.
type namespace struct{ Prefix, URI string }

func (n *namespace) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &n.URI)
	}
	var object struct {
		Prefix string `json:"prefix"`
		URI    string `json:"uri"`
	}
	if err := json.Unmarshal(b, &object); err != nil {
		return err
	}
	n.Prefix, n.URI = object.Prefix, object.URI
	return nil
}

var kinds = map[string]byte{
	"structure": kindStructure, "list": kindList, "map": kindMap, "string": kindString,
	"character": kindString, "boolean": kindBoolean, "integer": kindInteger,
	"byte": kindInteger, "short": kindInteger, "biginteger": kindLong, "long": kindLong,
	"float": kindFloat, "double": kindDouble, "bigdecimal": kindDouble,
	"timestamp": kindTimestamp, "blob": kindBlob, "document": kindDocument,
}

// kind returns the shape's kind. The JavaScript SDK leaves out the type of a string,
// and of a structure that has members.
func (s *shape) kind() (byte, error) {
	if s.Document {
		return kindDocument, nil
	}
	if s.Type == "" {
		if s.Members != nil {
			return kindStructure, nil
		}
		return kindString, nil
	}
	if k, ok := kinds[s.Type]; ok {
		return k, nil
	}
	return 0, fmt.Errorf("unknown type %q", s.Type)
}

var protocols = map[string]uint64{
	"json": protocolJSON, "query": protocolQuery, "ec2": protocolEC2,
	"rest-json": protocolRESTJSON, "rest-xml": protocolRESTXML, "smithy-rpc-v2-cbor": protocolCBOR,
}

// protocols returns the service's protocols, the preferred one first.
func (m *model) protocols() ([]uint64, error) {
	var numbers []uint64
	for _, name := range append([]string{m.Metadata.Protocol}, m.Metadata.Protocols...) {
		n, ok := protocols[name]
		if !ok {
			return nil, fmt.Errorf("unknown protocol %q", name)
		}
		if !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

var locations = map[string]uint64{
	"": locationBody, "header": locationHeader, "headers": locationHeaders, "uri": locationURI,
	"querystring": locationQuery, "statusCode": locationStatus,
}
