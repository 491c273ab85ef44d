package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"

	"cairn/aws"
	"cairn/internal/awsmodel"
	"cairn/internal/sigv4"
)

// verify checks the signature of a request with the secret of its access key. It looks
// at nothing but the request as it came: what the Exchange was read to be decides only
// which forms of body are taken. unchecked is the SHA-256 of the body that the
// signature is for, if not all of the body was there to be compared.
func verify(x *Exchange, q *Asking, secret string) (unchecked string, err error) {
	r := q.Request
	switch {
	case r == nil || r.URL == nil:
		return "", errNoRequest
	case x.Signature.Version == "SigV2":
		return "", verifyV2(x, q, secret)
	case x.Signature.form || x.Signature.Method == "HtmlForm":
		return "", errForm
	}
	sig, err := sigv4.Parse(r)
	if err != nil {
		return "", err
	}
	if sig.AccessKeyID != x.Signature.AccessKeyID {
		return "", errOtherKey
	}
	rules := sigv4.RulesFor(sig.Service)
	if path := r.URL.EscapedPath(); !rules.PathAsSent && !isResolved(path) {
		return "", errPath
	}
	options := sigv4.VerifyOptions{Now: q.At, HeadOnly: true, AllowUnsignedPayload: x.takesUnsigned(rules)}
	if sig.PayloadMode == sigv4.PayloadAbsent && !rules.ContentHashRequired && q.Whole {
		options.HeadOnly, options.Body = false, q.Body
	}
	if err := sig.Verify(r, secret, options); err != nil {
		return "", err
	}
	if sig.PayloadMode != sigv4.PayloadSigned {
		return "", nil
	}
	if !q.Whole {
		return sig.PayloadHash, nil
	}
	sum := sha256.Sum256(q.Body)
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	if subtle.ConstantTimeCompare(text[:], []byte(sig.PayloadHash)) != 1 {
		return "", errBody
	}
	return "", nil
}

// verifyV2 checks a presigned query of Version 2, of which only S3's are known.
func verifyV2(x *Exchange, q *Asking, secret string) error {
	if x.Signature.Method != "QueryString" || x.Signature.form {
		return errHeaderV2
	}
	if x.Model == nil || x.Model.Service.ID != "s3" {
		return errServiceV2
	}
	sig, err := sigv4.ParseV2(q.Request)
	if err != nil {
		return err
	}
	if sig == nil || sig.AccessKeyID != x.Signature.AccessKeyID {
		return errOtherKey
	}
	bucket := text(x.Input, "Bucket")
	if !strings.HasPrefix(q.Request.Host, bucket+".") {
		bucket = "" // the path has it
	}
	return sig.Verify(q.Request, bucket, secret, q.At)
}

// takesUnsigned reports whether a signature that leaves the body out says enough. It does
// where the operation is told by the head, as S3's are, and where the model says so: with
// anything else somebody could put another operation under the signature.
func (x *Exchange) takesUnsigned(rules sigv4.Rules) bool {
	switch {
	case rules.ContentHashRequired:
		return x.Model == nil || x.Protocol == awsmodel.RESTXML
	case x.Model == nil:
		return false
	}
	return x.Model.UnsignedPayload || x.StreamIn
}

// isResolved reports whether a path is as the canonical form of all services but S3 has
// it. A signature for /b is good for /a/../b too, and who knows what the backend makes of
// that.
func isResolved(path string) bool {
	return !strings.Contains(path, "//") && !strings.Contains(path+"/", "/./") && !strings.Contains(path+"/", "/../")
}

// A reason is why a signature is not believed, where package sigv4 has no kind for it.
type reason string

func (r reason) Error() string { return string(r) }

const (
	errNoRequest reason = "the request was not kept"
	errForm      reason = "a signature in a form cannot be verified"
	errOtherKey  reason = "the request names several access keys"
	errPath      reason = "the path is not resolved"
	errBody      reason = "the body is not the one that was signed"
	errHeaderV2  reason = "a signature of Version 2 in a header cannot be verified"
	errServiceV2 reason = "a signature of Version 2 can be verified for S3 only"
	errLookUp    reason = "the access key could not be looked up"
)

// codeOf returns what the record says of a signature that is not believed: the code that
// the service has for it, or in words what Cairn cannot verify.
func (x *Exchange) codeOf(err error) string {
	if e, ok := errors.AsType[*aws.Error](err); ok {
		return e.Code
	}
	switch kind := sigv4.KindOf(err); {
	case kind == 0:
		return err.Error()
	case kind == sigv4.UnsupportedSigV4a:
		return "a signature of Version 4A cannot be verified"
	case kind == sigv4.MissingContentHash && !x.isS3():
		return "the signature is over a body that is too large to be held"
	case x.isS3():
		return kind.Codes().S3
	default:
		return kind.Codes().Query
	}
}

func (x *Exchange) isS3() bool {
	return x.Service == "s3" || x.Model != nil && x.Model.Service.SigningName == "s3"
}

// refusal is the error that the service of a request answers to a signature that does not
// verify. What cannot be verified is refused like what is wrong, or it would be a way
// around the rule.
func (x *Exchange) refusal(err error) *aws.Error {
	if e, ok := errors.AsType[*aws.Error](err); ok {
		refused := *e
		refused.Unattributed = true
		return &refused
	}
	kind := sigv4.KindOf(err)
	switch {
	case kind != 0:
	case errors.Is(err, errLookUp):
		return &aws.Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Message: "The access key could not be looked up. Try again.", Unattributed: true}
	case errors.Is(err, errBody):
		kind = sigv4.PayloadMismatch
	case errors.Is(err, errOtherKey):
		kind = sigv4.AmbiguousAuthentication
	default:
		kind = sigv4.SignatureMismatch
	}
	codes := kind.Codes()
	e := &aws.Error{Code: codes.JSON, Status: http.StatusBadRequest, Message: err.Error(), Unattributed: true}
	switch {
	case x.isS3():
		e.Code, e.Status = codes.S3, codes.S3Status
	case x.Protocol == awsmodel.Query || x.Protocol == awsmodel.EC2:
		e.Code, e.Status = codes.Query, http.StatusForbidden
	}
	return e
}

