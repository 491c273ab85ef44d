package aws_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cairn/aws"
	"cairn/catalog"
	"cairn/delivery"
	"cairn/eventlog"
	"cairn/identity"
	"cairn/internal/sigv4"
	"cairn/service/cloudtrail"
	"cairn/service/iam"
	"cairn/service/sts"
	"cairn/trail"
)

// served are the APIs that Cairn serves, with real stores behind them.
func served(t *testing.T, cat *catalog.Catalog, store *identity.Store, cloudTrail *cloudtrail.Service) []*aws.API {
	t.Helper()
	if cloudTrail == nil {
		cloudTrail = &cloudtrail.Service{}
	}
	trails, err := trail.Open(trail.Config{Catalog: cat, Regions: []string{"us-east-1", "eu-west-1"}, End: func() eventlog.Position { return eventlog.Position{} }})
	if err != nil {
		t.Fatal(err)
	}
	// What lies behind the trails is not asked: no call here gets so far.
	cloudTrail.Trails, cloudTrail.Keys = trails, delivery.OpenKeys(cat, nil)
	if cloudTrail.Now == nil {
		cloudTrail.Now, cloudTrail.Logger = time.Now, slog.New(slog.DiscardHandler)
	}
	return []*aws.API{cloudTrail.API(), (&iam.Service{Store: store}).API(), (&sts.Service{Store: store}).API()}
}

func newStore(t *testing.T) (*catalog.Catalog, *identity.Store) {
	t.Helper()
	cat, err := catalog.Open(catalog.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cat.Close() })
	store, err := identity.Open(cat, identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return cat, store
}

// Every operation, asked for in every mode of payload and with credentials in
// every place, is refused unless its signature is good (S3).
func TestForgedSignatures(t *testing.T) {
	t.Parallel()
	cat, store := newStore(t)
	modes := []string{"", "signed", sigv4.UnsignedPayload, sigv4.StreamingPayload, sigv4.StreamingPayloadTrailer, sigv4.StreamingUnsignedTrailer,
		sigv4.StreamingEvents, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "nonsense"}
	places := []string{"header", "query", "both", "none", "SigV2 header", "SigV2 query", "POST form", "two headers", "SigV4A"}
	acted := 0
	w := newWorld(t, nil)
	cells := 0
	for _, api := range served(t, cat, store, nil) {
		w.mux.Serve(api)
		for _, operation := range aws.Operations(api) {
			for _, mode := range modes {
				for _, place := range places {
					r := forged(t, api, operation, mode, place)
					before := len(w.calls)
					rec := httptest.NewRecorder()
					w.mux.ServeHTTP(rec, r)
					cells++
					if rec.Code < 400 || len(w.calls) != before {
						acted++
						t.Errorf("%s %s, payload %q, credentials in %s: %d %s", api.Service, operation, mode, place, rec.Code, rec.Body)
					}
				}
			}
		}
	}
	if cells < 60*len(modes)*len(places) || len(w.counted) != cells {
		t.Errorf("%d cells, %d counted", cells, len(w.counted))
	}
	if len(w.asked) > 0 {
		t.Errorf("permission was asked for forged calls: %v", w.asked[:1])
	}
	t.Logf("%d cells", cells)
}

