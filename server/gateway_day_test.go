package server

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/eventlog"
	"cairn/gateway"
)

// emulatorAccount is the account of everything in moto_server.
const emulatorAccount = "123456789012"

// A dayCall is what testdata/gateway_day.py says of a call.
type dayCall struct {
	Service, Method   string
	Error             string
	RequestID         string
	Want              map[string]any
	Request, Response map[string]any
	Resources         []string
}

// An AWS client does a day's work through the gateway with an emulator behind it,
// over http and https, and each call leaves one record, which is what CloudTrail
// would write.
func TestGatewayDay(t *testing.T) {
	t.Parallel()
	emulator := startMoto(t)
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			reset := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			answer, err := reset.Post(emulator+"/moto-api/reset", "", nil)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			listener := GatewayListener{Name: "day", Listen: "127.0.0.1:0", Routes: []gateway.Route{{
				Name: "emulator", Upstreams: []string{emulator}, Account: emulatorAccount, Authority: true,
			}}}
			ca := ""
			if scheme == "https" {
				listener.TLSCert, listener.TLSKey = writePair(t, t.TempDir(), 1, []string{"127.0.0.1"}, nil)
				ca = listener.TLSCert
			}
			a, key, stop := serveConfig(t, Config{
				Data: t.TempDir(), AccountID: emulatorAccount, Retention: eventlog.Forever, Gateway: &GatewayConfig{Listeners: []GatewayListener{listener}},
			})
			defer stop()
			calls := day(t, gatewayURL(t, a), ca, key)
			records := gatewayRecords(t, a)
			compareDay(t, calls, records)
			if n := len(records); n >= 2 {
				for i, want := range []string{"arn:aws:iam::" + emulatorAccount + ":user/staff/grace", "arn:aws:sts::" + emulatorAccount + ":assumed-role/worker/night"} {
					identity := object(records[n-2+i].tree, "userIdentity")
					if identity["arn"] != want {
						t.Errorf("the gateway learned of %s; the record has %v", want, identity)
					}
				}
			}
		})
	}
}

// S3 servers that are not emulators serve the same clients through the gateway. Those that
// are not on PATH are left out.
func TestGatewayS3(t *testing.T) {
	t.Parallel()
	for _, peer := range []struct {
		name string
		args func(address, dir string) []string
		env  func(key *Credentials) []string
	}{
		{"versitygw", func(address, dir string) []string { return []string{"--port", address, "posix", dir} },
			func(key *Credentials) []string {
				return []string{"ROOT_ACCESS_KEY_ID=" + key.AccessKeyID, "ROOT_SECRET_ACCESS_KEY=" + key.Secret}
			}},
		{"minio", func(address, dir string) []string { return []string{"server", "--address", address, "--quiet", dir} },
			func(key *Credentials) []string {
				return []string{"MINIO_ROOT_USER=" + key.AccessKeyID, "MINIO_ROOT_PASSWORD=" + key.Secret, "MINIO_UPDATE=off", "MINIO_BROWSER=off"}
			}},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(peer.name+"/"+scheme, func(t *testing.T) {
				t.Parallel()
				program, err := exec.LookPath(peer.name)
				if err != nil {
					t.Skipf("there is no %s", peer.name)
				}
				if exec.Command("python3", "-c", "import boto3").Run() != nil {
					t.Skip("there is no python3 with boto3")
				}
				address := freeAddress(t)
				listener := GatewayListener{Listen: "127.0.0.1:0", Routes: []gateway.Route{{
					Name: "objects", Services: []string{"s3"}, Upstreams: []string{"http://" + address}, DefaultService: "s3",
				}}}
				ca := ""
				if scheme == "https" {
					listener.TLSCert, listener.TLSKey = writePair(t, t.TempDir(), 1, []string{"127.0.0.1"}, nil)
					ca = listener.TLSCert
				}
				a, key, stop := serveConfig(t, Config{
					Data: t.TempDir(), AccountID: emulatorAccount, Retention: eventlog.Forever, Gateway: &GatewayConfig{Listeners: []GatewayListener{listener}},
				})
				defer stop()
				runPeer(t, address, exec.CommandContext(t.Context(), program, peer.args(address, t.TempDir())...), peer.env(key)...)
				calls, records := day(t, gatewayURL(t, a), ca, key, "s3"), gatewayRecords(t, a)
				compareDay(t, calls, records)
				for _, r := range records {
					if arn := object(r.tree, "userIdentity")["arn"]; arn != "arn:aws:iam::"+emulatorAccount+":root" {
						t.Errorf("%s: the caller, whose signature was verified, is %v", r.tree["eventName"], arn)
					}
				}
			})
		}
	}
}

