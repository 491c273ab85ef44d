package server

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"golang.org/x/sync/errgroup"

	"cairn/catalog"
	"cairn/delivery"
)

// mustKeys returns a value, and fails the test if there was an error.
func mustKeys[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// A keyedStore is a data directory with a secret of every kind that the catalog
// seals, and what each secret was used for.
type keyedStore struct {
	data, keyFile string
	digest        string // the digest key's public half
	key           Credentials
	ciphertext    []byte
	topicARN      string
	hook          *httptest.Server
	messages      chan map[string]string
}

var bucketOfKeys = awssdk.String("keyed-store")

// newKeyedStore makes the directory, which nothing has open when it returns.
func newKeyedStore(t *testing.T) *keyedStore {
	t.Helper()
	k := &keyedStore{data: filepath.Join(t.TempDir(), "data"), keyFile: filepath.Join(t.TempDir(), "key"), messages: make(chan map[string]string, 10)}
	if err := catalog.WriteMasterKeyFile(k.keyFile, catalog.NewMasterKey()); err != nil {
		t.Fatal(err)
	}
	k.hook = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m map[string]string
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Errorf("the subscriber got no JSON: %v", err)
		}
		k.messages <- m
	}))
	t.Cleanup(k.hook.Close)
	s := mustKeys(Open(k.config()))(t)
	k.digest = digestKey(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	a, key, stop := serveConfig(t, k.config())
	k.key = *key
	aws := k.clients(a)
	ctx := t.Context()
	made := mustKeys(aws.kms.CreateKey(ctx, &awskms.CreateKeyInput{}))(t)
	k.ciphertext = mustKeys(aws.kms.Encrypt(ctx, &awskms.EncryptInput{KeyId: made.KeyMetadata.Arn, Plaintext: []byte("kept by KMS")}))(t).CiphertextBlob
	mustKeys(aws.s3.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: bucketOfKeys}))(t)
	mustKeys(aws.s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: bucketOfKeys, Key: awssdk.String("own"), Body: strings.NewReader("own")}))(t)
	mustKeys(aws.s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: bucketOfKeys, Key: awssdk.String("kms"), Body: strings.NewReader("kms"),
		ServerSideEncryption: "aws:kms", SSEKMSKeyId: made.KeyMetadata.Arn}))(t)
	k.topicARN = *mustKeys(aws.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: awssdk.String("t")}))(t).TopicArn
	mustKeys(aws.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: &k.topicARN, Protocol: awssdk.String("http"), Endpoint: &k.hook.URL}))(t)
	token := k.next(t)["Token"]
	mustKeys(aws.sns.ConfirmSubscription(ctx, &sns.ConfirmSubscriptionInput{TopicArn: &k.topicARN, Token: &token}))(t)
	stop()
	return k
}

func (k *keyedStore) config() Config {
	return Config{Data: k.data, MasterKeyFile: k.keyFile, WebhookAllow: []string{strings.TrimPrefix(k.hook.URL, "http://")}}
}

func (k *keyedStore) next(t *testing.T) map[string]string {
	t.Helper()
	select {
	case m := <-k.messages:
		return m
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came to the subscriber")
		return nil
	}
}

type keyedClients struct {
	kms *awskms.Client
	s3  *awss3.Client
	sns *sns.Client
}

func (k *keyedStore) clients(a Address) keyedClients {
	provider := credentials.NewStaticCredentialsProvider(k.key.AccessKeyID, k.key.Secret, "")
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return keyedClients{
		awskms.New(awskms.Options{Region: DefaultRegion, BaseEndpoint: &a.URL, Credentials: provider, HTTPClient: web, RetryMaxAttempts: 1}),
		awss3.New(awss3.Options{Region: DefaultRegion, BaseEndpoint: &a.URL, Credentials: provider, HTTPClient: web, RetryMaxAttempts: 1, UsePathStyle: true}),
		sns.New(sns.Options{Region: DefaultRegion, BaseEndpoint: &a.URL, Credentials: provider, HTTPClient: web, RetryMaxAttempts: 1}),
	}
}

// digestKey is the public half of the key that signs digests now, once it was
// opened and has signed.
func digestKey(t *testing.T, s *Server) string {
	t.Helper()
	private := mustKeys(delivery.OpenKeys(s.catalog, nil).Signer(DefaultRegion, time.Now()))(t)
	sum := sha256.Sum256([]byte("digest"))
	mustKeys(private.Sign(nil, sum[:], crypto.SHA256))(t)
	return private.N.String()
}

