package awsmodel

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The same little service as the two sources write it.
const (
	botocoreModel = `{
  "metadata": {"apiVersion":"2020-01-02","endpointPrefix":"tiny","protocol":"rest-json","protocols":["rest-json","smithy-rpc-v2-cbor"],
    "serviceId":"Tiny Service","signingName":"tinysign","targetPrefix":"a.b.Tiny_2020","uid":"tiny-2020-01-02"},
  "operations": {
    "PutNode": {"name":"PutNode20200102","http":{"method":"PUT","requestUri":"/nodes/{name+}/x?mode=a","responseCode":201},
      "input":{"shape":"PutNodeRequest"},"output":{"shape":"Node","resultWrapper":"PutNodeResult"},
      "errors":[{"shape":"Broken"}],"idempotent":true,"authtype":"none"},
    "ListNodes": {"name":"ListNodes","http":{"method":"GET","requestUri":"/nodes"},"readonly":true}
  },
  "shapes": {
    "PutNodeRequest": {"type":"structure","required":["Name"],"payload":"Node","members":{
      "Name":{"shape":"S","location":"uri","locationName":"name","documentation":"<p>prose</p>"},
      "Node":{"shape":"Node"},"Token":{"shape":"Secret","location":"header","locationName":"x-token","idempotencyToken":true}}},
    "Node": {"type":"structure","members":{"Children":{"shape":"Nodes"},"At":{"shape":"T"},"Labels":{"shape":"Labels"}}},
    "Nodes": {"type":"list","member":{"shape":"Node","locationName":"item"},"flattened":true},
    "Labels": {"type":"map","key":{"shape":"S"},"value":{"shape":"Secret"}},
    "Broken": {"type":"structure","members":{},"exception":true,"error":{"code":"Code.Broken","httpStatusCode":409}},
    "T": {"type":"timestamp","timestampFormat":"iso8601"}, "S": {"type":"string"}, "Unused": {"type":"string"},
    "Secret": {"type":"string","sensitive":true}
  }}`
	javaScriptModel = `{
  "metadata": {"apiVersion":"2020-01-02","endpointPrefix":"tiny","protocol":"rest-json","protocols":["rest-json","smithy-rpc-v2-cbor"],
    "serviceId":"Tiny Service","signingName":"tinysign","targetPrefix":"a.b.Tiny_2020","uid":"tiny-2020-01-02"},
  "operations": {
    "PutNode": {"http":{"method":"PUT","requestUri":"/nodes/{name+}/x?mode=a","responseCode":201},
      "input":{"type":"structure","required":["Name"],"payload":"Node","members":{
        "Name":{"location":"uri","locationName":"name"},"Node":{"shape":"S1"},
        "Token":{"location":"header","locationName":"x-token","idempotencyToken":true,"sensitive":true}}},
      "output":{"shape":"S1","resultWrapper":"PutNodeResult"},
      "errors":[{"shape":"Broken"}],"idempotent":true,"authtype":"none"},
    "ListNodes": {"http":{"method":"GET","requestUri":"/nodes"},"readonly":true}
  },
  "shapes": {
    "S1": {"type":"structure","members":{
      "Children":{"type":"list","member":{"shape":"S1","locationName":"item"},"flattened":true},
      "At":{"type":"timestamp","timestampFormat":"iso8601"},
      "Labels":{"type":"map","key":{},"value":{"sensitive":true}}}},
    "Broken": {"type":"structure","members":{},"exception":true,"error":{"code":"Code.Broken","httpStatusCode":409}}
  }}`
)

