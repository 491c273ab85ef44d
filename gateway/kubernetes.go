package gateway

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"cairn/aws"
	"cairn/internal/awsmodel"
	"cairn/record"
)

// kubernetesEvent is an Event of the API group audit.k8s.io, version v1; v1beta1 has the
// same members.
type kubernetesEvent struct {
	Kind             string          `json:"kind"`
	APIVersion       string          `json:"apiVersion"`
	Level            string          `json:"level"`
	AuditID          string          `json:"auditID"`
	Stage            string          `json:"stage"`
	RequestURI       string          `json:"requestURI"`
	Verb             string          `json:"verb"`
	User             kubernetesUser  `json:"user"`
	ImpersonatedUser *kubernetesUser `json:"impersonatedUser"`
	SourceIPs        []string        `json:"sourceIPs"`
	UserAgent        string          `json:"userAgent"`
	ObjectRef        *kubernetesRef  `json:"objectRef"`
	ResponseStatus   *struct {
		Code    int    `json:"code"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
		Status  string `json:"status"`
	} `json:"responseStatus"`
	RequestObject            json.RawMessage   `json:"requestObject"`
	ResponseObject           json.RawMessage   `json:"responseObject"`
	RequestReceivedTimestamp string            `json:"requestReceivedTimestamp"`
	StageTimestamp           string            `json:"stageTimestamp"`
	Annotations              map[string]string `json:"annotations"`
}

type kubernetesUser struct {
	Username string              `json:"username"`
	UID      string              `json:"uid"`
	Groups   []string            `json:"groups"`
	Extra    map[string][]string `json:"extra"`
}

type kubernetesRef struct {
	Resource        string `json:"resource"`
	Namespace       string `json:"namespace"`
	Name            string `json:"name"`
	UID             string `json:"uid"`
	APIGroup        string `json:"apiGroup"`
	APIVersion      string `json:"apiVersion"`
	ResourceVersion string `json:"resourceVersion"`
	Subresource     string `json:"subresource"`
}

// The stages of Kubernetes' audit events.
const (
	stageReceived = "RequestReceived"
	stageStarted  = "ResponseStarted"
	stageComplete = "ResponseComplete"
	stagePanic    = "Panic"
)

// KubernetesRecord returns the CloudTrail record of one event of a Kubernetes audit log,
// nil for the stage RequestReceived, which says nothing that a later one does not. An
// error says what an event lacks.
//
// The same event always gives the same bytes, and so do the two stages of a request that
// takes long, such as a watch: what only its end knows is not recorded.
func KubernetesRecord(raw []byte, place AuditPlace) ([]byte, error) {
	var e kubernetesEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("not an event of audit.k8s.io: %w", err)
	}
	if err := e.check(); err != nil || e.Stage == stageReceived {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339Nano, cmp.Or(e.RequestReceivedTimestamp, e.StageTimestamp))
	if err != nil {
		return nil, errors.New("requestReceivedTimestamp: missing or not in RFC 3339")
	}
	op := auditOperation(kubernetesService, e.name(), e.readOnly())
	secrets := &kubernetesSecrets{}
	c := &aws.Call{
		Time: at, RequestID: e.AuditID, UserAgent: e.UserAgent, ReadOnly: op.ReadOnly, Operation: op.Name,
		Service: aws.RouteService, // what is secret has been taken out here, where Kubernetes' kinds are known
		Identity: aws.Identity{
			Type: "KubernetesUser", PrincipalID: cmp.Or(e.User.UID, e.User.Username), AccountID: place.AccountID, UserName: e.User.Username,
		},
	}
	if n := len(e.SourceIPs); n > 0 {
		c.SourceIP = auditAddress(e.SourceIPs[n-1]) // the only one that the client cannot choose
	}
	c.Input = e.parameters(secrets)
	if answer, ok := secrets.clean(auditTree(e.ResponseObject), e.secretKind()).(map[string]any); ok {
		c.Output = answer
	}
	c.Err = e.err(secrets)
	stage := "" // of both stages of a long request, so that it is one record
	if e.Stage == stagePanic {
		stage = e.Stage
	}
	return auditRecord(c, place, record.Details{
		EventID:   auditEventID("kubernetes", e.AuditID, cmp.Or(e.RequestReceivedTimestamp, e.StageTimestamp), stage),
		Operation: op, AdditionalEventData: e.additional(), Resources: e.resources(place),
	}), nil
}

// check says what an event lacks.
func (e *kubernetesEvent) check() error {
	switch {
	case e.Kind != "" && e.Kind != "Event", e.APIVersion != "" && !strings.HasPrefix(e.APIVersion, "audit.k8s.io/"):
		return errors.New("kind: not an Event of audit.k8s.io")
	case e.AuditID == "":
		return errors.New("auditID: missing")
	case e.Verb == "":
		return errors.New("verb: missing")
	}
	switch e.Stage {
	case stageReceived, stageStarted, stageComplete, stagePanic:
		return nil
	}
	return errors.New("stage: missing or unknown")
}

// connects are the subresources by which a client reaches into a container or a network,
// whatever the verb.
var connects = map[string]bool{"attach": true, "exec": true, "portforward": true, "proxy": true}

// readOnly reports whether the request changes nothing.
func (e *kubernetesEvent) readOnly() bool {
	if e.ObjectRef != nil && connects[e.ObjectRef.Subresource] {
		return false
	}
	switch e.Verb {
	case "get", "list", "watch", "head", "options":
		return true
	}
	return false
}

// long reports whether the request may have a stage ResponseStarted beside its last one.
func (e *kubernetesEvent) long() bool {
	return e.Stage == stageStarted || e.Verb == "watch" || e.ObjectRef != nil && (connects[e.ObjectRef.Subresource] || e.ObjectRef.Subresource == "log")
}

// secretKind is the kind of the objects in the event as far as its reference tells.
func (e *kubernetesEvent) secretKind() string {
	if e.ObjectRef == nil || e.ObjectRef.APIGroup != "" {
		return ""
	}
	switch e.ObjectRef.Resource {
	case "secrets":
		return "Secret"
	case "configmaps":
		return "ConfigMap"
	}
	return ""
}

// parameters are what was asked for.
func (e *kubernetesEvent) parameters(secrets *kubernetesSecrets) map[string]any {
	tree := map[string]any{"verb": e.Verb}
	path, query, ok := strings.Cut(e.RequestURI, "?")
	if ok {
		path += "?" + awsmodel.RedactQuery(query)
	}
	putText(tree, "requestURI", path)
	if r := e.ObjectRef; r != nil {
		for name, text := range map[string]string{
			"resource": r.Resource, "namespace": r.Namespace, "name": r.Name, "uid": r.UID, "apiGroup": r.APIGroup,
			"apiVersion": r.APIVersion, "resourceVersion": r.ResourceVersion, "subresource": r.Subresource,
		} {
			putText(tree, name, text)
		}
	}
	if object := secrets.clean(auditTree(e.RequestObject), e.secretKind()); object != nil {
		tree["requestObject"] = object
	}
	return tree
}

// err returns why the request failed, nil if it did not.
func (e *kubernetesEvent) err(secrets *kubernetesSecrets) *aws.Error {
	s := e.ResponseStatus
	failed := s != nil && (s.Code >= http.StatusBadRequest || s.Status == "Failure")
	if !failed && e.Stage != stagePanic {
		return nil
	}
	err := &aws.Error{Code: "InternalError", Status: http.StatusInternalServerError}
	if s != nil {
		err.Status = s.Code
		err.Code = cmp.Or(s.Reason, strings.ReplaceAll(http.StatusText(s.Code), " ", ""), err.Code)
		err.Message = secrets.cleanText(s.Message)
	}
	return err
}

// additional is what the record says of the event besides.
func (e *kubernetesEvent) additional() map[string]any {
	tree := make(map[string]any)
	putText(tree, "level", e.Level)
	if e.Stage == stagePanic {
		tree["stage"] = e.Stage
	}
	if len(e.User.Groups) > 0 {
		tree["groups"] = textList(e.User.Groups)
	}
	if len(e.User.Extra) > 0 {
		tree["extra"] = concealExtra(e.User.Extra)
	}
	if u := e.ImpersonatedUser; u != nil {
		as := map[string]any{"username": u.Username}
		putText(as, "uid", u.UID)
		if len(u.Groups) > 0 {
			as["groups"] = textList(u.Groups)
		}
		if len(u.Extra) > 0 {
			as["extra"] = concealExtra(u.Extra)
		}
		tree["impersonatedUser"] = as
	}
	if len(e.SourceIPs) > 1 {
		tree["sourceIPs"] = textList(e.SourceIPs)
	}
	if len(e.Annotations) > 0 && !e.long() {
		notes := make(map[string]any, len(e.Annotations))
		for name, v := range e.Annotations {
			notes[name] = v
		}
		tree["annotations"] = notes
	} else if decision := e.Annotations["authorization.k8s.io/decision"]; decision != "" {
		// The others may come between the stages of a long request.
		tree["annotations"] = map[string]any{"authorization.k8s.io/decision": decision}
	}
	switch {
	case e.ResponseStatus != nil && e.ResponseStatus.Code != 0:
		tree["responseCode"] = int64(e.ResponseStatus.Code)
	case e.Stage == stageComplete:
		tree["outcome"] = "unknown"
	}
	return tree
}

// resources names the object that the request is about by its path in the API, which is
// what Kubernetes has for an ARN.
func (e *kubernetesEvent) resources(place AuditPlace) []awsmodel.Resource {
	r := e.ObjectRef
	if r == nil || r.Resource == "" || r.Name == "" {
		return nil
	}
	path := "/apis/" + r.APIGroup
	if r.APIGroup == "" {
		path = "/api"
	}
	path += "/" + cmp.Or(r.APIVersion, "v1")
	if r.Namespace != "" && r.Resource != "namespaces" {
		path += "/namespaces/" + r.Namespace
	}
	return []awsmodel.Resource{{
		ARN: path + "/" + r.Resource + "/" + r.Name, AccountID: place.AccountID, Type: "Kubernetes::" + kubernetesKind(word(r.Resource)), Listed: true,
	}}
}

func textList(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}

// concealExtra shows what an authenticator says of a user. The IDs of credentials, which
// only name them, stay.
func concealExtra(extra map[string][]string) map[string]any {
	tree := make(map[string]any, len(extra))
	for name, values := range extra {
		tree[name] = textList(values)
		if !strings.HasPrefix(name, "authentication.kubernetes.io/") && auditSecret(name) {
			tree[name] = awsmodel.Hidden
		}
	}
	return tree
}
