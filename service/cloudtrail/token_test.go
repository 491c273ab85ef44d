package cloudtrail_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/internal/sigv4"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

// signed returns a request of a caller as it goes over the wire.
func signed(t *testing.T, c caller, operation, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://cloudtrail.invalid/", strings.NewReader(body))
	must(t, err)
	r.Header.Set("X-Amz-Target", "CloudTrail_20131101."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	must(t, sigv4.Sign(r, sigv4.HashPayload([]byte(body)), sigv4.Credentials{AccessKeyID: c.id, SecretAccessKey: c.secret}, "cloudtrail", c.region, time.Now()))
	return r
}

// Pages show each event once and in order while others arrive.
func TestPagingUnderAppends(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	c := f.client(f.root(operator))
	at := f.now().Add(-time.Hour).Truncate(time.Second)
	const n = 173
	for i := range n {
		f.put(made{name: "Old", user: fmt.Sprint(i), at: at.Add(time.Duration(i/10) * time.Second)}) // ten in a second
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				// Newer ones, and late ones among those that are read.
				f.put(made{name: "Old", user: "new", at: at.Add(time.Minute)}, made{name: "Other", at: at.Add(3 * time.Second)})
			}
		}
	})
	for _, size := range []int32{1, 7, 50} {
		pages := sdk.NewLookupEventsPaginator(c, &sdk.LookupEventsInput{
			LookupAttributes: by(types.LookupAttributeKeyEventName, "Old"), EndTime: awssdk.Time(at.Add(time.Minute - time.Second)), MaxResults: &size,
		})
		var got []string
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			must(t, err)
			if len(out.Events) > int(size) {
				t.Errorf("%d events in a page of %d", len(out.Events), size)
			}
			for _, e := range out.Events {
				got = append(got, *e.Username)
			}
		}
		slices.Reverse(got)
		for i := range got {
			if got[i] != fmt.Sprint(i) {
				t.Fatalf("with pages of %d the event %d from the end is %s", size, i, got[i])
			}
		}
		if len(got) != n {
			t.Errorf("with pages of %d there are %d events", size, len(got))
		}
	}
	close(stop)
	wg.Wait()
}

// A token is good for its caller, region and query alone, also after a restart.
func TestTokens(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	at := f.now().Add(-time.Hour).Truncate(time.Second)
	for i := range 9 {
		for _, account := range []string{operator, other} {
			for _, region := range []string{"us-east-1", "eu-west-1"} {
				f.put(made{account: account, region: region, name: fmt.Sprint("N", i), at: at.Add(time.Duration(i) * time.Second)})
			}
		}
	}
	root, kit := f.root(operator), f.user(operator, "kit")
	end := awssdk.Time(at.Add(time.Minute))
	query := func() *sdk.LookupEventsInput {
		return &sdk.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyUsername, "ann"), EndTime: end, MaxResults: awssdk.Int32(3)}
	}
	first, err := f.client(root).LookupEvents(t.Context(), query())
	must(t, err)
	token := first.NextToken
	if got := names(first); !slices.Equal(got, []string{"N8", "N7", "N6"}) || token == nil {
		t.Fatalf("first page %v", got)
	}
	next := func(c caller, change func(*sdk.LookupEventsInput)) (*sdk.LookupEventsOutput, error) {
		in := query()
		in.NextToken = token
		if change != nil {
			change(in)
		}
		return f.client(c).LookupEvents(t.Context(), in)
	}
	wantSecond := func(when string) {
		t.Helper()
		out, err := next(root, nil)
		must(t, err)
		if got := names(out); !slices.Equal(got, []string{"N5", "N4", "N3"}) {
			t.Errorf("second page %s: %v", when, got)
		}
	}
	wantSecond("at once")
	wantSecond("again")

	for what, change := range map[string]func(*sdk.LookupEventsInput){
		"another value":     func(in *sdk.LookupEventsInput) { in.LookupAttributes = by(types.LookupAttributeKeyUsername, "eve") },
		"another attribute": func(in *sdk.LookupEventsInput) { in.LookupAttributes = by(types.LookupAttributeKeyEventName, "ann") },
		"no attribute":      func(in *sdk.LookupEventsInput) { in.LookupAttributes = nil },
		"another end":       func(in *sdk.LookupEventsInput) { in.EndTime = awssdk.Time(end.Add(time.Second)) },
		"no end":            func(in *sdk.LookupEventsInput) { in.EndTime = nil },
		"another page size": func(in *sdk.LookupEventsInput) { in.MaxResults = awssdk.Int32(4) },
		"no page size":      func(in *sdk.LookupEventsInput) { in.MaxResults = nil },
		"a start":           func(in *sdk.LookupEventsInput) { in.StartTime = awssdk.Time(at.Add(-time.Second)) },
		"another category": func(in *sdk.LookupEventsInput) {
			in.LookupAttributes, in.EventCategory = nil, types.EventCategoryInsight
		},
	} {
		_, err := next(root, change)
		wantError[*types.InvalidNextTokenException](t, what, err)
	}
	for what, c := range map[string]caller{"another user": kit, "another region": root.in("eu-west-1"), "another account": f.root(other)} {
		_, err := next(c, nil)
		wantError[*types.InvalidNextTokenException](t, what, err)
	}

	sealed, err := base64.StdEncoding.DecodeString(*token)
	must(t, err)
	good := *token
	for i := range sealed {
		for _, mask := range []byte{1, 0x80} {
			forged := slices.Clone(sealed)
			forged[i] ^= mask
			token = awssdk.String(base64.StdEncoding.EncodeToString(forged))
			_, err := next(root, nil)
			wantError[*types.InvalidNextTokenException](t, fmt.Sprintf("byte %d changed by %#x", i, mask), err)
		}
		token = awssdk.String(base64.StdEncoding.EncodeToString(sealed[:i]))
		if i == 0 {
			continue // an empty token is none
		}
		_, err := next(root, nil)
		wantError[*types.InvalidNextTokenException](t, fmt.Sprintf("cut at byte %d", i), err)
	}
	token = awssdk.String(good + "AAAA")
	_, err = next(root, nil)
	wantError[*types.InvalidNextTokenException](t, "made longer", err)

	token = &good
	f.close()
	f.open(false)
	wantSecond("after a restart")
	_, err = next(kit, nil)
	wantError[*types.InvalidNextTokenException](t, "another user after a restart", err)
}
