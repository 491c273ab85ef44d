// Package eventgen makes CloudTrail events for tests and benchmarks: the
// shapes and the mix of a busy organisation's management events, and a few
// data events, all invented and all following from a seed.
//
// The population: three accounts with two regions each, which get 55, 15, 15,
// 5, 7 and 3 % of the events; about 140 operations drawn by a zipf
// distribution; 2,000 principals an account and 50,000 resources, drawn the
// same way; a new access key for each role session of an hour; 6 % errors;
// 2 % of the events up to ten minutes late. A record has 1,625 bytes in the
// mean (5 % have fewer than about 1,130, 5 % more than about 2,230), and gzip
// makes about 6.5 times less of them.
//
// The invariant: the same seed and Options give the same bytes, on every
// machine.
package eventgen

import (
	"math"
	"math/rand/v2"
	"time"
)

// Options say when the events happen. Their zero values are the defaults.
type Options struct {
	Start  time.Time     // the first event's time; default 2026-01-05 00:00 UTC
	Span   time.Duration // the time that Events events take; default 10 days
	Events int           // default 2,000,000; time goes on at the same pace behind them
}

// A Scope is one of the places that events belong to.
type Scope struct {
	Account, Region string
	Percent         int // of all events
}

// Scopes are the places of every generator's events, the busiest first.
var Scopes = [...]Scope{
	{"111122223333", "us-east-1", 55},
	{"111122223333", "eu-west-1", 15},
	{"444455556666", "us-east-1", 15},
	{"777788889999", "us-east-1", 7},
	{"444455556666", "eu-west-1", 5},
	{"777788889999", "eu-west-1", 3},
}

// resources is the number of resources, over all kinds.
const resources = 50000

// A Generator makes events. It must not be used by two goroutines at a time.
type Generator struct {
	seed       uint64
	random     rand.PCG
	opts       Options
	made       uint64
	scopes     sampler
	operations sampler
	principals sampler
	resources  [numKinds]sampler
	params     []template // by operation
	responses  []template
	scratch    []byte
}

// An event is what the parts of one record share.
type event struct {
	account, region string
	unix            int64
	request         [2]uint64
	kind            kind
	resource        uint32
	item            int
}

// New returns a generator whose events follow from seed.
func New(seed uint64, opts Options) *Generator {
	if opts.Start.IsZero() {
		opts.Start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	}
	if opts.Span <= 0 {
		opts.Span = 240 * time.Hour
	}
	if opts.Events <= 0 {
		opts.Events = 2_000_000
	}
	g := &Generator{seed: mix(seed), opts: opts}
	g.random.Seed(mix(seed), mix(seed+1))
	weights := make([]float64, len(Scopes))
	for i, s := range Scopes {
		weights[i] = float64(s.Percent)
	}
	g.scopes = newSampler(weights)
	g.operations = newSampler(zipf(len(operations), 1))
	g.principals = newSampler(zipf(principals, 0.77))
	// Resources are shared out over the kinds as operations name them, so that
	// the popularity of all of them together keeps the shape of one zipf.
	for k := none + 1; k < numKinds; k++ {
		g.resources[k] = newSampler(zipf(resources/int(numKinds-1), 0.75))
	}
	for i := range operations {
		g.params = append(g.params, compile(operations[i].params))
		g.responses = append(g.responses, compile(operations[i].response))
	}
	return g
}

// Next appends one record's JSON to buf.
func (g *Generator) Next(buf []byte) []byte {
	scope := &Scopes[g.scopes.draw(g.next())]
	number := int(g.operations.draw(g.next()))
	op := &operations[number]
	account := 0
	for Scopes[account].Account != scope.Account {
		account++
	}
	p := g.principal(scope.Account, account, g.principals.draw(g.next()))
	e := event{account: scope.Account, region: scope.Region, unix: g.time(), kind: op.kind}
	e.request = [2]uint64{g.next(), g.next()}
	if op.kind != none {
		e.resource = g.resources[op.kind].draw(g.next())
	}
	var failure *failure
	if r := g.next() % 1000; r < 60 {
		failure = &failures[r%uint64(len(failures))]
	}
	g.scratch = g.scratch[:0]
	if failure == nil && op.response != "" {
		g.scratch = append(g.scratch, '{')
		g.scratch = g.appendTemplate(g.scratch, g.responses[number], &e)
		g.scratch = append(g.scratch, '}')
	} else {
		g.scratch = append(g.scratch, "null"...)
	}

	start := len(buf)
	b := append(buf, `{"eventVersion":"1.1`...)
	b = append(b, "01"[g.next()&1])
	b = append(b, `","userIdentity":`...)
	b = p.appendIdentity(b, e.unix)
	b = append(b, `,"eventTime":"`...)
	b = appendTime(b, e.unix)
	b = append(b, `","eventSource":"`...)
	b = append(b, op.source...)
	b = append(b, `.amazonaws.com","eventName":"`...)
	b = append(b, op.name...)
	b = append(b, `","awsRegion":"`...)
	b = append(b, e.region...)
	b = append(b, `","sourceIPAddress":"`...)
	b = p.appendAddress(b)
	b = append(b, `","userAgent":"`...)
	b = p.appendUserAgent(b)
	b = append(b, `",`...)
	if failure != nil {
		b = append(b, `"errorCode":"`...)
		b = append(b, failure.code...)
		b = append(b, `","errorMessage":"`...)
		b = append(b, failure.message...)
		b = append(b, `",`...)
	}
	b = append(b, `"requestParameters":`...)
	if op.params == "null" {
		b = append(b, "null"...)
	} else {
		b = append(b, '{')
		b = g.appendTemplate(b, g.params[number], &e)
		b = g.appendFill(b, op.fill, start+g.size()-len(g.scratch)-tailBytes, &e)
		b = append(b, '}')
	}
	b = append(b, `,"responseElements":`...)
	b = append(b, g.scratch...)
	return g.appendTail(append(b, ','), op, &p, &e)
}

