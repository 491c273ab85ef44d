package cloudtrail_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cairn/delivery"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

func tagsFrom(pairs ...string) []types.Tag {
	list := []types.Tag{}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return list
}

func numbered(from, to int) []types.Tag {
	var list []types.Tag
	for i := from; i < to; i++ {
		list = append(list, tagsFrom(fmt.Sprintf("key-%03d", i), "v")...)
	}
	return list
}

func TestTags(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	c := f.client(root)
	f.make(root, "audit")
	f.make(root.in("eu-west-1"), "abroad")
	arn, abroad := arnOf(operator, "us-east-1", "audit"), arnOf(operator, "eu-west-1", "abroad")
	add := func(tags []types.Tag) error {
		_, err := c.AddTags(t.Context(), &sdk.AddTagsInput{ResourceId: &arn, TagsList: tags})
		return err
	}
	expect := func(want []types.Tag) {
		t.Helper()
		out, err := c.ListTags(t.Context(), &sdk.ListTagsInput{ResourceIdList: []string{abroad, arn}})
		must(t, err)
		same(t, "ListTags", out.ResourceTagList, []types.ResourceTag{{ResourceId: &abroad, TagsList: []types.Tag{}}, {ResourceId: &arn, TagsList: want}})
	}
	expect(tagsFrom())
	must(t, add(tagsFrom("b", "1", "a", "2")))
	must(t, add(tagsFrom("b", "3", "c", "4", "é😀", "x y")))
	expect(tagsFrom("a", "2", "b", "3", "c", "4", "é😀", "x y"))
	_, err := c.RemoveTags(t.Context(), &sdk.RemoveTagsInput{ResourceId: &arn, TagsList: []types.Tag{{Key: awssdk.String("b"), Value: awssdk.String("not its value")}, {Key: awssdk.String("none")}, {Key: awssdk.String("é😀")}}})
	must(t, err)
	expect(tagsFrom("a", "2", "c", "4"))

	wantError[*types.InvalidTagParameterException](t, "a key twice", add(tagsFrom("x", "1", "x", "2")))
	wantError[*types.InvalidTagParameterException](t, "AWS's own key", add(tagsFrom("AWS:x", "1")))
	wantError[*types.InvalidTagParameterException](t, "a long key", add(tagsFrom(strings.Repeat("é", 129), "1")))
	wantError[*types.InvalidTagParameterException](t, "a long value", add(tagsFrom("x", strings.Repeat("é", 257))))
	must(t, add(tagsFrom(strings.Repeat("é", 128), strings.Repeat("é", 256))))
	wantError[*types.TagsLimitExceededException](t, "51 tags", add(numbered(0, 48)))
	must(t, add(numbered(0, 47)))
	wantError[*types.TagsLimitExceededException](t, "one more", add(numbered(47, 48)))
	must(t, add(numbered(0, 47))) // again
	_, err = c.CreateTrail(t.Context(), &sdk.CreateTrailInput{Name: awssdk.String("new"), S3BucketName: awssdk.String("logs"), TagsList: numbered(0, 51)})
	wantError[*types.TagsLimitExceededException](t, "a new trail", err)
	_, err = c.CreateTrail(t.Context(), &sdk.CreateTrailInput{Name: awssdk.String("new"), S3BucketName: awssdk.String("logs"), TagsList: tagsFrom("x", "1", "x", "1")})
	wantError[*types.InvalidTagParameterException](t, "a new trail", err)

	many := []string{}
	for range 21 {
		many = append(many, arn)
	}
	_, err = c.ListTags(t.Context(), &sdk.ListTagsInput{ResourceIdList: many})
	wantCode(t, "21 resources", err, "InvalidParameterException")
	_, err = c.ListTags(t.Context(), &sdk.ListTagsInput{ResourceIdList: many[:20]})
	must(t, err)
	_, err = c.ListTags(t.Context(), &sdk.ListTagsInput{ResourceIdList: many[:1], NextToken: awssdk.String("x")})
	wantError[*types.InvalidTokenException](t, "a token", err)
	for kind, code := range map[string]string{"eventdatastore/EXAMPLE": "EventDataStoreNotFoundException", "channel/EXAMPLE": "ChannelNotFoundException", "dashboard/mine": "ResourceNotFoundException"} {
		_, err = c.ListTags(t.Context(), &sdk.ListTagsInput{ResourceIdList: []string{"arn:aws:cloudtrail:us-east-1:" + operator + ":" + kind}})
		wantCode(t, kind, err, code)
	}
}

