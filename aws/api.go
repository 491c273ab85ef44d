package aws

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
)

// An API is one AWS service: its names, its protocol and its operations.
type API struct {
	// Service is the signing name, e.g. "cloudtrail"; IAMPrefix stands before
	// its actions in policies, and is the same if empty.
	Service   string
	IAMPrefix string

	// Protocol is how requests and answers look.
	Protocol Protocol

	// Known tells whether AWS's own service has an operation, so that one that
	// is missing here is told from one that does not exist.
	Known func(operation string) bool

	// ResourcePolicy returns the policy of a resource that a call needs
	// permission for, nil if the resource cannot have one. It is asked before
	// the caller is known to be allowed anything: what it returns goes to the
	// Authorizer only, but its error goes to the caller. A service without
	// resource policies leaves it nil.
	ResourcePolicy func(ctx context.Context, c *Call, resource string) (*ResourcePolicy, error)

	// Streaming says that bodies may be streams: of requests, where In has a
	// member Body of type io.Reader, and of answers, where Out has one of type
	// io.ReadCloser. Its requests may have unsigned payloads and be aws-chunked,
	// whether or not their operation streams.
	Streaming bool

	// Anonymous lets unsigned requests come to the operations, by the identity
	// that Identity.Anonymous tells. Only policies of resources allow them
	// anything.
	Anonymous bool

	// PresignedV2 takes queries that are signed with Signature Version 2, to get
	// and put objects.
	PresignedV2 bool

	// MaxBody bounds the bodies that are read whole: the Mux's own bound if zero.
	MaxBody int64

	// DeniedCode is the code of a refusal where it is not AccessDenied, such
	// as AuthorizationError of SNS.
	DeniedCode string

	operations map[string]*operation
}

// A Protocol turns requests into parameters and results into answers.
type Protocol interface {
	// decode returns the operation that a request names and its parameters.
	decode(r *http.Request, body []byte) (operation string, input map[string]any, err error)

	// encode returns the answer of an operation, whose output is a struct.
	encode(operation string, output reflect.Value, requestID string) (contentType string, body []byte)

	// wireError returns an error's code and HTTP status as clients know them.
	wireError(e *Error) (code string, status int)

	// encodeError returns the answer of a call that failed.
	encodeError(e *Error, requestID string) (contentType string, body []byte)
}

type operation struct {
	name    string
	in, out reflect.Type
	body    int // the index of the field of In that takes the body as a stream, or -1
	call    func(context.Context, *Call, any) (any, error)
	needs   func(context.Context, *Call, any) ([]Permission, error)
	rate    float64
	open    bool

	unrecorded bool
}

// An Option says something about one operation.
type Option func(*operation)

// Rate limits an operation to so many calls a second, per account and region.
func Rate(perSecond float64) Option { return func(o *operation) { o.rate = perSecond } }

// OnResource gives the ARNs that a call acts on, for its authorisation.
// Without it the call needs permission for "*".
func OnResource[In any](arns func(*Call, *In) []string) Option {
	return Needs(func(_ context.Context, c *Call, in *In) ([]Permission, error) {
		var all []Permission
		for _, arn := range arns(c, in) {
			all = append(all, Permission{Resource: arn})
		}
		return all, nil
	})
}

// Needs gives the permissions that a call needs, all of them, for operations
// whose action is not their name, that need several actions, or that have
// condition keys of their own. An Action that is empty is the operation's name.
// An error is the call's.
func Needs[In any](permissions func(context.Context, *Call, *In) ([]Permission, error)) Option {
	return func(o *operation) {
		o.needs = func(ctx context.Context, c *Call, in any) ([]Permission, error) { return permissions(ctx, c, in.(*In)) }
	}
}

// AnswerUnrecorded leaves the answer out of the Call, for reads whose records
// have none and whose answers are long.
func AnswerUnrecorded() Option { return func(o *operation) { o.unrecorded = true } }

// NeedsNoPermission lets every verified caller use the operation.
func NeedsNoPermission() Option { return func(o *operation) { o.open = true } }

// Handle registers an operation. Its name is that of In without "Input".
func Handle[In, Out any](api *API, fn func(context.Context, *Call, *In) (*Out, error), options ...Option) {
	in := reflect.TypeFor[In]()
	o := &operation{name: strings.TrimSuffix(in.Name(), "Input"), in: in, out: reflect.TypeFor[Out](), body: streamField(in)}
	o.call = func(ctx context.Context, c *Call, input any) (any, error) { return fn(ctx, c, input.(*In)) }
	for _, option := range options {
		option(o)
	}
	if api.operations == nil {
		api.operations = make(map[string]*operation)
	}
	if api.operations[o.name] != nil {
		panic("aws: " + api.Service + " has two operations " + o.name)
	}
	api.operations[o.name] = o
}

// action is the operation as policies name it.
func (a *API) action(operation string) string {
	if a.IAMPrefix != "" {
		return a.IAMPrefix + ":" + operation
	}
	return a.Service + ":" + operation
}

// parseJSON reads one JSON object and nothing behind it.
func parseJSON(body []byte) (map[string]any, error) {
	if len(body) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	var tree map[string]any
	if err := d.Decode(&tree); err != nil {
		return nil, Errorf("SerializationException", "the request body is not a JSON object: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, Errorf("SerializationException", "something follows the JSON object in the request body")
	}
	return tree, nil
}
