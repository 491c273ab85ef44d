package record

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// The names in summaries of unattributed failures. docs/format/audit.md describes them.
const (
	auditSource = "cairn.internal"
	auditName   = "UnattributedFailures"
)

// What one minute's summaries hold at most. What is beyond goes into the counters of
// otherSources and otherFailure.
const (
	maxSources = 255
	maxKinds   = 31
)

const otherSources = "others"

var otherFailure = failure{"others", "others"}

// failures are counters by source address. The zero value is ready.
type failures struct {
	bySource map[string]map[failure]*tally
}

// failure is a kind of failure: the service that was asked and what it answered.
type failure struct{ source, code string }

// tally counts failures of one kind.
type tally struct {
	count       uint64
	first, last time.Time
}

func (f *failures) add(address string, kind failure, at time.Time, count uint64) {
	if f.bySource == nil {
		f.bySource = make(map[string]map[failure]*tally)
	}
	kinds := f.bySource[address]
	if kinds == nil {
		if len(f.bySource) >= maxSources {
			address = otherSources
		}
		if kinds = f.bySource[address]; kinds == nil {
			kinds = make(map[failure]*tally)
			f.bySource[address] = kinds
		}
	}
	t := kinds[kind]
	if t == nil {
		if len(kinds) >= maxKinds {
			kind = otherFailure
		}
		if t = kinds[kind]; t == nil {
			t = &tally{first: at, last: at}
			kinds[kind] = t
		}
	}
	t.count += count
	if at.Before(t.first) {
		t.first = at
	}
	if at.After(t.last) {
		t.last = at
	}
}

// merge adds what other has counted.
func (f *failures) merge(other failures) {
	for address, kinds := range other.bySource {
		for kind, t := range kinds {
			f.add(address, kind, t.first, t.count)
			f.add(address, kind, t.last, 0)
		}
	}
}

// records returns one record for each source, in order of their addresses.
func (f *failures) records(account, region string, now time.Time) [][]byte {
	records := make([][]byte, 0, len(f.bySource))
	for _, address := range slices.Sorted(maps.Keys(f.bySource)) {
		records = append(records, appendSummary(nil, account, region, address, f.bySource[address], now))
	}
	return records
}

// appendSummary appends the record that sums up what came from one address.
func appendSummary(b []byte, account, region, address string, kinds map[failure]*tally, now time.Time) []byte {
	var total uint64
	list := make([]any, 0, len(kinds))
	for _, kind := range slices.SortedFunc(maps.Keys(kinds), func(x, y failure) int {
		return cmp.Or(cmp.Compare(x.source, y.source), cmp.Compare(x.code, y.code))
	}) {
		t := kinds[kind]
		total += t.count
		list = append(list, map[string]any{
			"eventSource": kind.source, "errorCode": kind.code, "count": int64(t.count),
			"firstTime": t.first, "lastTime": t.last,
		})
	}
	b = append(b, `{"eventVersion":"`+Version+`","userIdentity":{"accountId":"`+account+`","invokedBy":"`+auditSource+`"},"eventTime":"`...)
	b = appendTime(b, now)
	b = append(b, `","eventSource":"`+auditSource+`","eventName":"`+auditName+`","awsRegion":"`+region+`","sourceIPAddress":`...)
	b = appendName(b, address)
	b = append(b, `,"userAgent":"`+auditSource+`","requestParameters":null,"responseElements":null,"eventID":`...)
	b = appendEventID(b, "")
	b = append(b, `,"readOnly":true,"eventType":"AwsServiceEvent","managementEvent":true,"recipientAccountId":"`+account+`","serviceEventDetails":`...)
	b = appendObject(b, map[string]any{"count": int64(total), "failures": list}, 1)
	return append(b, `,"eventCategory":"Management"}`...)
}