// verify uses every secret through a server.
func (k *keyedStore) verify(t *testing.T, a Address) {
	t.Helper()
	aws, ctx := k.clients(a), t.Context()
	out := mustKeys(aws.kms.Decrypt(ctx, &awskms.DecryptInput{CiphertextBlob: k.ciphertext}))(t)
	if string(out.Plaintext) != "kept by KMS" {
		t.Errorf("KMS decrypts to %q", out.Plaintext)
	}
	for _, name := range []string{"own", "kms"} {
		got := mustKeys(aws.s3.GetObject(ctx, &awss3.GetObjectInput{Bucket: bucketOfKeys, Key: &name}))(t)
		body := mustKeys(io.ReadAll(got.Body))(t)
		got.Body.Close()
		if string(body) != name {
			t.Errorf("object %s is %q", name, body)
		}
	}
	mustKeys(aws.sns.Publish(ctx, &sns.PublishInput{TopicArn: &k.topicARN, Message: awssdk.String("hello")}))(t)
	m := k.next(t)
	_, _, text := get(t, http.MethodGet, m["SigningCertURL"], http.Header{})
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("the certificate is %q", text)
	}
	certificate := mustKeys(x509.ParseCertificate(block.Bytes))(t)
	signed := "Message\n" + m["Message"] + "\nMessageId\n" + m["MessageId"] + "\nTimestamp\n" + m["Timestamp"] + "\nTopicArn\n" + m["TopicArn"] + "\nType\n" + m["Type"] + "\n"
	signature := mustKeys(base64.StdEncoding.DecodeString(m["Signature"]))(t)
	if err := certificate.CheckSignature(x509.SHA1WithRSA, []byte(signed), signature); err != nil {
		t.Errorf("the signature of the message: %v", err)
	}
}

// verifyStopped opens every secret in a directory that no server runs on.
func (k *keyedStore) verifyStopped(t *testing.T, cfg Config) {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if digestKey(t, s) != k.digest {
		t.Error("digests are signed by another key")
	}
	store := mustKeys(s.anyIdentities())(t)
	found := mustKeys(store.AccessKeys(DefaultAccountID, ""))(t)
	if len(found) != 1 || found[0].ID != k.key.AccessKeyID {
		t.Errorf("the access keys are %v", found)
	}
	for _, kind := range mustKeys(s.sealedKinds())(t) {
		if kind.reseal == nil {
			continue // it was opened by Open
		}
		if _, err := kind.reseal(); err != nil {
			t.Errorf("%s: %v", kind.name, err)
		}
	}
}

// newestOnly fails unless one data key has sealed all there is of every kind.
func newestOnly(t *testing.T, status *KeyStatus, want uint32) {
	t.Helper()
	for i, k := range status.DataKeys {
		var kinds []string
		for _, of := range k.Sealed {
			kinds = append(kinds, of.Kind)
		}
		if newest := i == len(status.DataKeys)-1; newest && (k.ID != want || len(kinds) != 5) || !newest && len(kinds) != 0 {
			t.Errorf("data key %d, and %d should have sealed all: it has %v", k.ID, want, kinds)
		}
	}
}

