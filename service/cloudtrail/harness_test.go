package cloudtrail_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/catalog"
	"cairn/delivery"
	"cairn/eventlog"
	"cairn/identity"
	"cairn/internal/durable/memfs"
	"cairn/record"
	. "cairn/service/cloudtrail"
	"cairn/service/sts"
	"cairn/trail"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/smithy-go"
	"golang.org/x/mod/sumdb/note"
)

const (
	operator = "111111111111"
	other    = "222222222222"
	third    = "333333333333"
)

var regions = []string{"us-east-1", "eu-west-1", "ap-south-1"}

// A front is CloudTrail and STS behind a Mux with all that is real: identities,
// recorder and event log.
type front struct {
	t        *testing.T
	dir      string // of the catalog
	catalog  *catalog.Catalog
	store    *identity.Store
	log      *eventlog.Log
	recorder *record.Recorder
	mux      *aws.Mux

	trails     *trail.Store
	deliveries *fakeDeliveries
	digestKeys fakeKeys
	kms        fakeKMS

	ahead  atomic.Int64              // what the clock is ahead of this machine's, in nanoseconds
	frozen atomic.Pointer[time.Time] // where the clock stands still, if not nil
	keys   map[string][2]string
	made   atomic.Int64 // events
	closed bool
}

func newFront(t *testing.T, throttle bool) *front {
	t.Helper()
	f := &front{
		t: t, dir: t.TempDir(), keys: make(map[string][2]string),
		deliveries: &fakeDeliveries{status: make(map[string]delivery.Status)}, kms: make(fakeKMS),
	}
	key, public, err := note.GenerateKey(rand.Reader, "cairn.test")
	must(t, err)
	signer, err := note.NewSigner(key)
	must(t, err)
	verifier, err := note.NewVerifier(public)
	must(t, err)
	f.log, err = eventlog.Open(eventlog.Config{
		Dir: "events", FS: memfs.New(1 << 30), Now: f.now, Signer: signer, Verifiers: note.VerifierList(verifier), ReserveBytes: -1,
	})
	must(t, err)
	f.recorder, err = record.New(record.Config{Log: f.log, AccountID: operator})
	must(t, err)
	f.open(throttle)
	t.Cleanup(func() {
		f.close()
		must(t, f.recorder.Close())
		must(t, f.log.Close())
	})
	return f
}

func (f *front) now() time.Time {
	at := time.Now()
	if frozen := f.frozen.Load(); frozen != nil {
		at = *frozen
	}
	return at.Add(time.Duration(f.ahead.Load()))
}

// open opens the catalog and what stands on it.
func (f *front) open(throttle bool) {
	f.t.Helper()
	var err error
	f.catalog, err = catalog.Open(catalog.Config{Dir: f.dir})
	must(f.t, err)
	f.closed = false
	f.store, err = identity.Open(f.catalog, identity.Options{Now: f.now})
	must(f.t, err)
	f.mux = aws.NewMux(aws.Config{
		Keys: f.store, Authorizer: f.store, Recorder: f.recorder, Now: f.now, Throttle: throttle, Regions: regions,
	})
	f.trails, err = trail.Open(trail.Config{Catalog: f.catalog, Regions: regions, End: f.log.End, Passed: f.log.End, Now: f.now})
	must(f.t, err)
	f.mux.Serve((&Service{
		History: f.log, Trails: f.trails, Deliveries: f.deliveries, Keys: &f.digestKeys, KMS: func(*aws.Call) EncryptionKeys { return f.kms },
		Sealer: f.catalog.Keyring(), Logger: slog.New(slog.DiscardHandler), Now: f.now,
	}).API())
	f.mux.Serve((&sts.Service{Store: f.store}).API())
}

func (f *front) close() {
	if !f.closed {
		must(f.t, f.catalog.Close())
	}
	f.closed = true
}

// A caller is who signs requests, and where.
type caller struct{ account, region, id, secret, token string }

// root is an account's root user, which it makes.
func (f *front) root(account string) caller {
	f.t.Helper()
	k, ok := f.keys[account]
	if !ok {
		id, secret, err := f.store.AddAccount(account)
		must(f.t, err)
		k = [2]string{id, secret}
		f.keys[account] = k
	}
	return caller{account: account, region: "us-east-1", id: k[0], secret: k[1]}
}

// user makes a user who may use CloudTrail.
func (f *front) user(account, name string) caller {
	f.t.Helper()
	return f.userWith(account, name, `{"Effect":"Allow","Action":"cloudtrail:*","Resource":"*"}`)
}

// userWith makes a user whose policy has the given statements.
func (f *front) userWith(account, name, statements string) caller {
	f.t.Helper()
	u := &identity.User{Head: identity.Head{Name: name, Path: "/"}}
	u.Inline = map[string]string{"all": `{"Version":"2012-10-17","Statement":[` + statements + `]}`}
	must(f.t, f.store.Users.Create(account, u, nil))
	k, secret, err := f.store.CreateAccessKey(account, name)
	must(f.t, err)
	return caller{account: account, region: "us-east-1", id: k.ID, secret: secret}
}

