package server

import (
	"time"

	"cairn"
	"cairn/delivery"
)

// The bodies and answers of the routes of trails; docs/api.md describes them.

// TrailList says how trails stand.
type TrailList struct {
	Trails []TrailReport `json:"trails"`
	S3     string        `json:"s3"` // that they deliver to: own, other or off
}

// The values of TrailList.S3.
const (
	TrailsOwnS3   = "own"   // the server's
	TrailsOtherS3 = "other" // one at a URL
	TrailsNoS3    = "off"
)

// TrailReport says what a trail is and how its deliveries stand. Times are zero
// where nothing happened.
type TrailReport struct {
	Name              string    `json:"name"`
	ARN               string    `json:"trailArn"`
	AccountID         string    `json:"accountId"`
	HomeRegion        string    `json:"homeRegion"`
	IsMultiRegion     bool      `json:"isMultiRegion"`
	Bucket            string    `json:"s3BucketName"`
	Prefix            string    `json:"s3KeyPrefix,omitempty"`
	KMSKeyID          string    `json:"kmsKeyId,omitempty"`
	SNSTopicARN       string    `json:"snsTopicArn,omitempty"`
	LogFileValidation bool      `json:"logFileValidation"`
	CustomSelectors   bool      `json:"hasCustomEventSelectors"`
	Created           time.Time `json:"created"`
	Logging           bool      `json:"isLogging"`
	LoggingStarted    time.Time `json:"loggingStarted,omitzero"`
	LoggingStopped    time.Time `json:"loggingStopped,omitzero"`
	Deleted           time.Time `json:"deleted,omitzero"`

	LagSeconds float64        `json:"lagSeconds"` // age of the oldest event that is not in the bucket
	Pending    *TrailPending  `json:"pending"`    // events that are not cut into files yet
	Staged     TrailBacklog   `json:"staged"`     // files that wait for the bucket
	Untold     int            `json:"notNotified"`
	GivenUp    int            `json:"givenUp"` // files that were abandoned, ever
	Lanes      []TrailLane    `json:"digestChains"`
	NextCut    time.Time      `json:"nextCut"`
	Retry      time.Time      `json:"nextRetry,omitzero"`
	Working    bool           `json:"working"` // at this moment; nextRetry is not known then
	Problems   []TrailProblem `json:"problems"`

	LatestDelivery            time.Time `json:"latestDelivery,omitzero"`
	LatestDeliveryAttempt     time.Time `json:"latestDeliveryAttempt,omitzero"`
	LatestNotification        time.Time `json:"latestNotification,omitzero"`
	LatestNotificationAttempt time.Time `json:"latestNotificationAttempt,omitzero"`
	LatestDigestDelivery      time.Time `json:"latestDigestDelivery,omitzero"`
}

// TrailPending counts events of a trail that are not cut into files yet.
type TrailPending struct {
	Events int       `json:"events"`
	More   bool      `json:"more"` // there may be more
	Oldest time.Time `json:"oldestArrival,omitzero"`
}

// TrailBacklog counts staged files.
type TrailBacklog struct {
	Files  int       `json:"files"`
	Events int       `json:"events"`
	Bytes  int64     `json:"bytes"`
	Oldest time.Time `json:"waitingSince,omitzero"`
}

// TrailLane is a digest chain.
type TrailLane struct {
	Account string    `json:"accountId"`
	Region  string    `json:"region"`
	Window  time.Time `json:"windowStart,omitzero"` // zero: the chain has ended
	Due     time.Time `json:"nextDigest,omitzero"`
	Newest  time.Time `json:"newestDigestEnd,omitzero"`
	Digest  string    `json:"newestDigest,omitempty"` // its key
	Queued  int       `json:"queued"`                 // digests that are signed and wait for the bucket
}

// TrailProblem is something that does not work, and what to do about it.
type TrailProblem struct {
	What   string `json:"what"` // delivery, notification, digest or givenUp
	Error  string `json:"error"`
	Advice string `json:"advice"`
}

