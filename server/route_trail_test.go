package server

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/delivery"
	"cairn/trail"
)

// trailsTest is a server on which two accounts have a trail of the same name,
// whose bucket does not exist, and an event each.
func trailsTest(t *testing.T) (x *routesTest, trails map[string]*trail.Trail) {
	t.Helper()
	x = serveRoutesWith(t, Config{Data: t.TempDir(), DeliveryInterval: 24 * time.Hour})
	trails = make(map[string]*trail.Trail)
	for _, account := range []string{accountA, accountB} {
		made, err := x.server.front.trails.Create(cairn.Trail{
			Name: "main", AccountID: account, HomeRegion: "eu-west-1", S3BucketName: "nowhere", LogFileValidation: true, IncludeGlobalServiceEvents: true,
			Created: time.Now(), Logging: true, LoggingStarted: time.Now(),
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		trails[account] = made
	}
	x.post(t, x.a, string(recordOf(accountA, 1)))
	x.post(t, x.b, string(recordOf(accountB, 2)))
	return x, trails
}

// deliver delivers what there is, whether or not the bucket takes it.
func (x *routesTest) deliver(t *testing.T) {
	t.Helper()
	_ = x.server.front.deliveries.Deliver(t.Context())
}

var eventIDPattern = regexp.MustCompile(`"eventID":"([^"]*)"`)

// Each account sees its own trails, files and events; an operator sees all. Who
// has no permission sees nothing, and who redelivers is recorded.
func TestTrailWalls(t *testing.T) {
	t.Parallel()
	x, trails := trailsTest(t)
	x.deliver(t)
	reports := func(key Credentials, query string) (code int, list TrailList, text string) {
		t.Helper()
		code, text = x.call(t, key, http.MethodGet, "/_cairn/api/trails"+query, nil, nil)
		if code == http.StatusOK {
			if err := json.Unmarshal([]byte(text), &list); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
		return code, list, text
	}
	code, list, text := reports(x.a, "")
	if code != http.StatusOK || len(list.Trails) != 1 || list.Trails[0].AccountID != accountA {
		t.Fatalf("%d %s", code, text)
	}
	r := list.Trails[0]
	if r.Staged.Files != 1 || r.Staged.Events < 1 || r.LagSeconds > 3600 || len(r.Problems) == 0 || r.Problems[0].Error != "NoSuchBucket" || !strings.Contains(r.Problems[0].Advice, "update-trail --name main") {
		t.Errorf("report %s", text)
	}
	if code, list, text := reports(x.operator, "?trail=main"); code != http.StatusOK || len(list.Trails) != 2 {
		t.Errorf("operator: %d %s", code, text)
	}
	if code, list, text := reports(x.operator, "?account="+accountB); code != http.StatusOK || len(list.Trails) != 1 || list.Trails[0].AccountID != accountB {
		t.Errorf("operator: %d %s", code, text)
	}
	arnB := trails[accountB].ARN().String()
	digestKey := cairn.DigestFileName{AccountID: trails[accountB].AccountID, Region: "us-east-1", TrailName: "main", HomeRegion: "us-east-1", End: time.Unix(1e9, 0)}.Key()
	event := eventIDPattern.FindStringSubmatch(string(recordOf(accountA, 1)))[1]
	for _, c := range []struct {
		what         string
		key          Credentials
		method, path string
		body         string
		code         int
		contains     string
	}{
		{"another account", x.a, "GET", "?account=" + accountB, "", 400, "Only an operator"},
		{"another account's trail", x.a, "GET", "?trail=" + arnB, "", 404, "TrailNotFoundException"},
		{"another account's files", x.a, "GET", "/files?trail=" + arnB, "", 404, "TrailNotFoundException"},
		{"another account's redelivery", x.a, "POST", "/redeliver", `{"trail":"` + arnB + `","since":"2026-01-01T00:00:00Z"}`, 404, "TrailNotFoundException"},
		{"another account's event", x.b, "GET", "/why?eventId=" + event, "", 400, "no event with the ID"},
		{"the own event", x.a, "GET", "/why?eventId=" + event, "", 200, `"taken":true`},
		{"any event", x.operator, "GET", "/why?eventId=" + event, "", 200, `"name":"main"`},
		{"no event", x.a, "GET", "/why", "", 400, "eventId is missing"},
		{"files", x.a, "GET", "/files?trail=main", "", 200, `"state":"staged"`},
		{"files of two trails", x.operator, "GET", "/files?trail=main", "", 400, "name one by its ARN"},
		{"an unknown parameter", x.a, "GET", "?name=main", "", 400, `parameter \"name\" is not known`},
		{"a bad time", x.a, "GET", "/files?trail=main&since=today", "", 400, "since"},
		{"a bad limit", x.a, "GET", "/files?trail=main&limit=-1", "", 400, "limit"},
		{"a redelivery of what waits", x.a, "POST", "/redeliver", `{"trail":"main","since":"2026-01-01T00:00:00Z"}`, 200, `"outcome":"waiting"`},
		{"a redelivery of a digest that is not kept", x.a, "POST", "/redeliver", `{"trail":"main","key":"` + digestKey + `"}`, 400, "has no digest"},
		{"a redelivery of something else", x.a, "POST", "/redeliver", `{"trail":"main","key":"x.txt"}`, 400, "neither that of a log file nor that of a digest"},
		{"a redelivery of nothing", x.a, "POST", "/redeliver", `{"trail":"main"}`, 400, "time range"},
		{"a redelivery of too much", x.a, "POST", "/redeliver", `{"trail":"main","key":"k","since":"2026-01-01T00:00:00Z"}`, 400, "exclude each other"},
		{"an unknown member", x.a, "POST", "/redeliver", `{"trail":"main","all":true}`, 400, "all"},
	} {
		code, text := x.call(t, c.key, c.method, "/_cairn/api/trails"+c.path, nil, []byte(c.body))
		if code != c.code || !strings.Contains(text, c.contains) {
			t.Errorf("%s: %d %s, want %d and %q", c.what, code, text, c.code, c.contains)
		}
	}
	reader := x.newUser(t, accountA, "reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cairn:GetTrails","Resource":"*"}]}`)
	if code, _, text := reports(reader, ""); code != http.StatusOK {
		t.Errorf("a reader: %d %s", code, text)
	}
	if code, text := x.call(t, reader, "POST", "/_cairn/api/trails/redeliver", nil, []byte(`{"trail":"main","since":"2026-01-01T00:00:00Z"}`)); code != http.StatusBadRequest || !strings.Contains(text, "AccessDeniedException") {
		t.Errorf("a reader redelivers: %d %s", code, text)
	}
	recorded, _ := x.find(t, x.a, "EventName=RedeliverLogFiles&not.errorCode=*")
	if len(recorded) != 1 || !strings.Contains(string(recorded[0].Record), `"trail":"main"`) {
		t.Errorf("recorded: %+v", recorded)
	}
}

// Metrics tell what waits, without a name.
func TestDeliveryMetrics(t *testing.T) {
	t.Parallel()
	x, _ := trailsTest(t)
	x.deliver(t)
	code, _, text := get(t, http.MethodGet, x.url+"/metrics", nil)
	if code != http.StatusOK {
		t.Fatalf("%d %s", code, text)
	}
	for _, want := range []string{
		`cairn_delivery_backlog_files 2`, `cairn_delivery_backlog_bytes \d{3,}`, `cairn_delivery_lag_seconds \d`, `cairn_delivery_digest_age_seconds \d`,
		`cairn_delivery_failures_total [1-9]`, `cairn_delivery_files_total 0`, `cairn_delivery_given_up_total 0`, `cairn_delivery_failed_cuts_total 0`, `cairn_delivery_damages_total 0`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(text) {
			t.Errorf("no %s in\n%s", want, strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return !strings.HasPrefix(l, "cairn_delivery") }), "\n"))
		}
	}
	if strings.Contains(text, accountA) || strings.Contains(text, "nowhere") {
		t.Error("metrics name a trail")
	}
}

// There is something to do about each error that deliveries are known to meet.
func TestTrailAdvice(t *testing.T) {
	t.Parallel()
	r := &delivery.Report{Trail: &trail.Trail{Trail: cairn.Trail{Name: "main", AccountID: accountA, HomeRegion: "eu-west-1", S3BucketName: "b", SNSTopicARN: "arn:topic", KMSKeyID: "arn:key"}}}
	for failure, want := range map[[2]string]string{
		{"delivery", "NoSuchBucket"}:                                            "--s3-bucket-name",
		{"digest", "AccessDenied"}:                                              "s3:PutObject",
		{"notification", "NotFound"}:                                            "the topic arn:topic is gone: make it again",
		{"notification", "AccessDenied"}:                                        "sns:Publish",
		{"delivery", "KMS.NotFoundException"}:                                   "the key arn:key",
		{"delivery", "the service s3 is switched off (--s3 off)"}:               "start the server",
		{"delivery", "dial tcp 127.0.0.1:1: connect: connection refused"}:       "cannot be reached",
		{"delivery", "account 1 may not deliver to b: it is not in --s3-allow"}: "--s3-allow",
		{"delivery", "SlowDown"}:                                                "by itself",
		{"delivery", "SignatureDoesNotMatch"}:                                   "CAIRN_S3_ACCESS_KEY_ID",
		{"delivery", "WhateverElse"}:                                            "the server's log",
	} {
		if got := advise(failure[0], failure[1], r); !strings.Contains(got, want) || strings.Contains(got, "%[") {
			t.Errorf("%v: %s, want %q", failure, got, want)
		}
	}
}
