package cairn_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn"
)

var updateDigests = flag.Bool("update-digests", false, "write testdata/digest anew, signed with a new key")

var digestSigner = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func only(key *rsa.PublicKey) func(string) *rsa.PublicKey {
	return func(fingerprint string) *rsa.PublicKey {
		if fingerprint == cairn.Fingerprint(key) {
			return key
		}
		return nil
	}
}

// The vectors were accepted by the stock AWS client: Cairn must write the same
// bytes for the same digests, take their signatures and follow their chain.
func TestDigestVectors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../shared/reference/digest-vectors.json")
	if err != nil {
		t.Skip("no digest vectors at hand: ", err)
	}
	var vectors struct {
		PublicKeyValueBase64 []byte
		Fingerprint          string
		Links                []struct{ Key, Body, SHA256, StringToSign, SignatureHex string }
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	key, err := cairn.ParsePublicKeyDER(vectors.PublicKeyValueBase64)
	if err != nil {
		t.Fatal(err)
	}
	if got := cairn.Fingerprint(key); got != vectors.Fingerprint {
		t.Errorf("fingerprint %s, want %s", got, vectors.Fingerprint)
	}
	if !bytes.Equal(cairn.PublicKeyDER(key), vectors.PublicKeyValueBase64) {
		t.Error("the public key is not written as it was read")
	}
	var previous *cairn.SignedDigest
	for i, link := range vectors.Links {
		body := []byte(link.Body)
		s, err := (&cairn.DigestObject{S3Bucket: "audit-bucket", S3Object: link.Key, Body: body, Metadata: map[string]string{
			"signature": link.SignatureHex, "signature-algorithm": "SHA256withRSA",
		}}).Verify(only(key))
		if err != nil {
			t.Fatalf("digest %d: %v", i, err)
		}
		if got := cairn.HashHex(body); got != link.SHA256 {
			t.Errorf("digest %d: hash %s, want %s", i, got, link.SHA256)
		}
		if got := s.Digest.StringToSign(body); got != link.StringToSign {
			t.Errorf("digest %d: string to sign\n got %q\nwant %q", i, got, link.StringToSign)
		}
		if got := s.Digest.Bytes(); !bytes.Equal(got, body) {
			t.Errorf("digest %d:\n got %s\nwant %s", i, got, body)
		}
		name, err := cairn.ParseDigestFileKey(link.Key)
		if err != nil || name.TrailName != "demo" {
			t.Errorf("digest %d: name %+v, %v", i, name, err)
		}
		if s.Digest.BeginsChain() != (i == 0) {
			t.Errorf("digest %d: begins the chain: %t", i, i != 0)
		}
		if previous != nil {
			if err := s.VerifyPrevious(previous); err != nil {
				t.Errorf("digest %d: %v", i, err)
			}
		}
		previous = s
	}
	if len(vectors.Links) < 3 {
		t.Errorf("%d vectors", len(vectors.Links))
	}
}

// chain returns three signed digests of one chain: with two log files, with
// none, and a backfill digest that begins a chain of its own.
func chain(t testing.TB) []*cairn.SignedDigest {
	t.Helper()
	trail := &cairn.Trail{Name: "my_trail", AccountID: "111122223333", HomeRegion: "us-east-1", S3BucketName: "audit-bucket", S3KeyPrefix: "p"}
	var all []*cairn.SignedDigest
	start := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	var link cairn.DigestLink
	for i := range 3 {
		end := start.Add(time.Hour)
		backfill := i == 2
		d := &cairn.Digest{
			AWSAccountID: trail.AccountID, DigestS3Bucket: trail.S3BucketName,
			DigestStartTime: cairn.FormatDigestTime(start), DigestEndTime: cairn.FormatDigestTime(end),
			DigestS3Object: trail.DigestFileName(trail.AccountID, "eu-west-1", end, backfill).Key(),
		}
		if !backfill {
			d.Follow(link)
		}
		if i != 1 {
			d.SetLogFiles([]cairn.DigestLogFile{
				logFile(trail, start.Add(5*time.Minute), `{"Records":[{"a":"<&>"}]}`, "2026-11-20T10:04:59Z", "2026-11-20T10:00:01Z"),
				logFile(trail, start.Add(10*time.Minute), `{"Records":[]}`, "2026-11-20T10:09:00Z", "2026-11-20T09:58:00Z"),
			})
		}
		s, err := d.Sign(digestSigner())
		if err != nil {
			t.Fatal(err)
		}
		if backfill {
			s.BackfillTime = cairn.FormatBackfillTime(end.Add(time.Hour))
		}
		all = append(all, s)
		link, start = s.Link(), end
	}
	return all
}