// TrailFile is a row of the delivery ledger.
type TrailFile struct {
	ID        string        `json:"id"`
	State     string        `json:"state"`
	AccountID string        `json:"accountId"`
	Region    string        `json:"region"`
	Kind      cairn.LogKind `json:"kind"`
	Made      time.Time     `json:"made"`
	From      string        `json:"from"` // the range of the event log
	To        string        `json:"to"`
	Events    int           `json:"events"`
	Oldest    time.Time     `json:"oldestEvent"`
	Newest    time.Time     `json:"newestEvent"`
	RawBytes  int64         `json:"rawBytes"`
	Bytes     int64         `json:"bytes"`
	SHA256    string        `json:"sha256"` // before compression
	Bucket    string        `json:"s3BucketName,omitempty"`
	Key       string        `json:"s3Key,omitempty"`
	Delivered time.Time     `json:"delivered,omitzero"`
	Notified  time.Time     `json:"notified,omitzero"`
	Digest    string        `json:"digest,omitempty"` // key of the digest that lists it
	Again     bool          `json:"again,omitempty"`  // a redelivery made it
	Error     string        `json:"error,omitempty"`
}

// TrailDigest is a digest that was delivered.
type TrailDigest struct {
	AccountID string    `json:"accountId"`
	Region    string    `json:"region"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Backfill  bool      `json:"backfill,omitempty"` // of files that came late
	Files     int       `json:"files"`              // that it lists
	Bucket    string    `json:"s3BucketName"`
	Key       string    `json:"s3Key"`
	Delivered time.Time `json:"delivered"`
}

// TrailLine is a line of a streamed answer. It has one of File, Digest, Pending,
// Error and End; the last two end the answer.
type TrailLine struct {
	File    *TrailFile    `json:"file,omitempty"`
	Digest  *TrailDigest  `json:"digest,omitempty"`  // of a redelivery
	Outcome string        `json:"outcome,omitempty"` // of a redelivery
	Why     string        `json:"why,omitempty"`
	Pending *TrailPending `json:"pending,omitempty"`
	Error   *TrailText    `json:"error,omitempty"`
	End     *TrailEnd     `json:"end,omitempty"`
}

// TrailText is a sentence.
type TrailText struct {
	Text string `json:"text"`
}

// TrailEnd ends a streamed answer that is complete.
type TrailEnd struct {
	Next   string                   `json:"next,omitempty"`   // of files: the after of the next request
	Counts map[delivery.Outcome]int `json:"counts,omitempty"` // of a redelivery
}

// RedeliverRequest says which log files and digests are delivered again.
type RedeliverRequest struct {
	Account string     `json:"account,omitempty"`
	Trail   string     `json:"trail"` // name or ARN
	Since   *time.Time `json:"since,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Key     string     `json:"key,omitempty"`
	AsNew   bool       `json:"asNew,omitempty"`
}

// EventExplanations says why trails take events or not.
type EventExplanations struct {
	Events []EventExplanation `json:"events"`
}

// EventExplanation is what each trail of an event's account makes of it.
type EventExplanation struct {
	EventID     string         `json:"eventId"`
	EventName   string         `json:"eventName"`
	EventSource string         `json:"eventSource"`
	EventTime   time.Time      `json:"eventTime"`
	Arrival     time.Time      `json:"arrival"`
	AccountID   string         `json:"accountId"`
	Region      string         `json:"region"`
	Category    string         `json:"category"`
	Origin      string         `json:"origin"`
	Seq         uint64         `json:"seq"`
	Trails      []TrailVerdict `json:"trails"`
}

// TrailVerdict is what a trail makes of an event.
type TrailVerdict struct {
	Name     string     `json:"name"`
	ARN      string     `json:"trailArn"`
	Taken    bool       `json:"taken"`
	Why      string     `json:"why"`
	Settings string     `json:"settings"` // present, until a position, or forgotten
	Proven   bool       `json:"proven,omitempty"`
	Pending  bool       `json:"pending,omitempty"` // it will be in the next file
	File     *TrailFile `json:"file,omitempty"`
}