// compareDay holds the records of a day to its calls and to real records.
func compareDay(t *testing.T, calls []dayCall, records []dayRecord) {
	t.Helper()
	real := realShapes(t)
	if len(records) != len(calls) {
		t.Errorf("%d calls left %d records", len(calls), len(records))
	}
	for i, c := range calls {
		if i >= len(records) {
			break
		}
		c.compare(t, records[i])
		for _, difference := range real.differences(records[i]) {
			t.Errorf("%s %s: unlike real records: %s", c.Service, c.Method, difference)
		}
		if strings.Contains(records[i].raw, "private words") {
			t.Errorf("%s %s: a secret is in the record: %s", c.Service, c.Method, records[i].raw)
		}
	}
}

// compare holds a record to what a call must leave.
func (c *dayCall) compare(t *testing.T, r dayRecord) {
	t.Helper()
	name := c.Service + " " + c.Method
	for field, want := range c.Want {
		if got := r.tree[field]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s is %v, want %v", name, field, got, want)
		}
	}
	// The emulator's describe_instances has one ID in its header and a fixed text in its body.
	// versitygw sends the ID twice.
	id, _, _ := strings.Cut(c.RequestID, ", ")
	if id != "" && id != "request-id" && r.tree["requestID"] != id {
		t.Errorf("%s: requestID is %v, want %s", name, r.tree["requestID"], c.RequestID)
	}
	code, _ := r.tree["errorCode"].(string)
	switch {
	case c.Error == "" && code != "":
		t.Errorf("%s: the error code is %s, want none", name, code)
	case c.Error == "404": // the answer to a HEAD has no body; S3's record has a code
		if code == "" {
			t.Errorf("%s: no error code", name)
		}
	case c.Error != "" && code != c.Error && code != "Client."+c.Error && code != c.Error+"Exception":
		t.Errorf("%s: the error code is %q, want %s", name, code, c.Error)
	}
	if missing := lacking(r.tree["requestParameters"], c.Request); missing != "" {
		t.Errorf("%s: requestParameters%s in %s", name, missing, r.raw)
	}
	if c.Error == "" {
		if missing := lacking(r.tree["responseElements"], c.Response); missing != "" {
			t.Errorf("%s: responseElements%s in %s", name, missing, r.raw)
		}
	}
	if r.tree["responseElements"] != nil && c.Want["readOnly"] == true && c.Service != "sts" {
		t.Errorf("%s: a read has responseElements", name)
	}
	for _, arn := range c.Resources {
		list, _ := r.tree["resources"].([]any)
		if !slices.ContainsFunc(list, func(e any) bool { o, _ := e.(map[string]any); return o["ARN"] == arn }) {
			t.Errorf("%s: the resources lack %s: %v", name, arn, list)
		}
	}
	if r.tree["recipientAccountId"] != emulatorAccount || r.tree["awsRegion"] != "us-east-1" || r.tree["sourceIPAddress"] != "127.0.0.1" {
		t.Errorf("%s: account, region or address: %s", name, r.raw)
	}
}

// lacking says what of want, which names some members, is not in got.
func lacking(got any, want map[string]any) string {
	object, ok := got.(map[string]any)
	if !ok && len(want) > 0 {
		return fmt.Sprintf(" is %v", got)
	}
	for name, w := range want {
		g := object[name]
		if inner, ok := w.(map[string]any); ok {
			if missing := lacking(g, inner); missing != "" {
				return "." + name + missing
			}
			continue
		}
		if list, ok := w.([]any); ok {
			gl, _ := g.([]any)
			if len(gl) < len(list) {
				return fmt.Sprintf(".%s is %v", name, g)
			}
			for i := range list {
				inner, ok := list[i].(map[string]any)
				if !ok {
					continue
				}
				if missing := lacking(gl[i], inner); missing != "" {
					return fmt.Sprintf(".%s[%d]%s", name, i, missing)
				}
			}
			continue
		}
		if text, ok := g.(json.Number); ok {
			if text.String() != fmt.Sprint(w) {
				return fmt.Sprintf(".%s is %v, want %v", name, g, w)
			}
		} else if !reflect.DeepEqual(g, w) {
			return fmt.Sprintf(".%s is %v, want %v", name, g, w)
		}
	}
	return ""
}

func object(tree map[string]any, name string) map[string]any {
	o, _ := tree[name].(map[string]any)
	return o
}

// startMoto runs moto_server until the test ends.
func startMoto(t *testing.T) (url string) {
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("there is no moto_server")
	}
	if exec.Command("python3", "-c", "import boto3").Run() != nil {
		t.Skip("there is no python3 with boto3")
	}
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	runPeer(t, address, exec.CommandContext(t.Context(), program, "-H", "127.0.0.1", "-p", port))
	return "http://" + address
}