// Trails have no resource policies, and what has them does not exist.
func TestResourcePolicies(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	root := f.root(operator)
	c := f.client(root)
	f.make(root, "audit")
	for resource, code := range map[string]string{
		arnOf(operator, "us-east-1", "audit"):                                  "ResourceTypeNotSupportedException",
		"arn:aws:cloudtrail:us-east-1:" + operator + ":channel/EXAMPLE":        "ResourceNotFoundException",
		"arn:aws:cloudtrail:us-east-1:" + operator + ":eventdatastore/EXAMPLE": "ResourceNotFoundException",
		"arn:aws:cloudtrail:us-east-1:" + operator + ":dashboard/mine":         "ResourceNotFoundException",
		"audit": "ResourceARNNotValidException",
	} {
		_, err := c.PutResourcePolicy(t.Context(), &sdk.PutResourcePolicyInput{ResourceArn: &resource, ResourcePolicy: awssdk.String("{}")})
		wantCode(t, "PutResourcePolicy "+resource, err, code)
		_, err = c.GetResourcePolicy(t.Context(), &sdk.GetResourcePolicyInput{ResourceArn: &resource})
		wantCode(t, "GetResourcePolicy "+resource, err, code)
		_, err = c.DeleteResourcePolicy(t.Context(), &sdk.DeleteResourcePolicyInput{ResourceArn: &resource})
		wantCode(t, "DeleteResourcePolicy "+resource, err, code)
	}
}

// Public keys are those of the call's region that were valid in the range, whose
// ends are now if they are not given.
func TestListPublicKeys(t *testing.T) {
	t.Parallel()
	f := newFront(t, false)
	now := time.Now().UTC().Truncate(time.Second)
	f.frozen.Store(&now)
	day := 24 * time.Hour
	key := func(region, print string, from, until time.Duration) delivery.PublicKey {
		return delivery.PublicKey{Region: region, Fingerprint: print, DER: []byte("der " + print), From: now.Add(from), Until: now.Add(until)}
	}
	f.digestKeys.keys = []delivery.PublicKey{
		key("us-east-1", "old", -60*day, -30*day), key("us-east-1", "last", -31*day, -day), key("us-east-1", "now", -2*day, 28*day),
		key("us-east-1", "next", 27*day, 57*day), key("eu-west-1", "abroad", -2*day, 28*day),
	}
	c := f.client(f.root(operator))
	for _, tt := range []struct {
		name       string
		start, end *time.Time
		want       string
	}{
		{"now", nil, nil, "now"},
		{"from a time on", awssdk.Time(now.Add(-29 * day)), nil, "last now"},
		{"to a time", nil, awssdk.Time(now.Add(27 * day)), "now next"},
		{"a range", awssdk.Time(now.Add(-45 * day)), awssdk.Time(now.Add(-40 * day)), "old"},
		{"since ever", awssdk.Time(time.Unix(0, 0)), nil, "old last now"},
		{"before all", awssdk.Time(time.Unix(0, 0)), awssdk.Time(time.Unix(1, 0)), ""},
	} {
		out, err := c.ListPublicKeys(t.Context(), &sdk.ListPublicKeysInput{StartTime: tt.start, EndTime: tt.end})
		must(t, err)
		var prints []string
		for _, k := range out.PublicKeyList {
			prints = append(prints, *k.Fingerprint)
			if string(k.Value) != "der "+*k.Fingerprint || k.ValidityStartTime.IsZero() || !k.ValidityEndTime.After(*k.ValidityStartTime) {
				t.Errorf("%s: %+v", tt.name, k)
			}
		}
		if got := strings.Join(prints, " "); got != tt.want || out.PublicKeyList == nil {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	_, err := c.ListPublicKeys(t.Context(), &sdk.ListPublicKeysInput{StartTime: &now, EndTime: awssdk.Time(now.Add(-time.Second))})
	wantError[*types.InvalidTimeRangeException](t, "start behind end", err)
	_, err = c.ListPublicKeys(t.Context(), &sdk.ListPublicKeysInput{EndTime: awssdk.Time(now.Add(-time.Second))})
	wantError[*types.InvalidTimeRangeException](t, "end before now", err)
	_, err = c.ListPublicKeys(t.Context(), &sdk.ListPublicKeysInput{NextToken: awssdk.String("x")})
	wantError[*types.InvalidTokenException](t, "a token", err)
}
