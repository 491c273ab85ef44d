package gateway

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/aws"
	"cairn/internal/awsmodel"
	"cairn/record"
)

// minioEntry is one entry of MinIO's audit log, version 1: what madmin-go calls
// audit.Entry. Headers and parameters that came more than once are joined with commas.
type minioEntry struct {
	DeploymentID string `json:"deploymentid"`
	SiteName     string `json:"siteName"`
	Time         string `json:"time"`
	Event        string `json:"event"`
	Trigger      string `json:"trigger"`
	API          struct {
		Name    string `json:"name"`
		Bucket  string `json:"bucket"`
		Object  string `json:"object"`
		Objects []struct {
			Name      string `json:"objectName"`
			VersionID string `json:"versionId"`
		} `json:"objects"`
		StatusCode      int    `json:"statusCode"`
		BytesIn         int64  `json:"rx"`
		BytesOut        int64  `json:"tx"`
		TimeToFirstByte string `json:"timeToFirstByte"`
		TimeToResponse  string `json:"timeToResponse"`
	} `json:"api"`
	RemoteHost string            `json:"remotehost"`
	RequestID  string            `json:"requestID"`
	UserAgent  string            `json:"userAgent"`
	Path       string            `json:"requestPath"`
	Host       string            `json:"requestHost"`
	Node       string            `json:"requestNode"`
	Claims     json.RawMessage   `json:"requestClaims"`
	Query      map[string]string `json:"requestQuery"`
	Header     map[string]string `json:"requestHeader"`
	Answer     map[string]string `json:"responseHeader"`
	Tags       json.RawMessage   `json:"tags"`
	AccessKey  string            `json:"accessKey"`
	ParentUser string            `json:"parentUser"`
	Error      string            `json:"error"`
}

// MinIORecord returns the CloudTrail record of one entry of MinIO's audit log. The
// same entry always gives the same bytes. An error says what an entry lacks.
//
// Calls that S3 or STS have are recorded as theirs, with parameters, resources and
// redaction by the API's model; MinIO's own, such as those of its administration, have
// the source min.io. So have requests that MinIO refused before it knew what they were,
// as for the name of a bucket that there cannot be: they have no name, and the entry does
// not show their method, so that their record is of the event Unknown with their path. Of the headers and the query only what the model knows as
// parameters is recorded, never what signs the request.
func MinIORecord(raw []byte, place AuditPlace) ([]byte, error) {
	var e minioEntry
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("not an audit entry of MinIO: %w", err)
	}
	if e.API.Name == "" && e.Path == "" {
		return nil, errors.New("api.name: missing")
	}
	at, err := time.Parse(time.RFC3339Nano, e.Time)
	if err != nil {
		return nil, errors.New("time: missing or not in RFC 3339")
	}
	x := &Exchange{host: e.Host, header: headerOf(e.Header), Status: e.API.StatusCode}
	op := e.operation()
	e.decode(x, op)
	c := x.Call()
	c.Header, c.SessionToken = nil, ""
	c.Time, c.RequestID, c.UserAgent, c.SourceIP = at, e.RequestID, e.UserAgent, auditAddress(e.RemoteHost)
	c.BytesIn, c.BytesOut = max(e.API.BytesIn, 0), max(e.API.BytesOut, 0)
	c.Service, c.Operation, c.ReadOnly = op.Service.SigningName, op.Name, op.ReadOnly
	c.Identity = e.identity(x, op, place)
	additional := e.additional(x, op)
	if c.Err = e.err(op); c.Err != nil {
		c.Output = nil
		additional["statusCode"] = int64(e.API.StatusCode)
		if headerOf(e.Answer).Get("X-Minio-Error-Code") == "" {
			additional["errorCodeFrom"] = "statusCode"
		}
	}
	return auditRecord(c, place, record.Details{
		EventID:   auditEventID("minio", e.DeploymentID, e.RequestID, e.Time, e.Trigger, e.API.Name, e.API.Bucket, e.API.Object),
		Operation: op, AdditionalEventData: additional,
	}), nil
}

// internal reports whether MinIO did something of itself, such as to let an object
// expire: nobody asked for it, so that the entry has no request.
func (e *minioEntry) internal() bool {
	return e.RemoteHost == "" && e.AccessKey == "" && e.RequestID == "" && len(e.Header) == 0 && e.Trigger != "incoming"
}