func trailReport(r *delivery.Report) *TrailReport {
	t := r.Trail
	out := &TrailReport{
		Name: t.Name, ARN: t.ARN().String(), AccountID: t.AccountID, HomeRegion: t.HomeRegion, IsMultiRegion: t.IsMultiRegion,
		Bucket: t.S3BucketName, Prefix: t.S3KeyPrefix, KMSKeyID: t.KMSKeyID, SNSTopicARN: t.SNSTopicARN,
		LogFileValidation: t.LogFileValidation, CustomSelectors: t.HasCustomEventSelectors(), Created: t.Created.UTC(),
		Logging: t.Settings().Logging, LoggingStarted: t.LoggingStarted, LoggingStopped: t.LoggingStopped, Deleted: t.Deleted,
		LagSeconds: max(0, r.Lag.Seconds()), Pending: pendingReport(r.Pending),
		Staged: TrailBacklog(r.Staged), Untold: r.Untold, GivenUp: r.GivenUp,
		NextCut: r.NextCut, Retry: r.Retry, Working: r.Working, Lanes: []TrailLane{}, Problems: trailProblems(r),
		LatestDelivery: r.LatestDelivery, LatestDeliveryAttempt: r.LatestDeliveryAttempt, LatestDigestDelivery: r.LatestDigestDelivery,
		LatestNotification: r.LatestNotification, LatestNotificationAttempt: r.LatestNotificationAttempt,
	}
	for _, l := range r.Lanes {
		out.Lanes = append(out.Lanes, TrailLane{Account: l.Account, Region: l.Region, Window: l.Window, Due: l.Due, Newest: l.Newest, Digest: l.Digest, Queued: l.Queued})
	}
	return out
}

func pendingReport(p delivery.Pending) *TrailPending {
	return &TrailPending{Events: p.Events, More: p.More, Oldest: p.Oldest.UTC()}
}

func trailFile(f *delivery.File) *TrailFile {
	return &TrailFile{
		ID: f.ID(), State: string(f.Progress()), AccountID: f.Account, Region: f.Region, Kind: f.Kind, Made: f.Stamp, From: f.From, To: f.To,
		Events: f.Events, Oldest: f.Oldest, Newest: f.Newest, RawBytes: f.RawSize, Bytes: f.Size, SHA256: f.Hash,
		Bucket: f.Bucket, Key: f.Key, Delivered: f.Delivered, Notified: f.Notified, Digest: f.Digest, Again: f.Again, Error: f.Error,
	}
}

func trailDigest(k *delivery.KeptDigest) *TrailDigest {
	return &TrailDigest{
		AccountID: k.Account, Region: k.Region, Start: k.Start.UTC(), End: k.End.UTC(), Backfill: k.Backfill, Files: k.Files,
		Bucket: k.Bucket, Key: k.Key, Delivered: k.Delivered,
	}
}

func eventExplanation(e *cairn.Event, verdicts []delivery.Verdict) *EventExplanation {
	out := &EventExplanation{
		EventID: e.EventID, EventName: e.EventName, EventSource: e.EventSource, EventTime: e.EventTime.UTC(), Arrival: e.Arrival.UTC(),
		AccountID: e.AccountID, Region: e.AWSRegion, Category: e.Category.String(), Origin: e.Origin.String(), Seq: e.Seq, Trails: []TrailVerdict{},
	}
	for i := range verdicts {
		v := &verdicts[i]
		t := TrailVerdict{Name: v.Trail.Name, ARN: v.Trail.ARN().String(), Taken: v.Taken, Why: v.Why, Settings: v.Settings, Proven: v.Proven, Pending: v.Pending}
		if v.File != nil {
			t.File = trailFile(v.File)
		}
		out.Trails = append(out.Trails, t)
	}
	return out
}