// A rotation through the socket of a running server leaves everything readable,
// there and after a restart; the old master key opens nothing.
func TestRotateKeysWhileServing(t *testing.T) {
	t.Parallel()
	k := newKeyedStore(t)
	old := mustKeys(os.ReadFile(k.keyFile))(t)
	a, _, stop := serveConfig(t, k.config())
	c := Dial(a.Socket)
	defer c.Close()
	k.verify(t, a)
	done := mustKeys(c.RotateKeys(t.Context(), RotateKeysRequest{Generate: true}))(t)
	if done.DataKeyID != 2 || !done.Finished || done.NewMasterKeyID == done.OldMasterKeyID || done.MasterKeyFile != k.keyFile {
		t.Errorf("the rotation has done %+v", done)
	}
	for _, of := range done.Resealed {
		if of.Count < 1 {
			t.Errorf("nothing was sealed anew of %s", of.Kind)
		}
	}
	newestOnly(t, mustKeys(c.Keys(t.Context()))(t), 2)
	k.verify(t, a)
	mustKeys(c.RotateKeys(t.Context(), RotateKeysRequest{}))(t)
	status := mustKeys(c.Keys(t.Context()))(t)
	newestOnly(t, status, 3)
	if status.MasterKey.ID != done.NewMasterKeyID || status.MasterKey.BesideData || len(status.MasterKey.Opening) != 1 {
		t.Errorf("the master key is %+v", status.MasterKey)
	}
	k.verify(t, a)
	// The routes are not on the TCP port.
	if code, _, _ := get(t, http.MethodPost, a.URL+"/_cairn/v1/keys/rotate", http.Header{}); code == http.StatusOK {
		t.Error("the TCP port rotates keys")
	}
	stop()

	k.verifyStopped(t, k.config())
	a, _, stop = serveConfig(t, k.config())
	k.verify(t, a)
	stop()

	current := mustKeys(os.ReadFile(k.keyFile))(t)
	for _, text := range [][]byte{old, current} {
		raw := mustKeys(catalog.ParseMasterKey(string(text)))(t)
		expectAbsent(t, k.data, base64.StdEncoding.EncodeToString(raw)[:42], string(raw))
	}
	cfg := k.config()
	cfg.MasterKeyFile, cfg.MasterKey = "", mustKeys(catalog.ParseMasterKey(string(old)))(t)
	var wrong *catalog.WrongKeyError
	if s, err := Open(cfg); !errors.As(err, &wrong) {
		t.Errorf("Open with the old master key: %v", err)
		if err == nil {
			s.Close()
		}
	}
}