// forged returns a request that claims a known access key without its secret.
func forged(t *testing.T, api *aws.API, operation, mode, place string) *http.Request {
	t.Helper()
	body, url := "Action="+operation, "http://aws.test/"
	header := http.Header{}
	if _, ok := api.Protocol.(aws.JSON); ok {
		body = "{}"
		header.Set("X-Amz-Target", "CloudTrail_20131101."+operation)
	} else {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	const signature = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	scope := keyID + "/" + now.Format("20060102") + "/us-east-1/" + api.Service + "/aws4_request"
	authorization := "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host;x-amz-date, Signature=" + signature
	query := "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + strings.ReplaceAll(scope, "/", "%2F") + "&X-Amz-Date=" + now.Format("20060102T150405Z") +
		"&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=" + signature
	switch place {
	case "header":
		header.Set("Authorization", authorization)
	case "two headers":
		header["Authorization"] = []string{authorization, authorization}
	case "query":
		url += "?" + query
	case "both":
		header.Set("Authorization", authorization)
		url += "?" + query
	case "SigV2 header":
		header.Set("Authorization", "AWS "+keyID+":"+signature)
	case "SigV2 query":
		url += "?AWSAccessKeyId=" + keyID + "&Signature=" + signature + "&SignatureVersion=2&SignatureMethod=HmacSHA256&Expires=9999999999"
	case "SigV4A":
		header.Set("Authorization", "AWS4-ECDSA-P256-SHA256 Credential="+keyID+"/20260304/"+api.Service+"/aws4_request, SignedHeaders=host;x-amz-date;x-amz-region-set, Signature="+signature)
		header.Set("X-Amz-Region-Set", "*")
	case "POST form":
		body += "&" + query
	}
	header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	switch mode {
	case "":
	case "signed":
		header.Set("X-Amz-Content-Sha256", sigv4.HashPayload([]byte(body)))
	default:
		header.Set("X-Amz-Content-Sha256", mode)
	}
	r := httptest.NewRequest("POST", url, strings.NewReader(body))
	r.Header = header
	return r
}

// A signature over other bytes than those that came is none, and an unsigned
// payload is refused even with the secret: no service here allows it.
func TestPayloadModes(t *testing.T) {
	t.Parallel()
	for mode, status := range map[string]int{
		"": 200, sigv4.HashPayload([]byte(`{"Must":"x"}`)): 200, sigv4.HashPayload([]byte(`{"Must":"y"}`)): 400, sigv4.UnsignedPayload: 400, sigv4.StreamingPayload: 400,
		sigv4.StreamingPayloadTrailer: 400, sigv4.StreamingUnsignedTrailer: 400, sigv4.StreamingEvents: 400,
	} {
		w := newWorld(t, nil)
		r := httptest.NewRequest("POST", "http://aws.test/", strings.NewReader(`{"Must":"x"}`))
		r.Header.Set("X-Amz-Target", "CloudTrail_20131101.Echo")
		hash := sigv4.HashPayload([]byte(`{"Must":"x"}`))
		if mode != "" {
			r.Header.Set("X-Amz-Content-Sha256", mode)
			hash = mode
		}
		if err := sigv4.Sign(r, hash, sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, "cloudtrail", "us-east-1", now); err != nil {
			t.Fatal(err)
		}
		rec := httptest.NewRecorder()
		w.mux.ServeHTTP(rec, r)
		if rec.Code != status {
			t.Errorf("%q: %d %s, want %d", mode, rec.Code, rec.Body, status)
		}
	}
}

// Every operation of every service leaves exactly one event when it is allowed,
// denied, given nonsense, and called by a stranger none but a count (S19).
func TestEachOperationIsRecorded(t *testing.T) {
	t.Parallel()
	cat, store := newStore(t)
	for _, api := range served(t, cat, store, nil) {
		for _, operation := range aws.Operations(api) {
			w := newWorld(t, nil)
			w.mux.Serve(api)
			q := func(parameters string) request {
				if _, ok := api.Protocol.(aws.JSON); ok {
					return request{target: "CloudTrail_20131101." + operation, body: `{"MaxResults":` + parameters + `}`}
				}
				return request{service: api.Service, body: "Action=" + operation + "&UserName=" + parameters + "&RoleName=" + parameters + "&PolicyArn=" + parameters}
			}
			w.send(t, q("99"))
			w.wantEvents(t, 1, 0)
			w.send(t, q("%FF%00%E2%84%AA"))
			w.wantEvents(t, 2, 0)
			w.deny = true
			w.send(t, q("1"))
			w.wantEvents(t, 3, 0)
			stranger := q("1")
			stranger.secret = "guess"
			w.send(t, stranger)
			w.wantEvents(t, 3, 1)
			for _, c := range w.calls {
				if c.Operation != operation || c.Service != api.Service {
					t.Errorf("%s %s is recorded as %s %s", api.Service, operation, c.Service, c.Operation)
				}
			}
			if w.log.Len() > 0 {
				t.Errorf("%s %s: %.500s", api.Service, operation, w.log.String())
			}
		}
	}
}