// freeAddress is an address that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// runPeer runs a server until the test ends, and returns once it listens.
func runPeer(t *testing.T, address string, cmd *exec.Cmd, environment ...string) {
	t.Helper()
	cmd.Env = append(os.Environ(), environment...)
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Skipf("%s does not start: %v", cmd.Path, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 300 {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Skipf("%s does not listen within 30 seconds", cmd.Path)
}

// day runs the script.
func day(t *testing.T, endpoint, ca string, key *Credentials, parts ...string) (calls []dayCall) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "python3", append([]string{"testdata/gateway_day.py", endpoint, ca}, parts...)...)
	environment := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	cmd.Env = append(environment, "AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.Secret,
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the client failed: %v\n%s", err, stderr.Bytes())
	}
	for line := range strings.Lines(string(out)) {
		var c dayCall
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		calls = append(calls, c)
	}
	return calls
}

// gatewayURL is where the only listener of the gateway is.
func gatewayURL(t *testing.T, a Address) string {
	t.Helper()
	c := Dial(a.Socket)
	defer c.Close()
	status, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return status.Gateway.Listeners[0].URL
}

// A dayRecord is a record that the gateway made.
type dayRecord struct {
	raw  string
	tree map[string]any
}

// gatewayRecords returns the gateway's records in the order in which they were made.
func gatewayRecords(t *testing.T, a Address) (records []dayRecord) {
	t.Helper()
	c := Dial(a.Socket)
	defer c.Close()
	var raws []string
	for e, err := range c.Tail(t.Context(), TailRequest{From: "start"}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Origin == cairn.OriginGateway {
			raws = append(raws, string(e.Raw))
		}
	}
	for _, raw := range raws {
		d := json.NewDecoder(strings.NewReader(raw))
		r := dayRecord{raw: raw}
		if err := d.Decode(&r.tree); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

// shapes are the paths in real records of an operation, with the kinds of JSON that
// stand there.
type shapes map[string]map[string]map[string]bool

// realShapes reads the real records, if they are there.
func realShapes(t *testing.T) shapes {
	t.Helper()
	s := make(shapes)
	_ = filepath.WalkDir("../../shared/data/invictus", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var file struct{ Records []map[string]any }
		if json.NewDecoder(bufio.NewReader(bytes.NewReader(b))).Decode(&file) != nil {
			return nil
		}
		for _, r := range file.Records {
			if r["eventType"] == "AwsApiCall" {
				s.add(r)
			}
		}
		return nil
	})
	if len(s) == 0 {
		t.Log("no real records are here to compare with")
	}
	return s
}

// shapeName is the operation of a record, and whether it failed.
func shapeName(r map[string]any) string {
	return fmt.Sprint(r["eventSource"], " ", r["eventName"], " ", r["errorCode"] != nil)
}

func (s shapes) add(r map[string]any) {
	name := shapeName(r)
	if s[name] == nil {
		s[name] = make(map[string]map[string]bool)
	}
	walkShape("", r, func(path, kind string) {
		if s[name][path] == nil {
			s[name][path] = make(map[string]bool)
		}
		s[name][path][kind] = true
	})
}

// differences are the kinds that a record has where no real record of its operation
// has them: of keys at the top, and of parameters and answers as far as the real ones have
// the same members.
func (s shapes) differences(r dayRecord) (found []string) {
	real := s[shapeName(r.tree)]
	if real == nil {
		return nil
	}
	walkShape("", r.tree, func(path, kind string) {
		kinds := real[path]
		switch {
		case strings.Contains(path, ".TagSet.") || strings.HasSuffix(path, ".Value"):
			// Of XML's values only the text tells whether they are booleans.
		case strings.HasPrefix(path, ".userIdentity") || strings.HasPrefix(path, ".additionalEventData") || strings.HasPrefix(path, ".tlsDetails") || strings.HasPrefix(path, ".eventVersion"):
			// Who called, and what the gateway adds.
		case kinds == nil && strings.Count(path, ".") == 1:
			found = append(found, path+" is in no real record")
		case kinds != nil && !kinds[kind]:
			found = append(found, fmt.Sprintf("%s is %s, in real records %v", path, kind, kinds))
		}
	})
	return slices.Compact(slices.SortedFunc(slices.Values(found), cmp.Compare[string]))
}

func walkShape(path string, v any, yield func(path, kind string)) {
	switch v := v.(type) {
	case map[string]any:
		yield(path, "an object")
		for name, e := range v {
			walkShape(path+"."+name, e, yield)
		}
	case []any:
		yield(path, "an array")
		for _, e := range v {
			walkShape(path+"[]", e, yield)
		}
	case string:
		yield(path, "a string")
	case bool:
		yield(path, "a boolean")
	case nil:
		yield(path, "null")
	default:
		yield(path, "a number")
	}
}