// operation returns what was called.
func (e *minioEntry) operation() *awsmodel.Operation {
	name := word(e.API.Name)
	// Buckets cannot be called minio: below it are MinIO's own interfaces.
	if !e.internal() && !strings.HasPrefix(e.Path, "/minio/") {
		if s, ok := awsmodel.Service("s3"); ok {
			if op, ok := s.Operation(cmp.Or(minioS3Names[name], name)); ok {
				return op
			}
		}
		if s, ok := awsmodel.Service("sts"); ok && e.API.Bucket == "" {
			if op, ok := s.Operation(name); ok {
				return op
			}
		}
	}
	name = cmp.Or(name, "Unknown")
	return auditOperation(minioService, name, minioReads(name))
}

// decode fills in the parameters and the answer, and recognises the signature.
func (e *minioEntry) decode(x *Exchange, op *awsmodel.Operation) {
	query := make(url.Values, len(e.Query))
	for name, v := range e.Query {
		query.Set(name, v)
	}
	r := &Request{Method: op.Method, Target: "/?" + query.Encode(), Host: e.Host, Header: x.header}
	x.method, x.Model, x.Service = op.Method, op, op.Service.SigningName
	q := newWire(r, x)
	x.Signature = readSignature(q)
	switch op.Service.ID {
	case "s3":
		x.Protocol = awsmodel.RESTXML
		q.restRequest, q.labels = q.rest(&Decoder{}, op.Service), make(map[string]string)
		for label, v := range map[string]string{"Bucket": e.API.Bucket, "Key": e.API.Object} {
			if v != "" {
				q.labels[label] = v
			}
		}
		q.decodeREST(x)
		if x.Input == nil {
			x.Input = make(map[string]any)
		}
		e.objects(x.Input)
		if output := op.Output(); output != nil {
			tree := make(map[string]any)
			decodeHead(output, &Answer{Header: headerOf(e.Answer)}, tree, false)
			x.Output = orNil(tree)
		}
	case "sts":
		x.Input = e.parameters(func(name, v string) any {
			if m := orStructure(op.Input()).Member(name); m != nil {
				return textScalar(m.Shape(), v)
			}
			return v
		})
	default:
		x.Input = e.parameters(func(_, v string) any { return v })
		putText(x.Input, "bucketName", e.API.Bucket)
		putText(x.Input, "key", e.API.Object)
		if len(e.API.Objects) > 0 {
			e.objects(x.Input)
		}
	}
	// What an entry does not show of a request is no fault of the request.
	x.Problems = nil
}

// parameters are those of the query, without what signs it and what names the operation.
func (e *minioEntry) parameters(typed func(name, v string) any) map[string]any {
	tree := make(map[string]any)
	for name, v := range e.Query {
		switch {
		case name == "Action", name == "Version", strings.HasPrefix(strings.ToLower(name), "x-amz-"):
		case v != "" && auditSecret(name):
			tree[name] = awsmodel.Hidden
		default:
			tree[name] = typed(name, v)
		}
	}
	return tree
}

// maxMinIOObjects is how many keys DeleteObjects takes.
const maxMinIOObjects = 1000

// objects adds the keys of a call about several objects.
func (e *minioEntry) objects(input map[string]any) {
	if len(e.API.Objects) == 0 {
		return
	}
	list := make([]any, 0, min(len(e.API.Objects), maxMinIOObjects))
	for _, o := range e.API.Objects[:cap(list)] {
		object := map[string]any{"Key": o.Name}
		putText(object, "VersionId", o.VersionID)
		list = append(list, object)
	}
	input["Delete"] = map[string]any{"Objects": list}
}

// identity names the caller: the user whose access key it is, in the token's account.
func (e *minioEntry) identity(x *Exchange, op *awsmodel.Operation, place AuditPlace) aws.Identity {
	switch {
	case e.internal():
		return aws.Identity{Type: "AWSService", InvokedBy: minioSource}
	case e.unproven(op) != "":
		return aws.Identity{Type: "Unknown", AccessKeyID: cmp.Or(e.AccessKey, x.Signature.AccessKeyID)}
	case e.AccessKey != "":
		name := cmp.Or(e.ParentUser, e.AccessKey)
		return aws.Identity{
			Type: "IAMUser", AccountID: place.AccountID, AccessKeyID: e.AccessKey, UserName: name,
			ARN: "arn:" + cairn.PartitionOf(place.Region) + ":iam::" + place.AccountID + ":user/" + name,
		}
	}
	id := aws.Identity{Type: "Unknown", AccessKeyID: x.Signature.AccessKeyID}
	if x.Signature.Version == "" {
		id.Type = x.unsigned()
		if id.Type == "AWSAccount" {
			id.AccountID = anonymous
		}
	}
	return id
}

