package awsmodel_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cairn/internal/awsmodel"
)

// Real records of CloudTrail, when they are at hand, have the sources, names, flags and
// regions that the table gives.
func TestRealRecords(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../shared/data/invictus/CloudTrail/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("skipped: no real records at ../shared/data/invictus")
	}
	// Calls of AWS's own parts and of the console, which no public model has.
	unknown := map[string]bool{}
	for _, name := range strings.Fields(`ec2.SharedSnapshotVolumeCreated rds.DescribeRecommendationGroups
		rds.DescribeRecommendations s3.GetStorageLensDashboardDataInternal secretsmanager.StartSecretVersionDelete
		secretsmanager.EndSecretVersionDelete signin.CheckMfa signin.ConsoleLogin ssm.UpdateInstanceInformation
		ssm.ListInstanceAssociations ssm.UpdateInstanceAssociationStatus`) {
		unknown[name] = false // not met yet
	}
	checked, redacted, differences := 0, map[string]int{}, map[string]int{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var log struct {
			Records []struct {
				EventSource, EventName, EventType, AWSRegion, RecipientAccountID string
				ReadOnly, ManagementEvent                                        *bool
				RequestParameters, ResponseElements                              any
				ErrorCode                                                        string
				Resources                                                        []resource
			}
		}
		if err := json.Unmarshal(b, &log); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, r := range log.Records {
			short := strings.TrimSuffix(r.EventSource, ".amazonaws.com") + "." + r.EventName
			op := byEvent(r.EventSource, r.EventName)
			if op == nil {
				if _, ok := unknown[short]; !ok {
					t.Errorf("no operation is recorded as %s", short)
				}
				unknown[short] = true
				continue
			}
			checked++
			if r.ReadOnly != nil && *r.ReadOnly != op.ReadOnly {
				t.Errorf("%s: readOnly is %v", short, *r.ReadOnly)
			}
			if r.ManagementEvent != nil && *r.ManagementEvent == op.Data {
				t.Errorf("%s: managementEvent is %v", short, *r.ManagementEvent)
			}
			if region := op.Service.EventRegion("", r.AWSRegion); region != r.AWSRegion {
				t.Errorf("%s: recorded in %s, not %s", short, r.AWSRegion, region)
			}
			// CloudTrail took the secrets out already: hardly anything is left to hide.
			if in, ok := r.RequestParameters.(map[string]any); ok && !reflect.DeepEqual(op.RedactInput(in), in) {
				redacted[short+" request"]++
			}
			if out, ok := r.ResponseElements.(map[string]any); ok && !reflect.DeepEqual(op.RedactOutput(out), out) {
				redacted[short+" answer"]++
			}
			if want := listed(r.Resources); r.ErrorCode == "" && op.Service.ID != "kms" { // its records resolve aliases
				at := awsmodel.Place{Partition: "aws", Region: r.AWSRegion, AccountID: r.RecipientAccountID}
				var got []resource
				for _, r := range op.Resources(at, capitalised(r.RequestParameters), capitalised(r.ResponseElements)) {
					if r.Listed {
						got = append(got, resource{r.ARN, r.AccountID, r.Type})
					}
				}
				if got := listed(got); !slices.Equal(got, want) {
					differences[short+" "+strings.Join(got, ",")+" instead of "+strings.Join(want, ",")]++
				}
			}
		}
	}
	if checked < 2000 {
		t.Errorf("checked %d records", checked)
	}
	for name, missing := range unknown {
		if !missing {
			t.Errorf("%s is among the calls that no model has, and one has it", name)
		}
	}
	// Session tokens are in real records, and hidden in ours.
	delete(redacted, "sts.AssumeRole answer")
	if len(redacted) > 0 {
		t.Errorf("the redactor changes what real records show: %v", redacted)
	}
	for d, n := range differences {
		t.Errorf("%d times resources %s", n, d)
	}
	t.Logf("checked %d records", checked)
}

type resource struct{ ARN, AccountID, Type string }

// listed returns the resources as texts in order.
func listed(resources []resource) []string {
	var texts []string
	for _, r := range resources {
		texts = append(texts, r.Type+" "+r.ARN+" "+r.AccountID)
	}
	slices.Sort(texts)
	return texts
}

// capitalised returns a record's tree with the API's spelling of its first members.
func capitalised(v any) map[string]any {
	tree, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	api := map[string]any{}
	for name, v := range tree {
		if name == "bucketName" {
			name = "bucket"
		}
		api[strings.ToUpper(name[:1])+name[1:]] = v
	}
	return api
}

func byEvent(source, name string) *awsmodel.Operation {
	for _, s := range awsmodel.ByEventSource(source) {
		for _, op := range s.Operations() {
			if op.EventName == name {
				return op
			}
		}
	}
	return nil
}