// What the generator writes of either source is what the reader reads.
func TestOwnModels(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped by -short: builds the generator")
	}
	dir := t.TempDir()
	gen := filepath.Join(dir, "gen")
	if out, err := exec.Command("go", "build", "-o", gen, "./gen").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("botocore/__init__.py", "import os\n__version__ = '9.8.7'\n")
	write("botocore/data/tiny/2019-01-02/service-2.json", `{"metadata":{"protocol":"query"}}`) // older
	write("botocore/data/tiny/2020-01-02/service-2.json", botocoreModel)
	write("aws-sdk/package.json", `{"name":"aws-sdk","version":"2.3.4"}`)
	write("aws-sdk/apis/tiny-2019-01-02.min.json", `{"metadata":{"protocol":"query"}}`) // older
	write("aws-sdk/apis/tiny-2020-01-02.min.json", javaScriptModel)

	for from, source := range map[string]string{"botocore": "botocore 9.8.7", "botocore/data": "botocore 9.8.7", "aws-sdk": "aws-sdk 2.3.4"} {
		output := filepath.Join(dir, strings.ReplaceAll(from, "/", "-")+".bin")
		if out, err := exec.Command(gen, "-models", filepath.Join(dir, from), "-o", output).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		b, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		d, err := openTable(string(b))
		if err != nil {
			t.Fatal(err)
		}
		if d.source != source || len(d.services) != 1 {
			t.Fatalf("%s: source %q, %d services", from, d.source, len(d.services))
		}
		checkTiny(t, from, d.services[0])
	}

	write("none/readme", "")
	write("bad/data/x/1/service-2.json", `{"metadata":{"protocol":"json"},"operations":{"A":{"input":{"shape":"B"}}},"shapes":{"B":{"type":"odd"}}}`)
	write("worse/data/x/1/service-2.json", `{"metadata":{"protocol":"morse"},"operations":{}}`)
	for from, want := range map[string]string{"none": "has no API models", "bad": `x.A: shape "B": unknown type "odd"`, "worse": `unknown protocol "morse"`} {
		output := filepath.Join(dir, from+".bin")
		out, err := exec.Command(gen, "-models", filepath.Join(dir, from), "-o", output).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v: %s; want %s", from, err, out, want)
		}
		if _, err := os.Stat(output); err == nil {
			t.Errorf("%s: there is a table", from)
		}
	}
}

func checkTiny(t *testing.T, from string, s *ServiceModel) {
	t.Helper()
	if s.ID != "tiny" || s.ServiceID != "Tiny Service" || s.SigningName != "tinysign" || s.EventSource != "tinysign.amazonaws.com" ||
		!s.HasProtocol(RESTJSON) || !s.HasProtocol(CBOR) || s.HasProtocol(JSON) || s.APIVersion != "2020-01-02" {
		t.Errorf("%s: %+v", from, s)
	}
	put, ok := s.Operation("PutNode")
	if !ok {
		t.Fatalf("%s: no PutNode", from)
	}
	if put.ReadOnly || !put.Idempotent || !put.Unsigned || put.Status != 201 || put.ResultWrapper != "PutNodeResult" {
		t.Errorf("%s: %+v", from, put)
	}
	if list, ok := s.Operation("ListNodes"); !ok || !list.ReadOnly || list.Input() != nil || list.Output() != nil {
		t.Errorf("%s: ListNodes: %+v", from, list)
	}
	in, node := put.Input(), put.Output()
	name, token := in.Member("Name"), in.Member("Token")
	if name.Location != URI || name.WireName != "name" || !name.Required || name.Shape().Kind != String || name.Shape().Sensitive {
		t.Errorf("%s: Name %+v %v", from, name, name.Shape().Kind)
	}
	if token.Location != Header || token.WireName != "x-token" || token.Required || !token.IdempotencyToken || !token.Shape().Sensitive {
		t.Errorf("%s: Token %+v", from, token)
	}
	if p := in.PayloadMember(); p == nil || p.Name != "Node" || p.Shape() != node {
		t.Errorf("%s: payload %+v", from, p)
	}
	children := node.Member("Children")
	if list := children.Shape(); list.Kind != List || list.Element.WireName != "item" || list.Element.Shape() != node ||
		!list.Flattened && !children.Flattened {
		t.Errorf("%s: Children %+v", from, children)
	}
	if at := node.Member("At").Shape(); at.Kind != Timestamp || at.TimestampFormat != "iso8601" {
		t.Errorf("%s: At is a %v in %q", from, at.Kind, at.TimestampFormat)
	}
	if labels := node.Member("Labels").Shape(); labels.Kind != Map || labels.Key.Shape().Sensitive || !labels.Value.Shape().Sensitive {
		t.Errorf("%s: Labels %+v", from, labels)
	}
	if e := put.Errors(); len(e) != 1 || e[0].Name != "Broken" || e[0].Code != "Code.Broken" || e[0].Status != 409 {
		t.Errorf("%s: errors %+v", from, e)
	}
	op, params, ok := s.Match(Request{Method: "PUT", Path: "/nodes/a/b%2Fc/x", Query: map[string][]string{"mode": {"a"}}})
	if !ok || op != put || params["name"] != "a/b/c" {
		t.Errorf("%s: matched %v with %v", from, op, params)
	}
	if _, err := openTable("something else"); err == nil {
		t.Error("opened what is no table")
	}
}
