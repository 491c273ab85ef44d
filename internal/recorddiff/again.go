package main

import (
	"crypto/tls"
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	"cairn/aws"
	"cairn/internal/awsmodel"
	"cairn/record"
)

// operationOf finds the operation that a record's call was to.
func operationOf(r map[string]any) *awsmodel.Operation {
	var deprecated *awsmodel.Operation
	for _, s := range awsmodel.ByEventSource(text(r, "eventSource")) {
		if r["apiVersion"] == s.APIVersion || r["apiVersion"] == nil || text(r, "apiVersion") == "20140328" {
			for _, op := range s.Operations() {
				if op.EventName != text(r, "eventName") || s.ID == "docdb" || s.ID == "neptune" {
					continue
				}
				if !op.Deprecated {
					return op
				}
				deprecated = op
			}
		}
	}
	return deprecated
}

// again writes the record of the call that r tells of. carried is called for members that
// the API does not have, which the comparison says nothing about.
func again(op *awsmodel.Operation, r map[string]any, carried func(path string)) (map[string]any, error) {
	c := &aws.Call{
		RequestID: text(r, "requestID"), Service: op.Service.SigningName, Operation: op.Name, Region: text(r, "awsRegion"),
		UserAgent: text(r, "userAgent"), Identity: identityOf(object(r, "userIdentity")),
	}
	if inner, ok := strings.CutPrefix(c.UserAgent, "["); ok && text(r, "eventSource") == "s3.amazonaws.com" {
		c.UserAgent = strings.TrimSuffix(inner, "]")
	}
	c.Time, _ = time.Parse(time.RFC3339, text(r, "eventTime"))
	c.SourceIP, _ = netip.ParseAddr(text(r, "sourceIPAddress"))
	if code := text(r, "errorCode"); code != "" {
		c.Err = &aws.Error{Code: strings.TrimPrefix(code, "Client."), Message: text(r, "errorMessage")}
	}
	if details := object(r, "tlsDetails"); details != nil {
		c.TLS = &tls.ConnectionState{Version: versionNamed(text(details, "tlsVersion")), CipherSuite: suiteNamed(text(details, "cipherSuite"))}
	}
	request := object(r, "requestParameters")
	if c.Host = text(object(r, "tlsDetails"), "clientProvidedHostHeader"); c.Host == "" {
		c.Host = text(request, "Host")
	}
	c.Input, c.Output = record.Restore(op, request, object(r, "responseElements"))
	strangers(op.Input(), c.Input, "requestParameters", carried)
	strangers(op.Output(), c.Output, "responseElements", carried)
	if op.Service.ID == "kms" {
		// What is not in the record of a call that reads, but is in its answer.
		for _, resource := range list(r, "resources") {
			c.Output = map[string]any{"KeyId": text(resource.(map[string]any), "ARN")}
		}
	}
	raw := record.Append(nil, c, record.Details{
		Operation: op, EventID: text(r, "eventID"), RecipientAccountID: text(r, "recipientAccountId"), SharedEventID: text(r, "sharedEventID"),
		AdditionalEventData: object(r, "additionalEventData"),
	})
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	var tree map[string]any
	return tree, decoder.Decode(&tree)
}

// strangers calls fn with the path of each member that a structure does not have.
func strangers(s *awsmodel.Shape, v any, path string, fn func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for name, e := range v {
			switch {
			case s != nil && s.Kind == awsmodel.Map:
				strangers(s.Value.Shape(), e, path+"."+name, fn)
			case s != nil && s.Kind == awsmodel.Structure && s.Member(name) != nil:
				strangers(s.Member(name).Shape(), e, path+"."+name, fn)
			default:
				fn(path + "." + name)
			}
		}
	case []any:
		for _, e := range v {
			if s != nil && s.Kind == awsmodel.List {
				strangers(s.Element.Shape(), e, path+"[]", fn)
			}
		}
	}
}

func identityOf(u map[string]any) aws.Identity {
	id := aws.Identity{
		Type: text(u, "type"), PrincipalID: text(u, "principalId"), ARN: text(u, "arn"), AccountID: text(u, "accountId"),
		AccessKeyID: text(u, "accessKeyId"), UserName: text(u, "userName"), InvokedBy: text(u, "invokedBy"),
	}
	session := object(u, "sessionContext")
	if session == nil {
		return id
	}
	id.Session = &aws.Session{SourceIdentity: text(session, "sourceIdentity")}
	attributes := object(session, "attributes")
	id.Session.Created, _ = time.Parse(time.RFC3339, text(attributes, "creationDate"))
	id.Session.MFA = text(attributes, "mfaAuthenticated") == "true"
	if issuer := object(session, "sessionIssuer"); len(issuer) > 0 {
		id.Session.Issuer = &aws.Issuer{
			Type: text(issuer, "type"), PrincipalID: text(issuer, "principalId"), ARN: text(issuer, "arn"),
			AccountID: text(issuer, "accountId"), UserName: text(issuer, "userName"),
		}
	}
	return id
}

func versionNamed(name string) uint16 {
	for v := uint16(tls.VersionTLS10); v <= tls.VersionTLS13; v++ {
		if strings.Replace(tls.VersionName(v), "TLS ", "TLSv", 1) == name {
			return v
		}
	}
	return 0
}

// suiteNamed finds a suite by OpenSSL's name of it or the standard's.
func suiteNamed(name string) uint16 {
	plain := strings.NewReplacer("_WITH", "", "AES_128_CBC", "AES128", "AES_128", "AES128", "AES_256_CBC", "AES256", "AES_256", "AES256", "_", "-", "TLS_", "")
	for _, suites := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range suites {
			if s.Name == name || plain.Replace(s.Name) == name {
				return s.ID
			}
		}
	}
	return 0
}

func text(tree map[string]any, name string) string {
	s, _ := tree[name].(string)
	return s
}

func list(tree map[string]any, name string) []any {
	l, _ := tree[name].([]any)
	return l
}

func object(tree map[string]any, name string) map[string]any {
	o, _ := tree[name].(map[string]any)
	return o
}