// refusedCodes are the codes, in lower case, by which backends refuse credentials.
var refusedCodes = map[string]bool{
	// AWS, by protocol and service.
	"invalidclienttokenid": true, "invalidclienttokenidexception": true, "invalidaccesskeyid": true, "unrecognizedclientexception": true,
	"unrecognizedclient": true, "signaturedoesnotmatch": true, "invalidsignatureexception": true, "invalidsignature": true,
	"authfailure": true, "authorizationheadermalformed": true, "authorizationqueryparameterserror": true,
	"incompletesignature": true, "incompletesignatureexception": true, "missingauthenticationtoken": true,
	"missingauthenticationtokenexception": true, "missingsecurityheader": true, "missingsecurityelement": true, "invalidsecurity": true,
	"expiredtoken": true, "expiredtokenexception": true, "requestexpired": true, "requesttimetooskewed": true, "invalidtoken": true,
	"tokenrefreshrequired": true, "xamzcontentsha256mismatch": true, "invalidpayloadsignature": true, "notsignedup": true,
	"invalidauthenticationtoken": true, "authenticationfailure": true, "authenticationfailed": true, "unauthenticated": true,
	"accountproblem": true, "credentialsnotsupported": true,

	// MinIO, Ceph, SeaweedFS and others.
	"xminioadminexpiredtoken": true, "xminioinvalidaccesskey": true, "xminioadmininvalidaccesskey": true, "xminioadmininvalidsecretkey": true,
	"xminioinvalidtokenid": true, "xminioaccesskeydisabled": true, "xminioauthnotsetup": true, "invalidtokenid": true,
	"accesskeydisabled": true, "accesskeydoesnotexist": true, "nosuchaccesskey": true, "expiredpresignrequest": true,
	"expiredpresignedrequest": true, "signatureversionnotsupported": true, "missingfields": true, "malformedcredentialdate": true,
	"malformedpresigneddate": true, "credmalformed": true, "missingdateheader": true, "missingsignheaderstag": true,
	"missingsigntag": true, "missingcredtag": true, "unsignedheaders": true,
}

// refusedMessages are parts of the messages that S3 has for signatures it does not take,
// in lower case, under the code that it also has for callers who may not.
var refusedMessages = []string{"request has expired", "not yet valid", "headers present in the request which were not signed", "authentication requires", "signature"}

// Refused reports whether the backend refused the credentials of a call: what they claim
// was not believed. A call that was refused because its caller may not is another thing.
// The answer to a HEAD does not tell the two apart, and counts as refused.
func Refused(x *Exchange) bool {
	switch {
	case x.Err == nil:
		return false
	case x.Status == http.StatusUnauthorized:
		return true
	case x.method == http.MethodHead && (x.Status == http.StatusBadRequest || x.Status == http.StatusForbidden):
		return true
	}
	code := strings.ToLower(x.Err.Code)
	if x.noUser() {
		return x.method != http.MethodPatch
	}
	if code != "accessdenied" || !x.isS3() {
		return refusedCodes[code]
	}
	message := strings.ToLower(x.Err.Message)
	return slices.ContainsFunc(refusedMessages, func(part string) bool { return strings.Contains(message, part) })
}

// noUser reports whether the answer is versitygw's to a key that it does not know, with
// status 403 or 404 by its version. The interface for its users, whose method is PATCH,
// which S3 does not have, answers so, too, when the user whom a good call is about is
// not there.
func (x *Exchange) noUser() bool {
	return x.Err != nil && strings.EqualFold(x.Err.Code, "XAdminUserNotFound")
}

// unjudged are codes, in lower case, of errors that services answer with before they look at
// the signature, or could.
var unjudged = map[string]bool{
	"unknownoperation": true, "unknownoperationexception": true, "invalidaction": true, "missingaction": true, "methodnotallowed": true,
	"invaliduri": true, "invalidbucketname": true, "missingcontentlength": true, "requesttimeout": true, "incompletebody": true, "slowdown": true,
	"throttling": true, "throttlingexception": true, "requestlimitexceeded": true,
}

// judged reports whether the answer tells that the backend has looked at the signature: a
// good one does, and an error in the words of its service. One without a code may be that of
// a server in front of the backend. The answer to a HEAD never has one.
func (x *Exchange) judged() bool {
	switch {
	case x.Status == 0, x.Status >= 500, x.Err != nil && 300 <= x.Status && x.Status < 400:
		return false
	case x.Err == nil, x.Status < 300, x.method == http.MethodHead:
		return true
	}
	return !x.silent && !unjudged[strings.ToLower(x.Err.Code)] && !x.noUser()
}

// credential asks Cairn's IAM whose an access key is. A nil credential without an error
// means that it is not known there.
func (s *Identities) credential(ctx context.Context, sig *Signature) (*aws.Credential, error) {
	if s.cfg.Keys == nil {
		return nil, nil
	}
	cred, err := s.cfg.Keys.Credential(ctx, sig.AccessKeyID, sig.SessionToken, sig.Region)
	switch e, visible := errors.AsType[*aws.Error](err); {
	case err == nil:
		return cred, nil
	case !visible:
		s.cfg.Logger.Error("the caller of a request cannot be named", "error", err)
		return nil, errLookUp
	case errors.Is(err, aws.ErrExpiredToken):
		return nil, e
	}
	return nil, nil
}