// botocore returns the directory of the botocore that the table was made from, or
// skips the test.
func botocore(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped by -short: reads all API models")
	}
	out, err := exec.Command("python3", "-c", "import botocore; print(botocore.__version__, botocore.__path__[0])").Output()
	version, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil {
		t.Skip("skipped: no botocore here")
	}
	if "botocore "+version != awsmodel.Source() {
		t.Skipf("skipped: here is botocore %s, the table is of %s", version, awsmodel.Source())
	}
	return dir
}

// The same models give the same bytes.
func TestGenerate(t *testing.T) {
	t.Parallel()
	dir := botocore(t)
	output := filepath.Join(t.TempDir(), "models.bin")
	if out, err := exec.Command("go", "run", "./gen", "-models", dir, "-o", output).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("models.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("models.bin is not what go generate makes of the same models")
	}
}

// rawModel is what this test reads of a model, by another way than the generator.
type rawModel struct {
	Operations map[string]struct {
		Input, Output struct{ Shape string }
		Errors        []struct{ Shape string }
	}
	Shapes map[string]struct {
		Type               string
		Document           bool
		Sensitive          bool
		Required           []string
		Members            map[string]rawMember
		Member, Key, Value struct{ Shape string }
	}
}

type rawMember struct {
	Shape, LocationName, Location string
}

// The table has every operation, member, wire name, location and sensitive mark of
// the models.
func TestTableAgainstModels(t *testing.T) {
	t.Parallel()
	dir := botocore(t)
	sensitive := 0
	for i, s := range awsmodel.Services() {
		if underRace && i%16 != 0 {
			continue
		}
		files, err := filepath.Glob(filepath.Join(dir, "data", s.ID, "*", "service-2.json.gz"))
		if err != nil || len(files) == 0 {
			t.Fatalf("models of %s: %v, %v", s.ID, files, err)
		}
		m := readModel(t, slices.Max(files))
		if got := len(m.Operations); got != s.Len() {
			t.Errorf("%s has %d operations, the model %d", s.ID, s.Len(), got)
		}
		for name, raw := range m.Operations {
			op, ok := s.Operation(name)
			if !ok {
				t.Errorf("no operation %s.%s", s.ID, name)
				continue
			}
			c := comparison{t: t, model: m, at: s.ID + "." + name, seen: map[string]bool{}, sensitive: &sensitive}
			c.compare(raw.Input.Shape, op.Input())
			c.compare(raw.Output.Shape, op.Output())
			if len(raw.Errors) != len(op.Errors()) {
				t.Errorf("%s.%s has %d errors, the model %d", s.ID, name, len(op.Errors()), len(raw.Errors))
			}
		}
	}
	t.Logf("compared %d members and shapes that are sensitive", sensitive)
	if sensitive == 0 {
		t.Error("no member is sensitive")
	}
}

func readModel(t *testing.T, path string) *rawModel {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var m rawModel
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return &m
}

type comparison struct {
	t         *testing.T
	model     *rawModel
	at        string
	seen      map[string]bool
	sensitive *int
}

func (c *comparison) compare(name string, s *awsmodel.Shape) {
	if name == "" != (s == nil) {
		c.t.Errorf("%s: shape %q is %v", c.at, name, s)
		return
	}
	if s == nil || c.seen[name] {
		return
	}
	c.seen[name] = true
	raw := c.model.Shapes[name]
	kind := raw.Type
	if raw.Document {
		kind = "document"
	}
	if s.Kind.String() != kind || s.Sensitive != raw.Sensitive {
		c.t.Errorf("%s: %s is a %v, sensitive %v; the model has %s, %v", c.at, name, s.Kind, s.Sensitive, kind, raw.Sensitive)
		return
	}
	if s.Sensitive {
		*c.sensitive++
	}
	switch s.Kind {
	case awsmodel.Structure:
		if len(s.Members) != len(raw.Members) {
			c.t.Errorf("%s: %s has %d members, the model %d", c.at, name, len(s.Members), len(raw.Members))
		}
		for _, member := range slices.Sorted(maps.Keys(raw.Members)) {
			want, got := raw.Members[member], s.Member(member)
			if got == nil {
				c.t.Errorf("%s: no member %s.%s", c.at, name, member)
				continue
			}
			wire := want.LocationName
			if wire == "" {
				wire = member
			}
			if got.WireName != wire || got.Location != locations[want.Location] || got.Required != slices.Contains(raw.Required, member) {
				c.t.Errorf("%s: %s.%s is %+v, the model has %+v", c.at, name, member, got, want)
			}
			c.compare(want.Shape, got.Shape())
		}
	case awsmodel.List:
		c.compare(raw.Member.Shape, s.Element.Shape())
	case awsmodel.Map:
		c.compare(raw.Key.Shape, s.Key.Shape())
		c.compare(raw.Value.Shape, s.Value.Shape())
	}
}

var locations = map[string]awsmodel.Location{
	"": awsmodel.Body, "header": awsmodel.Header, "headers": awsmodel.Headers, "uri": awsmodel.URI,
	"querystring": awsmodel.QueryParam, "statusCode": awsmodel.StatusCode,
}
