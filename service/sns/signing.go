package sns

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"regexp"
	"sync"
	"time"

	"cairn/catalog"
)

const (
	signingPurpose = "sns-signing-key"
	signingBits    = 2048

	// A key signs until this long before its certificate ends, so that messages
	// can be checked for a while. Then there is a new one.
	certificateLife = 2 * 365 * 24 * time.Hour
	retireBefore    = 90 * 24 * time.Hour
)

// signingKeys holds the key in use.
type signingKeys struct {
	mu      sync.Mutex
	id      string
	key     *rsa.PrivateKey
	retires time.Time
}

// signingKey is a row, by the key's ID. Certificates are kept for good: their URLs
// stand in messages that endpoints may keep.
type signingKey struct {
	Certificate []byte    `json:"certificate"` // DER
	Sealed      []byte    `json:"sealed"`      // PKCS #8, by the keyring, bound to the ID
	Created     time.Time `json:"created"`
	Retires     time.Time `json:"retires"`
}

func (s *Service) signingKeys() catalog.Table[signingKey] {
	return catalog.TableOf[signingKey](s.cfg.Catalog, "sns-signing-keys")
}

// sign signs an envelope, and says where the certificate is. Version 1 is over
// SHA-1, which AWS has as its default still; version 2 is over SHA-256.
func (s *Service) sign(e *envelope) error {
	id, key, err := s.signingKey()
	if err != nil {
		return fmt.Errorf("key for signing: %w", err)
	}
	kind, sum := crypto.SHA1, []byte(nil)
	if text := e.toSign(); e.SignatureVersion == "2" {
		digest := sha256.Sum256(text)
		kind, sum = crypto.SHA256, digest[:]
	} else {
		digest := sha1.Sum(text)
		sum = digest[:]
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, kind, sum)
	if err != nil {
		return fmt.Errorf("sign message: %w", err)
	}
	e.Signature = base64.StdEncoding.EncodeToString(signature)
	e.SigningCertURL = s.cfg.BaseURL() + certificatePrefix + id + ".pem"
	return nil
}

// signingKey returns the key in use, and makes one if there is none.
func (s *Service) signingKey() (string, *rsa.PrivateKey, error) {
	k := &s.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if k.key != nil && now.Before(k.retires) {
		return k.id, k.key, nil
	}
	for row, err := range s.signingKeys().Scan("") {
		if err != nil {
			return "", nil, err
		}
		if now.Before(row.Value.Retires) {
			key, err := s.openKey(row.Key, row.Value.Sealed)
			if err != nil {
				return "", nil, err
			}
			k.id, k.key, k.retires = row.Key, key, row.Value.Retires
			return k.id, k.key, nil
		}
	}
	return k.make(s, now)
}

func (k *signingKeys) make(s *Service, now time.Time) (string, *rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, signingBits)
	if err != nil {
		return "", nil, err
	}
	der, err := selfSigned(key, now)
	if err != nil {
		return "", nil, err
	}
	sum := sha256.Sum256(der)
	id := hex.EncodeToString(sum[:16])
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", nil, err
	}
	sealed, err := s.cfg.Catalog.Keyring().Seal(signingPurpose, id, secret)
	if err != nil {
		return "", nil, err
	}
	retires := now.Add(certificateLife - retireBefore).UTC()
	if _, err := s.signingKeys().CompareAndSet(id, 0, signingKey{Certificate: der, Sealed: sealed, Created: now.UTC(), Retires: retires}); err != nil {
		return "", nil, err
	}
	k.id, k.key, k.retires = id, key, retires
	return id, key, nil
}

func selfSigned(key *rsa.PrivateKey, now time.Time) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	certificate := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      pkix.Name{CommonName: "sns.cairn.internal"},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	return x509.CreateCertificate(rand.Reader, certificate, certificate, key.Public(), key)
}

func (s *Service) openKey(id string, sealed []byte) (*rsa.PrivateKey, error) {
	secret, err := s.cfg.Catalog.Keyring().Open(signingPurpose, id, sealed)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(secret)
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("signing key %s is not an RSA key: %w", id, err)
	}
	return key, nil
}

const certificatePrefix = "/SimpleNotificationService-"

var certificatePath = regexp.MustCompile(`^` + certificatePrefix + `([0-9a-f]{32})\.pem$`)

// serveCertificate answers a request for a certificate.
func (s *Service) serveCertificate(w http.ResponseWriter, id string) {
	row, _, err := s.signingKeys().Get(id)
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		http.Error(w, "There is no such certificate.", http.StatusNotFound)
	case err != nil:
		s.cfg.Logger.Error("a certificate of SNS cannot be read", "error", err)
		http.Error(w, "The certificate cannot be read.", http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/x-pem-file")
		w.Header().Set("Cache-Control", "public, max-age=86400")
		_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: row.Certificate})
	}
}

// Reseal seals the signing keys and the tokens of subscriptions under the keyring's
// newest data key, and returns how many were under an older one.
func (s *Service) Reseal() (int, error) {
	n := 0
	for row, err := range s.signingKeys().Scan("") {
		if err != nil {
			return n, fmt.Errorf("reseal signing keys of SNS: %w", err)
		}
		sealed, changed, err := s.cfg.Catalog.Keyring().Reseal(signingPurpose, row.Key, row.Value.Sealed)
		if err == nil && changed {
			n++
			row.Value.Sealed = sealed
			_, err = s.signingKeys().CompareAndSet(row.Key, row.Revision, row.Value)
		}
		if err != nil {
			return n, fmt.Errorf("reseal signing keys of SNS: %w", err)
		}
	}
	for row, err := range s.subscriptions().Scan("") {
		if err != nil {
			return n, fmt.Errorf("reseal subscriptions of SNS: %w", err)
		}
		changes := 0
		sub := subscriptionOfRow(row)
		err = s.changeSubscription(sub.topicName, sub.id, func(now *subscription, _ *topic) error {
			sealed, changed, err := s.cfg.Catalog.Keyring().Reseal(confirmPurpose, now.row(), now.Token)
			now.Token, changes = sealed, 0
			if changed {
				changes = 1
			}
			return err
		})
		if err != nil && !isMissing(err) {
			return n, fmt.Errorf("reseal subscriptions of SNS: %w", err)
		}
		n += changes
	}
	return n, nil
}

// EachSealed calls fn with each signing key and each subscription's token, sealed.
// Of subscriptions that ended those that no sweep has removed yet are among them.
func (s *Service) EachSealed(fn func(sealed []byte)) error {
	for row, err := range s.signingKeys().Scan("") {
		if err != nil {
			return fmt.Errorf("read signing keys of SNS: %w", err)
		}
		fn(row.Value.Sealed)
	}
	for row, err := range s.subscriptions().Scan("") {
		if err != nil {
			return fmt.Errorf("read subscriptions of SNS: %w", err)
		}
		fn(row.Value.Token)
	}
	return nil
}

// indent lays JSON out as AWS does.
func indent(raw json.RawMessage) ([]byte, error) {
	var b bytes.Buffer
	err := json.Indent(&b, raw, "", "  ")
	return b.Bytes(), err
}
