package gateway

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"

	"cairn/aws"
	"cairn/internal/awsmodel"
	"cairn/record"
)

// An AuditPlace is where the records of another system's audit log belong: that system
// knows neither AWS's accounts nor its regions.
type AuditPlace struct{ AccountID, Region string }

// The event sources of calls that are not AWS's. They are no host names of AWS, so that
// no entry can pass for a call to an AWS service that was never made: names such as the
// API group of a Kubernetes object are chosen by whoever defines it.
const (
	minioSource      = "min.io"
	kubernetesSource = "kubernetes.io"
)

var (
	minioService      = &awsmodel.ServiceModel{ID: minioSource, EventSource: minioSource}
	kubernetesService = &awsmodel.ServiceModel{ID: kubernetesSource, EventSource: kubernetesSource}
)

// auditOperation describes an operation that no AWS model has.
func auditOperation(s *awsmodel.ServiceModel, name string, readOnly bool) *awsmodel.Operation {
	return &awsmodel.Operation{Service: s, Name: name, EventName: name, ReadOnly: readOnly}
}

// auditRecord writes the record of a call that an audit log tells of.
func auditRecord(c *aws.Call, place AuditPlace, d record.Details) []byte {
	c.Region = place.Region
	d.RecipientAccountID = place.AccountID
	return record.Append(nil, c, d)
}

// auditEventID returns an ID that the same parts always give, so that an entry that is
// sent again gives the same record: the first half of the SHA-256 of the parts, each
// behind its length, as a UUID of version 8 (RFC 9562).
func auditEventID(parts ...string) string {
	var text []byte
	for _, part := range parts {
		text = append(binary.AppendUvarint(text, uint64(len(part))), part...)
	}
	u := sha256.Sum256(text)
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	var b []byte
	for i, end := range [...]int{4, 6, 8, 10, 16} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, u[[...]int{0, 4, 6, 8, 10}[i]:end])
	}
	return string(b)
}

// auditAddress reads an address, with or without a port.
func auditAddress(text string) netip.Addr {
	text = strings.TrimSpace(text)
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap()
	}
	a, _ := netip.ParseAddr(strings.Trim(text, "[]"))
	return a.Unmap()
}

// auditTree reads JSON that is shown in a record, nil when there is none. What is beyond
// the bounds of parseJSON is told in its place.
func auditTree(raw []byte) any {
	if len(raw) == 0 {
		return nil
	}
	v, _, err := parseJSON(raw)
	if err != nil {
		return map[string]any{"omitted": true, "originalSize": int64(len(raw)), "reason": err.Error()}
	}
	return v
}

var auditSeparators = strings.NewReplacer("-", "", "_", "", ".", "", " ", "")

// auditSecret reports whether a name that no model has is that of a secret: of an
// environment variable, a claim or a tag. It is wider than what holds for AWS's own
// names, of which many end in Token and are none.
func auditSecret(name string) bool {
	if awsmodel.SecretQuery(name) {
		return true
	}
	name = auditSeparators.Replace(strings.ToLower(name))
	for _, word := range [...]string{"token", "pwd", "pass", "signature", "cookie", "accesskeysecret", "connectionstring"} {
		if strings.HasSuffix(name, word) {
			return true
		}
	}
	return false
}

// concealByName takes out the values whose names are those of secrets.
func concealByName(v any) any {
	switch v := v.(type) {
	case map[string]any:
		clean := make(map[string]any, len(v))
		for name, e := range v {
			if e != nil && auditSecret(name) {
				clean[name] = awsmodel.Hidden
				continue
			}
			clean[name] = concealByName(e)
		}
		return clean
	case []any:
		clean := make([]any, len(v))
		for i, e := range v {
			clean[i] = concealByName(e)
		}
		return clean
	}
	return v
}

// putText adds a text unless it is empty.
func putText(tree map[string]any, name, text string) {
	if text != "" {
		tree[name] = text
	}
}