// unproven tells why an entry does not show who called, empty if it does. MinIO names the
// access key of an upload before it looks at the signature, and its entry has the status
// alone for a wrong one. Of an upload by an HTML form the entry shows no field.
func (e *minioEntry) unproven(op *awsmodel.Operation) string {
	status := e.API.StatusCode
	switch {
	case op.Service.ID != "s3":
	case e.form() && e.AccessKey == "":
		return "the entry does not show who signed the form"
	case (op.Name == "PutObject" || op.Name == "UploadPart") && (status == http.StatusBadRequest || status == http.StatusForbidden) && e.AccessKey != "":
		return "the entry does not show whether MinIO believed the signature"
	}
	return ""
}

// form reports whether the call was an upload by an HTML form.
func (e *minioEntry) form() bool {
	kind, _, _ := strings.Cut(headerOf(e.Header).Get("Content-Type"), ";")
	return e.API.Name == "PostPolicyBucket" || e.API.Name == "PutObject" && strings.EqualFold(strings.TrimSpace(kind), "multipart/form-data")
}

// err returns why the call failed, nil if it did not. MinIO's entries have the code of
// an error in a header of the answer, if at all; otherwise the status tells what it can.
func (e *minioEntry) err(op *awsmodel.Operation) *aws.Error {
	status := e.API.StatusCode
	if status < http.StatusMultipleChoices && e.Error == "" || status == http.StatusNotModified {
		return nil
	}
	answer := headerOf(e.Answer)
	code := answer.Get("X-Minio-Error-Code")
	if code == "" && op.Service.ID == "s3" && (status != http.StatusNotFound || e.API.Object != "" || op.Name == "HeadBucket" || op.ReadOnly && strings.HasPrefix(op.Name, "ListObject")) {
		code = (&Exchange{Model: op}).bodilessCode(status)
	}
	if code == "" && status == http.StatusForbidden {
		code = "AccessDenied"
	}
	code = cmp.Or(code, strings.ReplaceAll(http.StatusText(status), " ", ""), "InternalError")
	message := cmp.Or(strings.Trim(answer.Get("X-Minio-Error-Desc"), `"`), e.Error)
	if clean, ok := op.RedactInput(map[string]any{"message": message})["message"].(string); ok {
		message = clean // without the signature of a URL that it quotes
	}
	return &aws.Error{Code: code, Status: status, Message: message}
}

// additional is what the record says of the entry besides.
func (e *minioEntry) additional(x *Exchange, op *awsmodel.Operation) map[string]any {
	tree := make(map[string]any)
	putText(tree, "deploymentId", e.DeploymentID)
	putText(tree, "siteName", e.SiteName)
	putText(tree, "requestNode", e.Node)
	putText(tree, "timeToFirstByte", e.API.TimeToFirstByte)
	putText(tree, "timeToResponse", e.API.TimeToResponse)
	if e.Trigger != "incoming" {
		putText(tree, "trigger", e.Trigger)
	}
	putText(tree, "event", e.Event)
	if e.AccessKey != "" {
		putText(tree, "parentUser", e.ParentUser)
	}
	putText(tree, "unverified", e.unproven(op))
	if name := word(e.API.Name); name != op.Name {
		putText(tree, "apiName", name)
	}
	for name, raw := range map[string]json.RawMessage{"tags": e.Tags, "requestClaims": e.Claims} {
		if v, ok := concealByName(auditTree(raw)).(map[string]any); ok && len(v) > 0 {
			tree[name] = v
		}
	}
	switch {
	case op.Service.ID == "s3":
		tree["x-amz-id-2"] = nil // nothing is made up where MinIO has none
		putText(tree, "x-amz-id-2", headerOf(e.Answer).Get("X-Amz-Id-2"))
	case !e.internal():
		putText(tree, "requestPath", e.Path)
		maps.Copy(tree, map[string]any{
			"bytesTransferredIn":  json.Number(strconv.FormatInt(max(e.API.BytesIn, 0), 10)),
			"bytesTransferredOut": json.Number(strconv.FormatInt(max(e.API.BytesOut, 0), 10)),
		})
	}
	if e.API.StatusCode == 0 && e.Error == "" && !e.internal() {
		tree["outcome"] = "unknown"
	}
	return tree
}

// headerOf makes a header of an entry's object.
func headerOf(fields map[string]string) http.Header {
	h := make(http.Header, len(fields))
	for name, v := range fields {
		h.Set(name, v)
	}
	return h
}