func (c caller) in(region string) caller {
	c.region = region
	return c
}

// client is a caller's client, whose answers the given functions see.
func (f *front) client(c caller, see ...func(*http.Response)) *sdk.Client {
	return newClient(roundTrip(func(r *http.Request) (*http.Response, error) {
		answer, err := aws.InProcess{Handler: f.mux}.RoundTrip(r)
		for _, s := range see {
			s(answer)
		}
		return answer, err
	}), c)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func newClient(transport http.RoundTripper, c caller) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: c.region, BaseEndpoint: awssdk.String("http://cloudtrail.invalid"), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(c.id, c.secret, c.token), RetryMaxAttempts: 1,
	})
}

// A made event has just the fields that tests are about.
type made struct {
	account, region, name, source, user, key, id, category string
	at                                                     time.Time
	readOnly, root                                         bool
	resource                                               [2]string // type, ARN
	parameters                                             string    // JSON
}

func (f *front) raw(m made) []byte {
	or := func(s, plain string) string {
		if s == "" {
			return plain
		}
		return s
	}
	if m.at.IsZero() {
		m.at = f.now()
	}
	m.account = or(m.account, operator)
	who := fmt.Sprintf(`"type":"IAMUser","userName":%q,"accountId":%q`, or(m.user, "ann"), m.account)
	if m.root {
		who = fmt.Sprintf(`"type":"Root","principalId":%q,"arn":"arn:aws:iam::%[1]s:root","accountId":%[1]q`, m.account)
	}
	resources := ""
	if m.resource[0] != "" {
		resources = fmt.Sprintf(`,"resources":[{"ARN":%q,"type":%q,"accountId":%q}]`, m.resource[1], m.resource[0], m.account)
	}
	if m.key != "" {
		who += fmt.Sprintf(`,"accessKeyId":%q`, m.key)
	}
	return fmt.Appendf(nil, `{"eventVersion":"1.08","userIdentity":{%s},"eventTime":%q,"eventSource":%q,"eventName":%q,"awsRegion":%q,`+
		`"sourceIPAddress":"192.0.2.1","userAgent":"x","requestParameters":%s,"responseElements":null,"eventID":%q,"readOnly":%v%s,"eventType":"AwsApiCall",`+
		`"managementEvent":%v,"recipientAccountId":%q,"eventCategory":%q}`,
		who, m.at.UTC().Format(time.RFC3339), or(m.source, "ec2.amazonaws.com"), or(m.name, "RunInstances"), or(m.region, "us-east-1"), or(m.parameters, "null"),
		or(m.id, fmt.Sprintf("00000000-0000-4000-8000-%012d", f.made.Add(1))), m.readOnly, resources, or(m.category, "Management") == "Management", m.account, or(m.category, "Management"))
}

func (f *front) put(events ...made) {
	f.t.Helper()
	raws := make([][]byte, len(events))
	for i, m := range events {
		raws[i] = f.raw(m)
	}
	results, err := f.log.Append(context.Background(), eventlog.Batch{Origin: cairn.OriginPosted, Records: raws})
	must(f.t, err)
	for i, r := range results {
		if r.Status != eventlog.Stored {
			f.t.Fatalf("event %d was not stored: %s %v\n%s", i, r.Status, r.Err, raws[i])
		}
	}
}

func by(key types.LookupAttributeKey, value string) []types.LookupAttribute {
	return []types.LookupAttribute{{AttributeKey: key, AttributeValue: &value}}
}

// names are the EventNames of a page.
func names(out *sdk.LookupEventsOutput) []string {
	all := []string{}
	for _, e := range out.Events {
		all = append(all, *e.EventName)
	}
	return all
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError fails the test unless an error is of the SDK's type, with status 400.
func wantError[E error](t *testing.T, what string, err error) {
	t.Helper()
	var want E
	var response interface{ HTTPStatusCode() int }
	if !errors.As(err, &want) || !errors.As(err, &response) || response.HTTPStatusCode() != http.StatusBadRequest {
		t.Errorf("%s: error %v, want a %T", what, err, want)
	}
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	var api smithy.APIError
	var response interface{ HTTPStatusCode() int }
	if !errors.As(err, &api) || !errors.As(err, &response) || api.ErrorCode() != code || response.HTTPStatusCode() != http.StatusBadRequest {
		t.Errorf("%s: error %v, want %s", what, err, code)
	}
}

// rawOf is an event's whole record.
func rawOf(t *testing.T, e types.Event) map[string]any {
	t.Helper()
	var tree map[string]any
	must(t, json.Unmarshal([]byte(*e.CloudTrailEvent), &tree))
	return tree
}