// Rotations that come at once, while keys are made and used, follow each other and
// lose nothing.
func TestRotateKeysUnderLoad(t *testing.T) {
	t.Parallel()
	k := newKeyedStore(t)
	a, _, stop := serveConfig(t, k.config())
	defer stop()
	c := Dial(a.Socket)
	defer c.Close()
	aws := k.clients(a)
	var group errgroup.Group
	for range 3 {
		group.Go(func() error {
			_, err := c.RotateKeys(t.Context(), RotateKeysRequest{Generate: true})
			return err
		})
	}
	made := make([]string, 12)
	for i := range made {
		group.Go(func() error {
			out, err := aws.kms.CreateKey(t.Context(), &awskms.CreateKeyInput{})
			if err == nil {
				made[i] = *out.KeyMetadata.Arn
				_, err = aws.kms.RotateKeyOnDemand(t.Context(), &awskms.RotateKeyOnDemandInput{KeyId: &made[i]})
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	done := mustKeys(c.RotateKeys(t.Context(), RotateKeysRequest{}))(t)
	if done.DataKeyID != 5 {
		t.Errorf("four rotations have come to data key %d", done.DataKeyID)
	}
	newestOnly(t, mustKeys(c.Keys(t.Context()))(t), 5)
	for _, arn := range made {
		mustKeys(aws.kms.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &arn, Plaintext: []byte("x")}))(t)
	}
	k.verify(t, a)
}

// expectAbsent fails if a file of a directory holds one of the texts.
func expectAbsent(t *testing.T, dir string, texts ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(name)
		for _, text := range texts {
			if bytes.Contains(b, []byte(text)) {
				t.Errorf("%s holds a master key", name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A master key that is no file's is finished by the first start with the new one.
func TestRotateKeysFromOutside(t *testing.T) {
	t.Parallel()
	data, first, second, third := t.TempDir(), catalog.NewMasterKey(), catalog.NewMasterKey(), catalog.NewMasterKey()
	with := func(key []byte, do func(*Client)) error {
		c, err := OpenClient(t.Context(), Config{Data: data, MasterKey: key})
		if err == nil {
			do(c)
			err = c.Close()
		}
		return err
	}
	refused := func(c *Client, req RotateKeysRequest, why string) {
		t.Helper()
		var answer *AnswerError
		if _, err := c.RotateKeys(t.Context(), req); !errors.As(err, &answer) || answer.StatusCode != http.StatusBadRequest || !strings.Contains(answer.Text, why) {
			t.Errorf("%+v: %v", req, err)
		}
	}
	err := with(first, func(c *Client) {
		mustKeys(c.AddAccount(t.Context(), "210987654321"))(t)
		refused(c, RotateKeysRequest{Generate: true}, "openssl rand")
		refused(c, RotateKeysRequest{NewMasterKey: second[:31]}, "31 bytes")
		refused(c, RotateKeysRequest{NewMasterKey: second, Generate: true}, "only one")
		refused(c, RotateKeysRequest{NewMasterKey: first}, "is the one")
		done := mustKeys(c.RotateKeys(t.Context(), RotateKeysRequest{NewMasterKey: second}))(t)
		if done.DataKeyID != 2 || done.Finished || done.MasterKeyFile != "" {
			t.Errorf("the rotation has done %+v", done)
		}
		refused(c, RotateKeysRequest{}, "is not finished")
		// The second one was lost: a third one takes its place.
		done = mustKeys(c.RotateKeys(t.Context(), RotateKeysRequest{NewMasterKey: third}))(t)
		if done.DataKeyID != 0 || done.Finished {
			t.Errorf("the rotation after a lost key has done %+v", done)
		}
	})
	for _, key := range [][]byte{first, third} { // the third, at last, shuts the others out
		err = errors.Join(err, with(key, func(c *Client) {
			if len(mustKeys(c.Accounts(t.Context()))(t)) != 1 {
				t.Error("the account is gone")
			}
		}))
	}
	err = errors.Join(err, with(third, func(c *Client) {
		done := mustKeys(c.RotateKeys(t.Context(), RotateKeysRequest{}))(t)
		if done.DataKeyID != 3 || done.NewMasterKeyID != "" {
			t.Errorf("the last rotation has done %+v", done)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	var wrong *catalog.WrongKeyError
	for _, key := range [][]byte{first, second} {
		if err := with(key, func(*Client) {}); !errors.As(err, &wrong) {
			t.Errorf("a key that was replaced: %v", err)
		}
	}
}

// Wherever the process dies, the master key file opens the directory, every secret
// can be read, and another rotation does the rest.
func TestRotateKeysCrashes(t *testing.T) {
	t.Parallel()
	k := newKeyedStore(t)
	s := mustKeys(Open(k.config()))(t)
	type crash struct {
		at   string
		cfg  Config
		data uint32 // keys that there are
	}
	var crashes []crash
	dies := func(at string, dataKeys uint32) {
		cfg := k.config()
		cfg.Data, cfg.MasterKeyFile = filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "key")
		err := errors.Join(os.CopyFS(cfg.Data, os.DirFS(k.data)), os.WriteFile(cfg.MasterKeyFile, mustKeys(os.ReadFile(k.keyFile))(t), 0o600))
		if err != nil {
			t.Fatal(err)
		}
		crashes = append(crashes, crash{at, cfg, dataKeys})
	}
	ring := mustKeys(s.catalog.Keyring().Status())(t)
	kinds := mustKeys(s.sealedKinds())(t)
	for i, kind := range kinds {
		if kind.reseal != nil {
			kinds[i].reseal = func() (int, error) {
				dies("before "+kind.name, 2)
				return kind.reseal()
			}
		}
	}
	done := &KeysRotated{}
	dies("before everything", 1)
	// A file that cannot be replaced stops the change before its first step. The
	// keyring alone gets as far as that file, and no further.
	keyDir := filepath.Dir(k.keyFile)
	if err := errors.Join(os.Rename(keyDir, keyDir+".away"), os.WriteFile(keyDir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := s.changeMasterKey(catalog.NewMasterKey(), ring, done); err == nil || !strings.Contains(err.Error(), "the master key stays") {
		t.Errorf("a key file that cannot be replaced: %v", err)
	}
	if now := mustKeys(s.catalog.Keyring().Status())(t); len(now.Opening) != 1 {
		t.Errorf("the master keys %v open the directory", now.Opening)
	}
	if err := s.catalog.Keyring().Rotate(catalog.NewMasterKey()); err == nil {
		t.Error("the keyring wrote a file that cannot be written")
	}
	if err := errors.Join(os.Remove(keyDir), os.Rename(keyDir+".away", keyDir)); err != nil {
		t.Fatal(err)
	}
	dies("before the key file is written", 1)
	if err := s.changeMasterKey(catalog.NewMasterKey(), ring, done); err != nil {
		t.Fatal(err)
	}
	dies("before the data key", 1)
	if err := s.renewDataKey(kinds, 1, done); err != nil {
		t.Fatal(err)
	}
	dies("at the end", 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(crashes) != 8 {
		t.Fatalf("%d crashes", len(crashes))
	}
	for _, crash := range crashes {
		t.Run(crash.at, func(t *testing.T) {
			k.verifyStopped(t, crash.cfg)
			c := mustKeys(OpenClient(t.Context(), crash.cfg))(t)
			done := mustKeys(c.RotateKeys(t.Context(), RotateKeysRequest{Generate: true}))(t)
			if !done.Finished || done.DataKeyID != crash.data+1 {
				t.Errorf("another rotation has done %+v", done)
			}
			newestOnly(t, mustKeys(c.Keys(t.Context()))(t), crash.data+1)
			closeTest(t, c)
			k.verifyStopped(t, crash.cfg)
		})
	}
}

// One owner whose secret is damaged does not keep the others from a new key, and
// what was done has its event.
func TestRotateKeysWithDamage(t *testing.T) {
	t.Parallel()
	s := mustKeys(Open(Config{Data: t.TempDir()}))(t)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	digestKey(t, s)
	store := mustKeys(s.anyIdentities())(t)
	if _, _, err := store.AddAccount("210987654321"); err != nil {
		t.Fatal(err)
	}
	table := catalog.TableOf[map[string]any](s.catalog, "digest-keys")
	for row, err := range table.Scan("") {
		if err != nil {
			t.Fatal(err)
		}
		row.Value["sealed"] = base64.StdEncoding.EncodeToString([]byte{1, 0, 0, 0, 1, 2, 3, 4})
		mustKeys(table.CompareAndSet(row.Key, row.Revision, row.Value))(t)
	}
	tr := &transport{handler: s.Handler()}
	c := newClient(tr)
	defer tr.wait()
	if _, err := c.RotateKeys(t.Context(), RotateKeysRequest{}); err == nil || !strings.Contains(err.Error(), "reseal digest keys") {
		t.Errorf("the rotation: %v", err)
	}
	status := mustKeys(c.Keys(t.Context()))(t)
	if n := len(status.DataKeys); n != 2 || !slices.Contains(status.DataKeys[1].Sealed, KindCount{"access keys", 1}) ||
		!slices.Equal(status.DataKeys[0].Sealed, []KindCount{{"signing keys of digests", 1}}) {
		t.Errorf("the keys are %+v", status.DataKeys)
	}
	if got := lookupAll(t, c, LookupRequest{Account: DefaultAccountID, Filters: []LookupFilter{{Attribute: "EventName", Values: []string{"RotateKeys"}}}}); len(got) != 1 || !strings.Contains(got[0], `"dataKeyId":2`) {
		t.Errorf("the events are %v", got)
	}
}

// Whatever the program seals is either sealed anew by a rotation or known to keep
// its key.
func TestRotateKeysKnowsAllPurposes(t *testing.T) {
	t.Parallel()
	known := []string{
		"signing-key", "access-key", "digest-signing-key", "kms-key-material", "sns-signing-key", "sns-confirmation-token", // sealed anew
		"s3-object", "session-token", "sns-next-token", "kms-list-marker", "lookup-events token", // kept
	}
	call := regexp.MustCompile(`\.(?:Seal|Reseal)\((\w*[pP]urpose\w*),`)
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, m := range call.FindAllSubmatch(text, -1) {
			if string(m[1]) == "purpose" {
				continue // the keyring's own
			}
			found[purposeIn(t, filepath.Dir(name), string(m[1]))] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for purpose := range found {
		if !slices.Contains(known, purpose) {
			t.Errorf("%q is sealed, and package server's keys.go knows neither how to seal it anew nor that it may stay", purpose)
		}
	}
	if len(found) < len(known) {
		t.Errorf("only %d purposes were found in the sources", len(found))
	}
}

func purposeIn(t *testing.T, dir, name string) string {
	t.Helper()
	value := regexp.MustCompile(fmt.Sprintf(`\b%s\s*=\s*"([^"]+)"`, name))
	files := mustKeys(filepath.Glob(filepath.Join(dir, "*.go")))(t)
	for _, file := range files {
		if m := value.FindSubmatch(mustKeys(os.ReadFile(file))(t)); m != nil {
			return string(m[1])
		}
	}
	t.Fatalf("%s: no constant %s", dir, name)
	return ""
}
