package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn"
	"cairn/aws"
	"cairn/delivery"
	"cairn/trail"
	"cairn/verify"
)

// A VerifyRequest asks to verify what a trail has delivered.
type VerifyRequest struct {
	Trail   string     `json:"trail"` // a name or an ARN
	Account string     `json:"account"`
	Region  string     `json:"region"` // only what was delivered of this region
	Since   *time.Time `json:"since"`  // digests whose time is in part between the two
	Until   *time.Time `json:"until"`
}

// A VerifyLine is a line of the answer: one of these.
type VerifyLine struct {
	Progress *VerifyProgress `json:"progress,omitempty"`
	Finding  *VerifyFinding  `json:"finding,omitempty"`
	Result   *VerifyResult   `json:"result,omitempty"`
	Error    *TrailText      `json:"error,omitempty"`
}

// VerifyProgress is how much was verified so far.
type VerifyProgress struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"` // unpacked
}

// A VerifyFinding is something that is not as it should be, and what to do about
// it.
type VerifyFinding struct {
	verify.Finding
	Advice string `json:"advice,omitempty"`
}

// A VerifyResult sums up.
type VerifyResult struct {
	Verdict verify.Verdict `json:"verdict"`
	Trail   string         `json:"trailArn"`
	Bucket  string         `json:"s3BucketName"`
	Seconds float64        `json:"seconds"`

	Digests         int   `json:"digests"`
	DigestsProved   int   `json:"digestsProved"`
	LogFiles        int   `json:"logFiles"`
	LogFilesProved  int   `json:"logFilesProved"`
	LogFilesInvalid int   `json:"logFilesNotProved"`
	Bytes           int64 `json:"bytes"`

	Damage     int `json:"damage"`
	Unreadable int `json:"unreadable"`
	Unproved   int `json:"unproved"`
	Unlisted   int `json:"findingsNotShown"` // of these, beyond those that were sent

	Chains []verify.Chain `json:"chains"`
}

// maxVerifyFindings bounds the findings that are sent.
const maxVerifyFindings = 1000

// verifyTrail answers with whether what a trail has delivered is complete and
// unchanged. The bucket is read with the permissions of the caller.
func (x *routes) verifyTrail(_ context.Context, c *aws.Call, r *http.Request, body []byte) (func(http.ResponseWriter), error) {
	values, err := parameters(c, r)
	if err != nil {
		return nil, err
	}
	if err := showBody(c, r, body); err != nil {
		return nil, err
	}
	var req VerifyRequest
	if err := readBody(body, &req); err != nil {
		return nil, err
	}
	account := c.Account()
	if c.Identity.Operator {
		account = ""
	}
	q, err := x.newTrailQuery(values, nil, account)
	var t *trail.Trail
	if err == nil {
		if err = q.only(); err == nil {
			t, err = q.trail(req.Account, req.Trail)
		}
	}
	var missing *noTrailError
	var walled *wallError
	var bad *requestError
	switch {
	case errors.As(err, &walled):
		return nil, aws.AccessDenied(err.Error())
	case errors.As(err, &missing):
		return nil, &aws.Error{Code: "TrailNotFoundException", Status: http.StatusNotFound, Message: err.Error()}
	case errors.As(err, &bad):
		return nil, invalid(err)
	case err != nil:
		return nil, err
	case req.Since != nil && req.Until != nil && !req.Since.Before(*req.Until):
		return nil, invalid(errors.New("since is not before until"))
	}
	if _, err := x.take(x.streams, c, r); err != nil {
		return nil, err
	}
	if _, err := x.take(x.scans, c, r); err != nil {
		return nil, err
	}
	return func(w http.ResponseWriter) {
		x.watched(c, r, func(ctx context.Context) {
			cfg, err := x.verification(ctx, c, q, t, &req)
			x.streamVerification(ctx, unhurried(w), t, cfg, err)
		})
	}, nil
}

// verification says what is verified: the digests of the trail, with what the
// server knows of it.
func (x *routes) verification(ctx context.Context, c *aws.Call, q *trailQuery, t *trail.Trail, req *VerifyRequest) (verify.Config, error) {
	reports, err := q.front.deliveries.Report(ctx, []*trail.Trail{t})
	if err != nil {
		return verify.Config{}, err
	}
	state := verify.TrailState{
		Name: t.Name, HomeRegion: t.HomeRegion, AccountID: t.AccountID, Prefix: t.S3KeyPrefix, IsMultiRegion: t.IsMultiRegion, IsOrganization: t.IsOrganization,
		Logging: t.Settings().Logging && t.Deleted.IsZero(), Validation: t.LogFileValidation, Started: t.LoggingStarted, LatestDigest: reports[0].LatestDigestDelivery,
	}
	cfg := verify.Config{
		Source: verify.NewBucket(x.objectsFor(c, t), t.S3BucketName), Keys: digestKeys{q.front.digestKeys},
		Prefixes: []string{t.S3KeyPrefix}, TrailName: t.Name, HomeRegion: t.HomeRegion, AccountID: t.AccountID, Region: req.Region,
		Trails: []verify.TrailState{state}, Now: x.cfg.Now(), Parallel: 4,
	}
	if req.Since != nil {
		cfg.Start = *req.Since
	}
	if req.Until != nil {
		cfg.End = *req.Until
	}
	return cfg, nil
}