// tailBytes is about how many bytes a record has behind its responseElements.
const tailBytes = 560

// appendTail appends the members behind responseElements.
func (g *Generator) appendTail(b []byte, op *operation, p *principal, e *event) []byte {
	if op.source == "s3" {
		b = append(b, `"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"`...)
		b = g.appendTemplate(b, hostID, e)
		b = append(b, `=","bytesTransferredOut":`...)
		b = g.appendNumber(b, 5)
		b = append(b, `},`...)
	}
	b = append(b, `"requestID":"`...)
	b = appendUUID(b, e.request[0], e.request[1])
	b = append(b, `","eventID":"`...)
	b = appendUUID(b, g.next(), g.next())
	if op.access == read || op.access == readData {
		b = append(b, `","readOnly":true,`...)
	} else {
		b = append(b, `","readOnly":false,`...)
	}
	b = g.appendResources(b, op, e.resource, e.account, e.region)
	switch {
	case op.name == "ConsoleLogin":
		b = append(b, `"eventType":"AwsConsoleSignIn",`...)
	case p.form == awsService && op.kind == kmsKey:
		b = append(b, `"eventType":"AwsServiceEvent",`...)
	default:
		b = append(b, `"eventType":"AwsApiCall",`...)
	}
	if op.access >= readData {
		b = append(b, `"managementEvent":false,"recipientAccountId":"`...)
	} else {
		b = append(b, `"managementEvent":true,"recipientAccountId":"`...)
	}
	b = append(b, e.account...)
	if op.access >= readData {
		b = append(b, `","eventCategory":"Data"`...)
	} else {
		b = append(b, `","eventCategory":"Management"`...)
	}
	if p.form != awsService {
		b = append(b, `,"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"`...)
		b = append(b, op.source...)
		b = append(b, '.')
		b = append(b, e.region...)
		b = append(b, `.amazonaws.com"}`...)
	}
	if p.form == root || p.hash>>30&15 == 0 {
		b = append(b, `,"sessionCredentialFromConsole":"true"`...)
	}
	return append(b, '}')
}

var hostID = compile("$b75")

// A failure is an error that a call ends with.
type failure struct{ code, message string }

var failures = [...]failure{
	{"AccessDenied", "User is not authorized to perform this operation because no identity-based policy allows the action"},
	{"Client.UnauthorizedOperation", "You are not authorized to perform this operation."},
	{"ThrottlingException", "Rate exceeded"},
	{"NoSuchEntityException", "The entity cannot be found."},
	{"ResourceNotFoundException", "Requested resource not found"},
	{"ValidationException", "1 validation error detected: Value at 'name' failed to satisfy constraint"},
}

// time is when the event that is being made happens, in Unix seconds.
func (g *Generator) time() int64 {
	done := float64(g.made) / float64(g.opts.Events)
	g.made++
	t := g.opts.Start.Unix() + int64(done*g.opts.Span.Seconds())
	if r := g.next(); r%100 < 2 {
		t -= int64(r >> 32 % 600)
	}
	return t
}

// size is the length that a record is filled up to: log-normal.
func (g *Generator) size() int {
	// The sum of twelve uniform numbers is close enough to a normal one, and
	// unlike math.Log its bits are the same on every machine.
	sum := 0
	for range 3 {
		r := g.next()
		sum += int(r&0xffff) + int(r>>16&0xffff) + int(r>>32&0xffff) + int(r>>48)
	}
	normal := (sum - 6*0xffff) * (len(sizes) / 12) / 0xffff
	return sizes[min(max(normal+len(sizes)/2, 0), len(sizes)-1)]
}

// sizes are the lengths at every twentieth of a standard deviation.
var sizes = func() (s [240]int) {
	for i := range s {
		s[i] = int(math.Exp(7.309+0.252*float64(i-len(s)/2)/20) + 0.5)
	}
	return s
}()

func (g *Generator) next() uint64 { return g.random.Uint64() }

// mix scatters the bits of v (the finaliser of SplitMix64).
func mix(v uint64) uint64 {
	v += 0x9e3779b97f4a7c15
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}
