//lint:file-ignore SA1019 AWS still shows the members that it has deprecated, and so does Cairn.

package cloudtrail_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/smithy-go"
)

var (
	long     = flag.Bool("long", false, "run the tests that need minutes at their full figures")
	walkSeed = flag.Uint64("walk-seed", 0, "the seed of the random walk; 0 picks one")
)

// A model is what trails should be, said as simply as can be.
type model map[modelKey]*modelTrail

type modelKey struct{ account, region, name string }

type modelTrail struct {
	bucket, prefix, topic     string
	multi, global, validation bool
	logging                   bool
	started, stopped          time.Time
	selectors, insights       int // which of the walk's
	tags                      map[string]string
}

// walkSelectors are the selectors that the walk puts.
var walkSelectors = []struct {
	basic         []types.EventSelector
	advanced      []types.AdvancedEventSelector
	custom        bool
	reads, writes bool
}{
	{reads: true, writes: true},
	{basic: []types.EventSelector{{ReadWriteType: types.ReadWriteTypeReadOnly}}, custom: true, reads: true},
	{basic: []types.EventSelector{{ReadWriteType: types.ReadWriteTypeWriteOnly}, {IncludeManagementEvents: awssdk.Bool(false)}}, custom: true, writes: true},
	{advanced: managementAndObjects(), custom: true, reads: true, writes: true},
	{advanced: managementAndObjects()[1:], custom: true},
}

// in lists an account's trails that a region sees, by name and home.
func (m model) in(account, region string, shadows bool) []modelKey {
	var keys []modelKey
	for k, t := range m {
		if k.account == account && (k.region == region || shadows && t.multi) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b modelKey) int { return slices.Compare([]string{a.name, a.region}, []string{b.name, b.region}) })
	return keys
}

// find returns the trail of a call, or the code of the error.
func (m model) find(k modelKey, byARN bool, callRegion string, writes, tags bool) (*modelTrail, string) {
	missing := "TrailNotFoundException"
	if tags {
		missing = "ResourceNotFoundException"
		if !byARN {
			return nil, "CloudTrailARNInvalidException"
		}
	}
	t := m[k]
	if t == nil {
		if !byARN && writes && slices.ContainsFunc(m.in(k.account, callRegion, true), func(s modelKey) bool { return s.name == k.name }) {
			return nil, "InvalidHomeRegionException"
		}
		return nil, missing
	}
	if writes && k.region != callRegion {
		return nil, "InvalidHomeRegionException"
	}
	return t, ""
}

// full reports whether some region has no room for a trail of a region, or of all.
func (m model) full(account, home string, multi bool) bool {
	for _, region := range regions {
		if (multi || region == home) && len(m.in(account, region, true)) >= 5 {
			return true
		}
	}
	return false
}

// A walker makes calls and says what the model has for them.
type walker struct {
	*rand.Rand
	t       *testing.T
	f       *front
	model   model
	clients map[[2]string]*sdk.Client
	now     time.Time
	done    map[string]int // answers by operation and code
}

func oneOf[V any](w *walker, list ...V) V { return list[w.IntN(len(list))] }

func (w *walker) some(p float64) bool { return w.Float64() < p }

// A random walk of calls from three accounts in three regions, each answer
// compared with a simple model's (R9).
func TestRandomWalk(t *testing.T) {
	t.Parallel()
	steps := 10_000
	switch {
	case *long:
		steps = 500_000
	case testing.Short():
		steps = 1_000
	}
	seed := *walkSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-walk-seed %d", seed)
	w := &walker{
		Rand: rand.New(rand.NewPCG(seed, 0)), t: t, f: newFront(t, false), model: make(model), clients: make(map[[2]string]*sdk.Client),
		now: time.Now().UTC().Truncate(time.Second), done: make(map[string]int),
	}
	for _, account := range []string{operator, other, third} {
		for _, region := range regions {
			w.clients[[2]string{account, region}] = w.f.client(w.f.root(account).in(region))
		}
	}
	for step := range steps {
		w.now = w.now.Add(time.Millisecond)
		w.f.frozen.Store(new(w.now))
		if w.step(); t.Failed() {
			t.Fatalf("at step %d of the walk with -walk-seed %d", step, seed)
		}
	}
	for _, o := range []string{"CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging", "PutEventSelectors", "PutInsightSelectors", "AddTags", "RemoveTags",
		"GetTrail", "GetTrailStatus", "GetEventSelectors", "GetInsightSelectors", "ListTags", "DescribeTrails", "ListTrails"} {
		if w.done[o+" "] == 0 {
			t.Errorf("the walk had no %s that succeeded", o)
		}
	}
	for _, code := range []string{"CreateTrail TrailAlreadyExistsException", "CreateTrail MaximumNumberOfTrailsExceededException", "UpdateTrail MaximumNumberOfTrailsExceededException",
		"UpdateTrail InvalidParameterCombinationException", "StopLogging InvalidHomeRegionException", "GetTrail TrailNotFoundException", "PutInsightSelectors InvalidInsightSelectorsException"} {
		if w.done[code] == 0 {
			t.Errorf("the walk did not come to %s: %v", code, slices.Sorted(maps.Keys(w.done)))
		}
	}
}