// objectsFor returns an S3 client that acts for the caller who verifies a trail.
// An S3 at a URL sees the server's credentials and not the caller: so it is read
// only where the trail may deliver to.
func (x *routes) objectsFor(c *aws.Call, t *trail.Trail) *awss3.Client {
	to := x.cfg.S3.reach("s3", t.HomeRegion, c.Forward("cloudtrail.amazonaws.com"))
	if !x.cfg.S3.allows(t.AccountID, x.cfg.AccountID, t.S3BucketName) {
		to.http = &http.Client{Transport: notAllowed{"s3", t.AccountID, t.S3BucketName}}
	}
	options := awss3.Options{
		Region: to.region, BaseEndpoint: to.endpoint, HTTPClient: to.http, Credentials: to.credentials, UsePathStyle: true,
		DisableLogOutputChecksumValidationSkipped: true,
	}
	if x.cfg.S3.embedded() {
		options.RetryMaxAttempts = 1
	}
	return awss3.New(options)
}

// digestKeys give the public keys that the server signs digests with.
type digestKeys struct{ keys *delivery.Keys }

// PublicKeys implements verify.PublicKeys.
func (k digestKeys) PublicKeys(_ context.Context, region string, from, until time.Time) ([]verify.PublicKey, error) {
	found, err := k.keys.Public(region, from, until)
	if err != nil {
		return nil, err
	}
	keys := make([]verify.PublicKey, len(found))
	for i, f := range found {
		key, err := cairn.ParsePublicKeyDER(f.DER)
		if err != nil {
			return nil, fmt.Errorf("read a public key of %s: %w", region, err)
		}
		keys[i] = verify.PublicKey{Key: key, From: f.From, Until: f.Until}
	}
	return keys, nil
}

// streamVerification verifies, and tells how far it is and what it finds.
func (x *routes) streamVerification(ctx context.Context, w http.ResponseWriter, t *trail.Trail, cfg verify.Config, err error) {
	w.Header().Set("Content-Type", lines.contentType)
	w.WriteHeader(http.StatusOK)
	out := &verifyOutput{lines: json.NewEncoder(w), flush: http.NewResponseController(w)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(x.stopping, cancel)()
	begin := time.Now()
	var report *verify.Report
	if err == nil {
		out.send(VerifyLine{Progress: &VerifyProgress{}})
		cfg.Progress = out.progress
		report, err = verify.Run(ctx, cfg)
	}
	if err != nil {
		text := x.tell(ctx, endOf(ctx, err))
		if ctx.Err() == nil {
			// S3's own answers are for the caller, as whom it was asked.
			if code := s3Code(err); code != "" {
				text = "The bucket " + t.S3BucketName + " could not be read: " + code + ". " + text
			}
		}
		out.send(VerifyLine{Error: &TrailText{text}})
		return
	}
	result := &VerifyResult{
		Verdict: report.Verdict(), Trail: t.ARN().String(), Bucket: t.S3BucketName, Seconds: time.Since(begin).Seconds(),
		Digests: report.Digests, DigestsProved: report.DigestsProved, LogFiles: report.LogFiles, LogFilesProved: report.LogFilesProved,
		LogFilesInvalid: report.LogFiles - report.LogFilesProved, Bytes: report.Bytes,
		Damage: report.Damage, Unreadable: report.Unreadable, Unproved: report.Unproved, Chains: report.Chains,
	}
	shown := 0
	for i := range report.Findings {
		f := &report.Findings[i]
		if i == maxVerifyFindings {
			break
		}
		if f.Severity != verify.Note {
			shown++
		}
		out.send(VerifyLine{Finding: &VerifyFinding{*f, f.Advice()}})
	}
	result.Unlisted = report.Damage + report.Unreadable + report.Unproved - shown
	out.send(VerifyLine{Result: result})
}

// s3Code is the code of an error that S3 answered with; empty if it did not.
func s3Code(err error) string {
	var answer interface{ ErrorCode() string }
	if errors.As(err, &answer) {
		return cmp.Or(answer.ErrorCode(), "an unknown error")
	}
	return ""
}

// A verifyOutput writes lines. Progress comes from other goroutines than the rest.
type verifyOutput struct {
	mu    sync.Mutex
	lines *json.Encoder
	flush *http.ResponseController
	done  VerifyProgress
	told  time.Time
}

func (o *verifyOutput) send(line VerifyLine) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.lines.Encode(line) // a client that is gone ends the context
	_ = o.flush.Flush()
}

func (o *verifyOutput) progress(files int, bytes int64) {
	o.mu.Lock()
	o.done.Files += files
	o.done.Bytes += bytes
	done, due := o.done, time.Since(o.told) > progressEvery
	if due {
		o.told = time.Now()
	}
	o.mu.Unlock()
	if due {
		o.send(VerifyLine{Progress: &done})
	}
}