func logFile(trail *cairn.Trail, at time.Time, body, newest, oldest string) cairn.DigestLogFile {
	name := trail.LogFileName(trail.AccountID, "eu-west-1", cairn.LogKindCloudTrail, at, cairn.UniqueString(at.Minute(), [16]byte{1}))
	return cairn.DigestLogFile{
		S3Bucket: trail.S3BucketName, S3Object: name.Key(), HashValue: cairn.HashHex([]byte(body)),
		HashAlgorithm: cairn.DigestHashAlgorithm, NewestEventTime: newest, OldestEventTime: oldest,
	}
}

func objectOf(s *cairn.SignedDigest) *cairn.DigestObject {
	return &cairn.DigestObject{
		S3Bucket: s.Digest.DigestS3Bucket, S3Object: s.Digest.DigestS3Object, Body: bytes.Clone(s.Body), Metadata: s.Metadata(),
	}
}

// golden is one digest of testdata/digest/digests.json.
type golden struct {
	File     string // beside it, with the digest's bytes
	S3Bucket string
	S3Object string
	Metadata map[string]string
}

// goldenDigests reads testdata/digest.
func goldenDigests(t testing.TB) (key *rsa.PublicKey, digests []*cairn.DigestObject) {
	t.Helper()
	var kept struct {
		PublicKey []byte
		Digests   []golden
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join("testdata", "digest", name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if err := json.Unmarshal(read("digests.json"), &kept); err != nil {
		t.Fatal(err)
	}
	key, err := cairn.ParsePublicKeyDER(kept.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range kept.Digests {
		digests = append(digests, &cairn.DigestObject{S3Bucket: g.S3Bucket, S3Object: g.S3Object, Body: read(g.File), Metadata: g.Metadata})
	}
	return key, digests
}

// writeGoldenDigests writes testdata/digest.
func writeGoldenDigests(t *testing.T, all []*cairn.SignedDigest) {
	t.Helper()
	folder := filepath.Join("testdata", "digest")
	var goldens []golden
	for i, s := range all {
		g := golden{[]string{"first.json", "empty.json", "backfill.json"}[i], s.Digest.DigestS3Bucket, s.Digest.DigestS3Object, s.Metadata()}
		goldens = append(goldens, g)
		writeFile(t, filepath.Join(folder, g.File), s.Body)
	}
	text, err := json.MarshalIndent(map[string]any{"PublicKey": cairn.PublicKeyDER(&digestSigner().PublicKey), "Digests": goldens}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(folder, "digests.json"), append(text, '\n'))
}

// The bytes of digests never change: those in testdata are read, written the
// same, and their signatures hold.
func TestDigestGolden(t *testing.T) {
	t.Parallel()
	made := chain(t)
	if *updateDigests {
		writeGoldenDigests(t, made)
	}
	key, objects := goldenDigests(t)
	if len(objects) != len(made) {
		t.Fatalf("%d golden digests, want %d", len(objects), len(made))
	}
	var all []*cairn.SignedDigest
	for i, o := range objects {
		s, err := o.Verify(only(key))
		if err != nil {
			t.Fatalf("digest %d: %v", i, err)
		}
		if got := s.Digest.Bytes(); !bytes.Equal(got, o.Body) {
			t.Errorf("digest %d is written as %s", i, got)
		}
		if !maps.Equal(s.Metadata(), o.Metadata) {
			t.Errorf("digest %d: metadata %v, want %v", i, s.Metadata(), o.Metadata)
		}
		all = append(all, s)
		// The same digest made today differs in nothing but what the key decides.
		d := made[i].Digest
		d.DigestPublicKeyFingerprint = s.Digest.DigestPublicKeyFingerprint
		d.PreviousDigestHashValue, d.PreviousDigestSignature = s.Digest.PreviousDigestHashValue, s.Digest.PreviousDigestSignature
		if got := d.Bytes(); !bytes.Equal(got, o.Body) {
			t.Errorf("digest %d is made as\n%s\nwant\n%s", i, got, o.Body)
		}
	}
	if err := all[1].VerifyPrevious(all[0]); err != nil {
		t.Error(err)
	}
}

func writeFile(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// A digest's members come in AWS's order, with null for what there is not.
func TestDigestBytes(t *testing.T) {
	t.Parallel()
	d := &cairn.Digest{AWSAccountID: "1", DigestS3Object: `a"<&>é`, DigestEndTime: "e"}
	d.SetLogFiles([]cairn.DigestLogFile{{S3Bucket: "b", HashValue: "h"}})
	const want = `{"awsAccountId":"1","digestStartTime":"","digestEndTime":"e","digestS3Bucket":"","digestS3Object":"a\"<&>é",` +
		`"digestPublicKeyFingerprint":"","digestSignatureAlgorithm":"","newestEventTime":null,"oldestEventTime":null,` +
		`"previousDigestS3Bucket":null,"previousDigestS3Object":null,"previousDigestHashValue":null,` +
		`"previousDigestHashAlgorithm":null,"previousDigestSignature":null,"logFiles":[` +
		`{"s3Bucket":"b","s3Object":"","hashValue":"h","hashAlgorithm":"","newestEventTime":null,"oldestEventTime":null}]}`
	if got := string(d.Bytes()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// The newest and oldest times are compared as times, and are those of files that
// have events.
func TestDigestSetLogFiles(t *testing.T) {
	t.Parallel()
	var d cairn.Digest
	d.SetLogFiles([]cairn.DigestLogFile{
		{NewestEventTime: "2026-11-20T10:00:00Z", OldestEventTime: "2026-11-20T09:00:00Z"},
		{},
		{NewestEventTime: "2026-11-20T11:00:00+02:00", OldestEventTime: "2026-11-20T10:30:00+02:00"},
	})
	if d.NewestEventTime != "2026-11-20T10:00:00Z" || d.OldestEventTime != "2026-11-20T10:30:00+02:00" {
		t.Errorf("newest %s, oldest %s", d.NewestEventTime, d.OldestEventTime)
	}
	if d.SetLogFiles(nil); d.NewestEventTime != "" || d.OldestEventTime != "" {
		t.Errorf("newest %s, oldest %s of no files", d.NewestEventTime, d.OldestEventTime)
	}
}

// Whatever is done to a digest is found, and called by its name.
func TestVerifyDigestFaults(t *testing.T) {
	t.Parallel()
	all := chain(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys := func(fingerprint string) *rsa.PublicKey {
		for _, key := range []*rsa.PublicKey{&digestSigner().PublicKey, &other.PublicKey} {
			if cairn.Fingerprint(key) == fingerprint {
				return key
			}
		}
		return nil
	}
	replace := func(o *cairn.DigestObject, old, changed string) {
		if !bytes.Contains(o.Body, []byte(old)) {
			t.Errorf("%s is not in %s", old, o.Body)
		}
		o.Body = bytes.Replace(o.Body, []byte(old), []byte(changed), 1)
	}
	resign := func(o *cairn.DigestObject, change func(d *cairn.Digest)) {
		d, err := cairn.ParseDigest(o.Body)
		if err != nil {
			t.Fatal(err)
		}
		change(d)
		s, err := d.Sign(digestSigner())
		if err != nil {
			t.Fatal(err)
		}
		*o = *objectOf(s)
	}
	for name, c := range map[string]struct {
		digest int
		change func(*cairn.DigestObject)
		want   cairn.DigestFault
	}{
		"nothing":                {0, func(*cairn.DigestObject) {}, ""},
		"nothing, empty":         {1, func(*cairn.DigestObject) {}, ""},
		"nothing, late":          {2, func(*cairn.DigestObject) {}, ""},
		"signature in capitals":  {0, func(o *cairn.DigestObject) { o.Metadata["signature"] = strings.ToUpper(o.Metadata["signature"]) }, ""},
		"not JSON":               {0, func(o *cairn.DigestObject) { o.Body = o.Body[1:] }, cairn.DigestMalformed},
		"null":                   {0, func(o *cairn.DigestObject) { o.Body = []byte("null") }, cairn.DigestMalformed},
		"text behind":            {0, func(o *cairn.DigestObject) { o.Body = append(o.Body, '1') }, cairn.DigestMalformed},
		"member missing":         {0, func(o *cairn.DigestObject) { replace(o, "previousDigestSignature", "previousdigestsignature") }, cairn.DigestMalformed},
		"member empty":           {0, func(o *cairn.DigestObject) { replace(o, `"digestS3Bucket":"audit-bucket"`, `"digestS3Bucket":null`) }, cairn.DigestMalformed},
		"member a number":        {0, func(o *cairn.DigestObject) { replace(o, `"111122223333"`, `111122223333`) }, cairn.DigestMalformed},
		"no time":                {0, func(o *cairn.DigestObject) { replace(o, `"2026-11-20T11:00:00Z"`, `"2026-11-20 11:00:00"`) }, cairn.DigestMalformed},
		"ends too early":         {0, func(o *cairn.DigestObject) { replace(o, `"2026-11-20T11:00:00Z"`, `"2026-11-20T09:00:00Z"`) }, cairn.DigestMalformed},
		"log file without hash":  {0, func(o *cairn.DigestObject) { replace(o, "hashValue", "hash") }, cairn.DigestMalformed},
		"other bucket":           {0, func(o *cairn.DigestObject) { o.S3Bucket = "b" }, cairn.DigestMoved},
		"other key":              {0, func(o *cairn.DigestObject) { o.S3Object += "x" }, cairn.DigestMoved},
		"swapped":                {0, func(o *cairn.DigestObject) { o.Body = all[1].Body; o.Metadata = all[1].Metadata() }, cairn.DigestMoved},
		"no signature":           {0, func(o *cairn.DigestObject) { delete(o.Metadata, "signature") }, cairn.DigestUnsigned},
		"no algorithm":           {0, func(o *cairn.DigestObject) { delete(o.Metadata, "signature-algorithm") }, cairn.DigestUnsigned},
		"other algorithm":        {0, func(o *cairn.DigestObject) { o.Metadata["signature-algorithm"] = "MD5withRSA" }, cairn.DigestUnknownAlgorithm},
		"other algorithm inside": {0, func(o *cairn.DigestObject) { replace(o, "SHA256withRSA", "SHA1withRSA") }, cairn.DigestUnknownAlgorithm},
		"no backfill time":       {2, func(o *cairn.DigestObject) { delete(o.Metadata, "backfill-generation-timestamp") }, cairn.DigestNoTimestamp},
		"unknown key":            {0, func(o *cairn.DigestObject) { replace(o, cairn.Fingerprint(&digestSigner().PublicKey), "00") }, cairn.DigestUnknownKey},
		"other key's fingerprint": {0, func(o *cairn.DigestObject) {
			replace(o, cairn.Fingerprint(&digestSigner().PublicKey), cairn.Fingerprint(&other.PublicKey))
		}, cairn.DigestBadSignature},
		"one byte of a hash": {0, func(o *cairn.DigestObject) {
			replace(o, `"hashValue":"`+all[0].Digest.LogFiles[0].HashValue[:4], `"hashValue":"0000`)
		}, cairn.DigestBadSignature},
		"log file taken out": {0, func(o *cairn.DigestObject) {
			i, j := bytes.Index(o.Body, []byte(`"logFiles":[`))+12, bytes.LastIndex(o.Body, []byte(`{"s3Bucket"`))
			o.Body = slices.Delete(o.Body, i, j)
		}, cairn.DigestBadSignature},
		"white space":     {0, func(o *cairn.DigestObject) { o.Body = append(o.Body, '\n') }, cairn.DigestBadSignature},
		"other member":    {0, func(o *cairn.DigestObject) { replace(o, `{"aws`, `{"x":1,"aws`) }, cairn.DigestBadSignature},
		"other signature": {0, func(o *cairn.DigestObject) { o.Metadata["signature"] = all[1].Signature }, cairn.DigestBadSignature},
		"no hexadecimal":  {0, func(o *cairn.DigestObject) { o.Metadata["signature"] = "xyz" }, cairn.DigestBadSignature},
		"signed with another account": {0, func(o *cairn.DigestObject) {
			resign(o, func(d *cairn.Digest) { d.AWSAccountID = "444455556666" })
		}, cairn.DigestWrongName},
		"signed with another end": {0, func(o *cairn.DigestObject) {
			resign(o, func(d *cairn.Digest) { d.DigestEndTime = "2026-11-20T11:30:00Z" })
		}, cairn.DigestWrongName},
		"signed, name of another form": {0, func(o *cairn.DigestObject) {
			resign(o, func(d *cairn.Digest) { d.DigestS3Object = "digest" })
		}, ""},
	} {
		o := objectOf(all[c.digest])
		c.change(o)
		s, err := o.Verify(keys)
		if got := faultOf(err); got != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		} else if err != nil && !strings.HasPrefix(err.Error(), string(c.want)) {
			t.Errorf("%s: error reads %q", name, err)
		}
		if (s == nil) != (c.want == cairn.DigestMalformed) {
			t.Errorf("%s: digest %v", name, s)
		}
	}
}

// faultOf returns the fault of a *DigestError, and "" for nil.
func faultOf(err error) cairn.DigestFault {
	var fault *cairn.DigestError
	if errors.As(err, &fault) {
		return fault.Fault
	}
	if err != nil {
		return "not a DigestError"
	}
	return ""
}

// Every changed byte of a digest is found.
func TestVerifyDigestEveryByte(t *testing.T) {
	t.Parallel()
	s := chain(t)[1]
	keys := only(&digestSigner().PublicKey)
	for at := range s.Body {
		o := objectOf(s)
		o.Body[at] ^= 1 << (at % 7)
		if _, err := o.Verify(keys); err == nil {
			t.Errorf("a change of byte %d is not found", at)
		}
	}
}

// The link to the digest before is checked in all its parts.
func TestVerifyPreviousDigest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(next *cairn.Digest, previous *cairn.SignedDigest)
		want   cairn.DigestFault
	}{
		"nothing": {func(*cairn.Digest, *cairn.SignedDigest) {}, ""},
		"capitals": {func(d *cairn.Digest, _ *cairn.SignedDigest) {
			d.PreviousDigestHashValue = strings.ToUpper(d.PreviousDigestHashValue)
		}, ""},
		"bucket":       {func(d *cairn.Digest, _ *cairn.SignedDigest) { d.PreviousDigestS3Bucket = "x" }, cairn.DigestPlaceBroken},
		"key":          {func(d *cairn.Digest, _ *cairn.SignedDigest) { d.PreviousDigestS3Object = "x" }, cairn.DigestPlaceBroken},
		"new chain":    {func(d *cairn.Digest, _ *cairn.SignedDigest) { d.Follow(cairn.DigestLink{}) }, cairn.DigestPlaceBroken},
		"hash":         {func(d *cairn.Digest, _ *cairn.SignedDigest) { d.PreviousDigestHashValue = "x" }, cairn.DigestHashBroken},
		"algorithm":    {func(d *cairn.Digest, _ *cairn.SignedDigest) { d.PreviousDigestHashAlgorithm = "MD5" }, cairn.DigestUnknownAlgorithm},
		"signature":    {func(d *cairn.Digest, _ *cairn.SignedDigest) { d.PreviousDigestSignature = "x" }, cairn.DigestChainBroken},
		"replaced":     {func(_ *cairn.Digest, p *cairn.SignedDigest) { p.Body = append(p.Body, ' ') }, cairn.DigestHashBroken},
		"signed again": {func(_ *cairn.Digest, p *cairn.SignedDigest) { p.Signature = "00" }, cairn.DigestChainBroken},
		"account":      {func(d *cairn.Digest, _ *cairn.SignedDigest) { d.AWSAccountID = "444455556666" }, cairn.DigestOtherChain},
		"gap":          {func(d *cairn.Digest, _ *cairn.SignedDigest) { d.DigestStartTime = "2026-11-20T11:00:01Z" }, cairn.DigestTimeGap},
		"late digests leave gaps": {func(d *cairn.Digest, _ *cairn.SignedDigest) {
			d.DigestS3Object = strings.Replace(d.DigestS3Object, ".json", "_backfill.json", 1)
			d.DigestStartTime = "2026-11-20T11:30:00Z"
		}, ""},
		"late digests follow one another": {func(d *cairn.Digest, p *cairn.SignedDigest) {
			d.DigestS3Object = strings.Replace(d.DigestS3Object, ".json", "_backfill.json", 1)
			p.Signature = "00"
		}, cairn.DigestChainBroken},
		"overlap": {func(d *cairn.Digest, _ *cairn.SignedDigest) { d.DigestStartTime = "2026-11-20T10:59:59Z" }, cairn.DigestTimeOverlap},
	} {
		all := chain(t)
		c.change(all[1].Digest, all[0])
		if err := all[1].VerifyPrevious(all[0]); faultOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if link := chain(t)[1].Digest.Previous(); link != chain(t)[0].Link() {
		t.Errorf("link %+v", link)
	}
}

// A log file is held to the hash that the digest lists.
func TestVerifyLogFile(t *testing.T) {
	t.Parallel()
	hash := cairn.HashHex([]byte("x"))
	for name, c := range map[string]struct {
		file cairn.DigestLogFile
		want cairn.DigestFault
	}{
		"good":            {cairn.DigestLogFile{HashValue: hash, HashAlgorithm: "SHA-256"}, ""},
		"changed":         {cairn.DigestLogFile{HashValue: cairn.HashHex([]byte("y")), HashAlgorithm: "SHA-256"}, cairn.LogFileModified},
		"other algorithm": {cairn.DigestLogFile{HashValue: hash, HashAlgorithm: "MD5"}, cairn.DigestUnknownAlgorithm},
	} {
		if err := c.file.Verify(hash); faultOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Only RSA keys sign digests, and a key that fails is told.
func TestSignDigestFaults(t *testing.T) {
	t.Parallel()
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, signer := range map[string]crypto.Signer{"elliptic": curve, "failing": failingSigner{digestSigner()}} {
		if _, err := (&cairn.Digest{DigestS3Object: "k"}).Sign(signer); err == nil || !strings.Contains(err.Error(), "sign digest k: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := cairn.ParsePublicKeyDER([]byte("x")); err == nil {
		t.Error("x is taken for a public key")
	}
}

type failingSigner struct{ *rsa.PrivateKey }

func (failingSigner) Sign(_ io.Reader, _ []byte, _ crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("no")
}

// Times are written in UTC, in the two forms that digests have.
func TestDigestTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 1, 2, 3, 45678912, time.FixedZone("", 3600))
	if got, want := cairn.FormatDigestTime(at), "2026-11-20T00:02:03Z"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := cairn.FormatBackfillTime(at), "2026-11-20T00:02:03.045Z"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// FuzzDigest reads anybody's digests. What is read is written and read again
// alike, and no body passes under a signature that was made for another.
func FuzzDigest(f *testing.F) {
	key, objects := goldenDigests(f)
	for _, o := range objects {
		f.Add(o.Body)
	}
	f.Add([]byte(`{"logFiles":[{}]}`))
	signed := objects[0]
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := cairn.ParseDigest(body)
		if err != nil {
			if faultOf(err) != cairn.DigestMalformed {
				t.Fatalf("error %v", err)
			}
			return
		}
		again, err := cairn.ParseDigest(d.Bytes())
		if err != nil || !bytes.Equal(again.Bytes(), d.Bytes()) {
			t.Fatalf("%s becomes %s: %v", body, d.Bytes(), err)
		}
		o := &cairn.DigestObject{S3Bucket: d.DigestS3Bucket, S3Object: d.DigestS3Object, Body: body, Metadata: signed.Metadata}
		if _, err := o.Verify(func(string) *rsa.PublicKey { return key }); (err == nil) != bytes.Equal(body, signed.Body) {
			t.Fatalf("%s: %v", body, err)
		}
	})
}