// check compares how a call ended with how it should.
func (w *walker) check(operation, code string, err error) bool {
	w.t.Helper()
	got := ""
	var api smithy.APIError
	if errors.As(err, &api) {
		got = api.ErrorCode()
	} else if err != nil {
		got = err.Error()
	}
	if got != code {
		w.t.Errorf("%s: error %q (%v), want %q", operation, got, err, code)
	}
	w.done[operation+" "+code]++
	return got == "" && code == ""
}

func (w *walker) step() {
	account, region := oneOf(w, operator, other, third), oneOf(w, regions...)
	c, ctx := w.clients[[2]string{account, region}], w.t.Context()
	key := modelKey{account, region, fmt.Sprintf("trail-%d", w.IntN(7))}
	byARN := w.some(0.5)
	if byARN {
		key.region = oneOf(w, region, region, oneOf(w, regions...))
	}
	ref := &key.name
	if byARN {
		ref = awssdk.String(arnOf(account, key.region, key.name))
	}
	if byARN && w.some(0.05) { // another account's
		key = modelKey{"444444444444", key.region, key.name}
		ref = awssdk.String(arnOf(oneOf(w, operator, other, third), key.region, key.name))
		if *ref == arnOf(account, key.region, key.name) {
			key.account = account
		}
	}
	find := func(writes bool) (*modelTrail, string) { return w.model.find(key, byARN, region, writes, false) }
	tagged := func(writes bool) (*modelTrail, string) { return w.model.find(key, byARN, region, writes, true) }

	switch operation := oneOf(w, "CreateTrail", "CreateTrail", "UpdateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging", "PutEventSelectors", "PutInsightSelectors",
		"AddTags", "RemoveTags", "GetTrail", "GetTrail", "GetTrailStatus", "GetEventSelectors", "GetInsightSelectors", "ListTags", "DescribeTrails", "DescribeTrails", "ListTrails"); operation {
	case "CreateTrail":
		key = modelKey{account, region, key.name}
		m := &modelTrail{bucket: oneOf(w, "logs", "archive"), prefix: oneOf(w, "", "pre"), topic: oneOf(w, "", "topic"), multi: w.some(0.3), global: w.some(0.7), validation: w.some(0.5), tags: map[string]string{}}
		in := &sdk.CreateTrailInput{Name: &key.name, S3BucketName: &m.bucket, S3KeyPrefix: &m.prefix, SnsTopicName: &m.topic, IsMultiRegionTrail: &m.multi, IncludeGlobalServiceEvents: &m.global, EnableLogFileValidation: &m.validation}
		if w.some(0.3) {
			m.tags["made"] = "with"
			in.TagsList = tagsFrom("made", "with")
		}
		code := ""
		switch {
		case w.model[key] != nil:
			code = "TrailAlreadyExistsException"
		case w.model.full(account, region, m.multi):
			code = "MaximumNumberOfTrailsExceededException"
		case m.multi && !m.global:
			code = "InvalidParameterCombinationException"
		}
		out, err := c.CreateTrail(ctx, in)
		if w.check(operation, code, err) {
			w.model[key] = m
			same(w.t, operation, []any{out.TrailARN, out.IsMultiRegionTrail, out.IncludeGlobalServiceEvents}, []any{arnOf(account, region, key.name), m.multi, m.global})
		}
	case "UpdateTrail":
		m, code := find(true)
		in := &sdk.UpdateTrailInput{Name: ref}
		next := modelTrail{}
		if m != nil {
			next = *m
		}
		change := func(text *string, field **string, values ...string) {
			if w.some(0.3) {
				*text = oneOf(w, values...)
				*field = new(*text)
			}
		}
		change(&next.bucket, &in.S3BucketName, "logs", "archive")
		change(&next.prefix, &in.S3KeyPrefix, "", "pre", "other/pre")
		change(&next.topic, &in.SnsTopicName, "", "topic", "other")
		if w.some(0.4) {
			next.multi = w.some(0.5)
			next.global = next.global || next.multi
			in.IsMultiRegionTrail = new(next.multi)
		}
		if w.some(0.3) {
			next.global = w.some(0.5)
			in.IncludeGlobalServiceEvents = new(next.global)
		}
		if w.some(0.3) {
			next.validation = w.some(0.5)
			in.EnableLogFileValidation = new(next.validation)
		}
		if m != nil && code == "" {
			delete(w.model, key) // it is not in its own way
			switch {
			case next.multi && !next.global:
				code = "InvalidParameterCombinationException"
			case !m.multi && next.multi && w.model.full(account, region, true):
				code = "MaximumNumberOfTrailsExceededException"
			}
			w.model[key] = m
		}
		_, err := c.UpdateTrail(ctx, in)
		if w.check(operation, code, err) {
			*m = next
		}
	case "DeleteTrail":
		_, code := find(true)
		_, err := c.DeleteTrail(ctx, &sdk.DeleteTrailInput{Name: ref})
		if w.check(operation, code, err) {
			delete(w.model, key)
		}
	case "StartLogging":
		m, code := find(true)
		_, err := c.StartLogging(ctx, &sdk.StartLoggingInput{Name: ref})
		if w.check(operation, code, err) && !m.logging {
			m.logging, m.started = true, w.now
		}
	case "StopLogging":
		m, code := find(true)
		_, err := c.StopLogging(ctx, &sdk.StopLoggingInput{Name: ref})
		if w.check(operation, code, err) && m.logging {
			m.logging, m.stopped = false, w.now
		}
	case "PutEventSelectors":
		m, code := find(true)
		n := 1 + w.IntN(len(walkSelectors)-1)
		_, err := c.PutEventSelectors(ctx, &sdk.PutEventSelectorsInput{TrailName: ref, EventSelectors: walkSelectors[n].basic, AdvancedEventSelectors: walkSelectors[n].advanced})
		if w.check(operation, code, err) {
			m.selectors = n
		}
	case "PutInsightSelectors":
		m, code := find(true)
		n := w.IntN(3) // none, call rates, error rates
		selectors := []types.InsightSelector{}
		if n > 0 {
			selectors = append(selectors, types.InsightSelector{InsightType: types.InsightTypeApiCallRateInsight.Values()[n-1]})
		}
		if takes := m != nil && walkSelectors[m.selectors].writes || m != nil && n == 2 && walkSelectors[m.selectors].reads; code == "" && n > 0 && !takes {
			code = "InvalidInsightSelectorsException"
		}
		_, err := c.PutInsightSelectors(ctx, &sdk.PutInsightSelectorsInput{TrailName: ref, InsightSelectors: selectors})
		if w.check(operation, code, err) {
			m.insights = n
		}
	case "AddTags":
		m, code := tagged(true)
		k, v := fmt.Sprint("k", w.IntN(4)), fmt.Sprint(w.IntN(3))
		_, err := c.AddTags(ctx, &sdk.AddTagsInput{ResourceId: ref, TagsList: tagsFrom(k, v)})
		if w.check(operation, code, err) {
			m.tags[k] = v
		}
	case "RemoveTags":
		m, code := tagged(true)
		k := fmt.Sprint("k", w.IntN(4))
		_, err := c.RemoveTags(ctx, &sdk.RemoveTagsInput{ResourceId: ref, TagsList: []types.Tag{{Key: &k}}})
		if w.check(operation, code, err) {
			delete(m.tags, k)
		}
	case "GetTrail":
		m, code := find(false)
		out, err := c.GetTrail(ctx, &sdk.GetTrailInput{Name: ref})
		if w.check(operation, code, err) {
			same(w.t, operation, *out.Trail, m.shown(key))
		}
	case "GetTrailStatus":
		m, code := find(false)
		out, err := c.GetTrailStatus(ctx, &sdk.GetTrailStatusInput{Name: ref})
		if w.check(operation, code, err) {
			text := func(t time.Time) string {
				if t.IsZero() {
					return ""
				}
				return t.Format("2006-01-02T15:04:05Z")
			}
			at := func(t *time.Time) time.Time { return awssdk.ToTime(t).UTC() }
			same(w.t, operation, []any{out.IsLogging, at(out.StartLoggingTime), at(out.StopLoggingTime), out.TimeLoggingStarted, out.TimeLoggingStopped},
				[]any{m.logging, m.started, m.stopped, text(m.started), text(m.stopped)})
		}
	case "GetEventSelectors":
		m, code := find(false)
		out, err := c.GetEventSelectors(ctx, &sdk.GetEventSelectorsInput{TrailName: ref})
		if w.check(operation, code, err) {
			want := walkSelectors[m.selectors]
			basic := len(want.basic)
			if len(want.advanced) == 0 {
				basic = max(basic, 1)
			}
			same(w.t, operation, out.AdvancedEventSelectors, want.advanced)
			if len(out.EventSelectors) != basic {
				w.t.Errorf("%d basic selectors, want %d", len(out.EventSelectors), basic)
			}
			for i, s := range want.basic {
				if got := out.EventSelectors[i]; s.ReadWriteType != "" && got.ReadWriteType != s.ReadWriteType || *got.IncludeManagementEvents != (s.IncludeManagementEvents == nil) {
					w.t.Errorf("selector %d is %+v, want %+v", i, got, s)
				}
			}
		}
	case "GetInsightSelectors":
		m, code := find(false)
		if code == "" && m.insights == 0 {
			code = "InsightNotEnabledException"
		}
		out, err := c.GetInsightSelectors(ctx, &sdk.GetInsightSelectorsInput{TrailName: ref})
		if w.check(operation, code, err) {
			same(w.t, operation, out.InsightSelectors, []types.InsightSelector{{InsightType: types.InsightTypeApiCallRateInsight.Values()[m.insights-1]}})
		}
	case "ListTags":
		m, code := tagged(false)
		out, err := c.ListTags(ctx, &sdk.ListTagsInput{ResourceIdList: []string{*ref}})
		if w.check(operation, code, err) {
			want := []types.Tag{}
			for _, k := range slices.Sorted(maps.Keys(m.tags)) {
				want = append(want, tagsFrom(k, m.tags[k])...)
			}
			same(w.t, operation, out.ResourceTagList, []types.ResourceTag{{ResourceId: ref, TagsList: want}})
		}
	case "DescribeTrails":
		shadows := oneOf(w, nil, awssdk.Bool(true), awssdk.Bool(false))
		out, err := c.DescribeTrails(ctx, &sdk.DescribeTrailsInput{IncludeShadowTrails: shadows})
		if w.check(operation, "", err) {
			want := []types.Trail{}
			for _, k := range w.model.in(account, region, shadows == nil || *shadows) {
				want = append(want, w.model[k].shown(k))
			}
			same(w.t, operation, out.TrailList, want)
		}
	case "ListTrails":
		out, err := c.ListTrails(ctx, &sdk.ListTrailsInput{})
		if w.check(operation, "", err) {
			all := make(map[string]bool)
			for _, trail := range out.Trails {
				all[*trail.TrailARN] = true
			}
			n := 0
			for k := range w.model {
				if k.account == account {
					n++
					if !all[arnOf(account, k.region, k.name)] {
						w.t.Errorf("ListTrails lacks %v", k)
					}
				}
			}
			if n != len(out.Trails) {
				w.t.Errorf("ListTrails has %d trails, want %d", len(out.Trails), n)
			}
		}
	}
}

// shown is a trail as AWS shows it.
func (m *modelTrail) shown(k modelKey) types.Trail {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	t := types.Trail{
		Name: &k.name, S3BucketName: &m.bucket, S3KeyPrefix: text(m.prefix), SnsTopicName: text(m.topic), IncludeGlobalServiceEvents: &m.global, IsMultiRegionTrail: &m.multi,
		HomeRegion: &k.region, TrailARN: awssdk.String(arnOf(k.account, k.region, k.name)), LogFileValidationEnabled: &m.validation,
		HasCustomEventSelectors: awssdk.Bool(walkSelectors[m.selectors].custom), HasInsightSelectors: awssdk.Bool(m.insights > 0), IsOrganizationTrail: awssdk.Bool(false),
	}
	if m.topic != "" {
		t.SnsTopicARN = awssdk.String("arn:aws:sns:" + k.region + ":" + k.account + ":" + m.topic)
	}
	return t
}
