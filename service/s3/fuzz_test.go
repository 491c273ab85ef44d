package s3

import (
	"net/url"
	"strings"
	"testing"

	"cairn/internal/objectstore"
)

// A Range gives a part that lies in the object, or a refusal.
func FuzzRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-1", "bytes=-5", "bytes=5-", "bytes=9223372036854775807-", "bytes=-0", "bytes=1-0", "bytes=0-0,2-3", "lines=1-2", ""} {
		f.Add(seed, int64(10))
		f.Add(seed, int64(0))
	}
	f.Fuzz(func(t *testing.T, text string, size int64) {
		if size < 0 {
			return
		}
		got, err := spanOf(&objectstore.Object{Size: size}, text, nil)
		if err != nil {
			return
		}
		if got.offset < 0 || got.size < 0 || got.offset+got.size > size || got.whole && got.size != size {
			t.Errorf("%q of %d bytes gives %+v", text, size, got)
		}
		if !got.whole && got.size == 0 {
			t.Errorf("%q of %d bytes gives nothing", text, size)
		}
	})
}

// The source of a copy is read back as it was written.
func FuzzSource(f *testing.F) {
	f.Add("bucket", "a b/ü?&%2F", "null")
	f.Add("bucket", "/", "")
	f.Add("arn:x", "k", "")
	f.Fuzz(func(t *testing.T, bucket, key, version string) {
		if bucket == "" || key == "" || strings.ContainsAny(bucket, "/%?") || strings.HasPrefix(bucket, "arn:") {
			return
		}
		source := url.PathEscape(bucket) + "/" + url.PathEscape(key)
		if version != "" {
			source += "?versionId=" + url.QueryEscape(version)
		}
		b, k, v, err := splitSource(source)
		if err != nil || b != bucket || k != key || v != version {
			t.Errorf("%q is read as %q, %q, %q, %v", source, b, k, v, err)
		}
	})
}

// Tags of a header keep to the bounds of tags, and come back as they were.
func FuzzTagging(f *testing.F) {
	f.Add("a=1&b=two%20words")
	f.Add("a=1&a=2")
	f.Add("aws:x=1")
	f.Add(strings.Repeat("k", 129) + "=v")
	f.Fuzz(func(t *testing.T, text string) {
		tags, err := headerTags(text)
		if err != nil {
			return
		}
		if len(tags) > maxObjectTags {
			t.Fatalf("%q gives %d tags", text, len(tags))
		}
		var list []Tag
		for _, tag := range tags {
			list = append(list, Tag(tag))
		}
		again, err := headerTags(encodeTagging(list))
		if err != nil || len(again) != len(tags) {
			t.Fatalf("%q is read back as %v, %v", text, again, err)
		}
		for i := range tags {
			if tags[i] != again[i] {
				t.Errorf("%q: %v is read back as %v", text, tags[i], again[i])
			}
		}
	})
}

// A bucket policy is accepted or refused with MalformedPolicy, and only statements
// that allow make it public.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}}`)
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"111111111111"},"NotAction":"s3:*","NotResource":["arn:aws:s3:::b*","*"],"Condition":{"IpAddress":{"aws:SourceIp":"::/0"}}}}`)
	f.Fuzz(func(t *testing.T, document string) {
		p, err := parsePolicy("bucket", document)
		if err != nil {
			if !strings.Contains(err.Error(), "MalformedPolicy") && !strings.Contains(err.Error(), "PolicyTooLarge") {
				t.Errorf("%q: %v", document, err)
			}
			return
		}
		allows := false
		for i := range p.Statements {
			allows = allows || !p.Statements[i].Deny
		}
		if isPublic(p) && !allows {
			t.Errorf("%q is public and allows nothing", document)
		}
	})
}
