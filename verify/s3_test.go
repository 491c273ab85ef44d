package verify_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn"
	"cairn/verify"
)

// serve gives a bucket over S3's protocol, as far as verifiers use it, and the
// public key over CloudTrail's. A page of a listing has 7 keys.
func serve(t testing.TB, b *memoryBucket) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			_ = json.NewEncoder(w).Encode(map[string]any{"PublicKeyList": []any{map[string]any{
				"Value":       base64.StdEncoding.EncodeToString(cairn.PublicKeyDER(&signer().PublicKey)),
				"Fingerprint": cairn.Fingerprint(&signer().PublicKey), "ValidityStartTime": dayOne.Unix(), "ValidityEndTime": dayOne.Add(720 * time.Hour).Unix(),
			}}})
			return
		}
		bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		refuse := func(status int, code string) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<Error><Code>" + code + "</Code><Message>no</Message></Error>"))
		}
		switch q := r.URL.Query(); {
		case bucket != b.name:
			refuse(http.StatusNotFound, "NoSuchBucket")
		case q.Has("location"):
			_, _ = w.Write([]byte(`<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>`))
		case key == "":
			w.Header().Set("Content-Type", "application/xml")
			_ = xml.NewEncoder(w).Encode(b.page(q.Get("prefix"), q.Get("delimiter"), max(q.Get("marker"), q.Get("start-after"), q.Get("continuation-token"))))
		default:
			o, ok := b.objects[key]
			if !ok {
				refuse(http.StatusNotFound, "NoSuchKey")
				return
			}
			for k, v := range o.metadata {
				w.Header()["x-amz-meta-"+k] = []string{v} // in lower case, as clients look for it
			}
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Length", strconv.Itoa(len(o.body)))
			_, _ = w.Write(o.body)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

type listPage struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextMarker            string
	NextContinuationToken string
	Contents              []listEntry
	CommonPrefixes        []struct{ Prefix string }
}

type listEntry struct {
	Key          string
	Size         int
	LastModified string
}

func (b *memoryBucket) page(prefix, delimiter, after string) *listPage {
	p := &listPage{}
	last := ""
	for _, k := range b.keys() {
		rest, ok := strings.CutPrefix(k, prefix)
		if !ok || k <= after || delimiter != "" && strings.HasSuffix(after, delimiter) && strings.HasPrefix(k, after) {
			continue
		}
		sub, _, folder := strings.Cut(rest, "/")
		if folder = folder && delimiter != ""; folder && last == prefix+sub+"/" {
			continue
		}
		if len(p.Contents)+len(p.CommonPrefixes) == 7 {
			p.IsTruncated, p.NextMarker, p.NextContinuationToken = true, last, last
			return p
		}
		last = k
		if folder {
			last = prefix + sub + "/"
			p.CommonPrefixes = append(p.CommonPrefixes, struct{ Prefix string }{last})
			continue
		}
		o := b.objects[k]
		p.Contents = append(p.Contents, listEntry{k, len(o.body), o.modified.UTC().Format("2006-01-02T15:04:05.000Z")})
	}
	return p
}

func client(server *httptest.Server) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(server.URL), UsePathStyle: true, Region: "us-east-1", Credentials: staticKey{}, RetryMaxAttempts: 1,
	})
}

type staticKey struct{}

func (staticKey) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "x"}, nil
}

// A bucket and its keys are the same over the wire.
func TestBucket(t *testing.T) {
	t.Parallel()
	b, end := sound(t)
	server := serve(t, b)
	keys := verify.ServerKeys{Client: func(region string) cloudtrail.ListPublicKeysAPIClient {
		return cloudtrail.New(cloudtrail.Options{BaseEndpoint: &server.URL, Region: region, Credentials: staticKey{}})
	}}
	source := verify.NewBucket(client(server), "audit-bucket")
	r := run(t, verify.Config{Source: source, Keys: keys, Now: end})
	if !r.Proved() || r.Digests != 2*windows+2 || r.LogFilesProved != 5*windows+4 {
		t.Fatalf("%+v\n%s", r, dump(r))
	}
	gone, changed := b.matching("_CloudTrail_")[0], b.matching("_CloudTrail_")[5]
	delete(b.objects, gone)
	change(b, changed, func(o *object) { o.body = zipped([]byte("{}")) })
	r = run(t, verify.Config{Source: source, Keys: keys, Now: end})
	if want := []string{"damage: log file was changed", "damage: missing log file"}; !slices.Equal(kinds(r), want) {
		t.Errorf("found %q, want %q", kinds(r), want)
	}
	if _, err := verify.Run(t.Context(), verify.Config{Source: verify.NewBucket(client(server), "other"), Keys: keys}); err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("a bucket that is not there: %v", err)
	}
}

// What the AWS command line takes for damage is damage, and what is proved it
// takes too.
func TestStockVerifier(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("no aws command line at hand")
	}
	for name, c := range map[string]struct {
		tamper func(b *memoryBucket)
		stock  bool // it finds the damage
	}{
		"nothing": {func(*memoryBucket) {}, false},
		"a log file": {func(b *memoryBucket) {
			change(b, b.matching("_CloudTrail_us")[3], func(o *object) { o.body = zipped([]byte("{}")) })
		}, true},
		"a digest": {func(b *memoryBucket) { delete(b.objects, digestKey("us-east-1", 3, false)) }, true},
		// It does not see these.
		"a log file more": {func(b *memoryBucket) {
			n, _ := cairn.ParseLogFileKey(b.matching("_CloudTrail_us")[3])
			n.Unique = "0000000000000000"
			b.objects[n.Key()] = object{body: zipped([]byte("{}"))}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, end := sound(t)
			c.tamper(b)
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, "aws", "cloudtrail", "validate-logs", "--trail-arn", demoTrail().ARN().String(), "--s3-bucket", b.name,
				"--start-time", dayOne.Format(time.RFC3339), "--end-time", end.Format(time.RFC3339), "--region", "us-east-1")
			url := serve(t, b).URL
			cmd.Env = append(cmd.Environ(), "AWS_ENDPOINT_URL="+url, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=x", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
			out, err := cmd.CombinedOutput()
			if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() != 1) {
				t.Skipf("the aws command line does not work here: %v: %s", err, out)
			}
			if (err != nil) != c.stock {
				t.Errorf("the aws command line: %v: %s", err, out)
			}
			r := run(t, verify.Config{Source: b, Now: end})
			if r.Proved() != (name == "nothing") {
				t.Errorf("proved: %t\n%s", r.Proved(), dump(r))
			}
		})
	}
}
