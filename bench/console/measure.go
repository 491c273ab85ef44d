package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/chromedp/chromedp/kb"

	"cairn"
	"cairn/console/e2e/browser"
	"cairn/internal/eventgen"
	"cairn/server"
)

// span is the time that the history is spread over. It ends when the bench begins.
const span = 10 * 24 * time.Hour

// A bench measures into its table.
type bench struct {
	*options
	dir     string
	notes   io.Writer
	process *process
	serving *serving
	start   time.Time // of the history
	values  values
	cookie  *http.Cookie
	table   table
}

func (b *bench) note(format string, args ...any) { fmt.Fprintf(b.notes, format+"\n", args...) }

func (b *bench) measure(ctx context.Context) (err error) {
	b.note("filling the history with %d events …", b.n)
	if err := b.fill(ctx); err != nil {
		return err
	}
	if err := b.signIn(ctx); err != nil {
		return err
	}
	b.note("measuring the first table …")
	for range b.rounds {
		if err := b.firstTable(ctx); err != nil {
			return fmt.Errorf("measure the first table: %w", err)
		}
	}
	chromium, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer chromium.Close()
	tab, err := b.newTab(chromium, browser.Downloads(filepath.Join(b.dir, "downloads")))
	if err != nil {
		return err
	}
	defer tab.Close()
	b.note("measuring filters …")
	if err := b.filters(tab); err != nil {
		return fmt.Errorf("measure filters: %w", err)
	}
	b.note("measuring a download …")
	if err := b.download(ctx, tab); err != nil {
		return fmt.Errorf("measure a download: %w", err)
	}
	if problems := tab.Problems(); len(problems) > 0 {
		return fmt.Errorf("the pages had problems: %v", problems)
	}
	return nil
}

// values are what is searched for: of each attribute a frequent value and a rare one that
// the records have.
type values struct {
	name, user, address, errorCode, agent map[string]int
}

// pick returns the value whose number is nearest to a part of all.
func pick(counts map[string]int, part float64) (value string) {
	all := 0
	for _, n := range counts {
		all += n
	}
	far := func(v string) float64 {
		return max(float64(counts[v])/float64(all)/part, part*float64(all)/float64(counts[v]))
	}
	for v := range counts {
		if v != "" && (value == "" || far(v) < far(value) || far(v) == far(value) && v < value) {
			value = v
		}
	}
	return value
}

// fill imports events into the history, and counts the values of some.
func (b *bench) fill(ctx context.Context) (err error) {
	client := server.Dial(b.serving.Address.Socket)
	defer func() { err = errors.Join(err, client.Close()) }()
	sum := sha256.Sum256([]byte("bench"))
	f := server.ImportFile{SHA256: hex.EncodeToString(sum[:]), Name: "bench", Size: 1}
	if _, err := client.BeginImport(ctx, f); err != nil {
		return err
	}
	const batch = 5000
	b.start = time.Now().Add(-span).Truncate(time.Second)
	b.values = values{map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}}
	g := eventgen.New(42, eventgen.Options{Start: b.start, Span: span, Events: b.n})
	for done := 0; done < b.n; {
		raws := make([][]byte, min(batch, b.n-done))
		for i := range raws {
			raws[i] = g.Next(nil)
			if i%50 != 0 {
				continue
			}
			var r cairn.Record
			if err := r.Extract(raws[i]); err != nil {
				return err
			}
			b.values.name[r.EventName]++
			b.values.user[r.Username]++
			b.values.address[r.SourceIPAddress]++
			b.values.errorCode[r.ErrorCode]++
			b.values.agent[r.UserAgent]++
		}
		result, err := client.ImportRecords(ctx, f, int64(done), raws, done+len(raws) == b.n)
		if err != nil {
			return err
		}
		if result.Counts.Stored != int64(len(raws)) {
			return fmt.Errorf("of %d events %+v", len(raws), result.Counts)
		}
		done += len(raws)
	}
	return nil
}

func (b *bench) url() string { return b.serving.Address.Console }

// signIn begins the session that all tabs share.
func (b *bench) signIn(ctx context.Context) error {
	body, err := json.Marshal(map[string]string{"accessKeyId": b.serving.Key.AccessKeyID, "secretAccessKey": b.serving.Key.Secret})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url()+"/session", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || len(answer.Cookies()) == 0 {
		return fmt.Errorf("sign in: %s", answer.Status)
	}
	b.cookie = answer.Cookies()[0]
	return nil
}

// newTab opens a tab that is signed in.
func (b *bench) newTab(chromium *browser.Browser, options ...browser.TabOption) (*browser.Tab, error) {
	tab, err := chromium.NewTab(options...)
	if err != nil {
		return nil, err
	}
	tab.Timeout = 5 * time.Minute
	if err := errors.Join(tab.SetCookie(b.url(), b.cookie), tab.OnNewDocument(watchTable)); err != nil {
		tab.Close()
		return nil, err
	}
	return tab, nil
}

// watchTable notes when rows of events are drawn: when the first ones are, and after a key
// those that all have a value in a column; and when a download is complete, which pages hand
// to the browser as an object. Times are in milliseconds of the page's clock.
const watchTable = `(() => {
	const rows = () => [...document.querySelectorAll('tbody tr')].filter(row => row.children.length > 5);
	const drawn = done => requestAnimationFrame(() => setTimeout(() => done(performance.now())));
	let waiting = [];
	const look = () => { waiting = waiting.filter(({is, done}) => { if (!is()) return true; drawn(done); return false; }); };
	const when = is => new Promise(done => { waiting.push({is, done}); look(); });
	window.firstRows = when(() => rows().length > 0);
	window.entered = 0;
	addEventListener('keydown', e => { if (e.key === 'Enter') window.entered = performance.now(); }, true);
	window.rowsAre = (column, value) => when(() => {
		const at = [...document.querySelectorAll('thead th')].findIndex(th => th.innerText.trim() === column);
		const now = rows();
		return window.entered > 0 && at >= 0 && now.length > 0 && !document.querySelector('.events-stale') && now.every(row => row.children[at].innerText.trim() === value);
	});
	addEventListener('click', () => { window.clicked = performance.now(); }, true);
	const make = URL.createObjectURL;
	window.saved = new Promise(done => { URL.createObjectURL = blob => { if (blob.size > 0) done(performance.now()); return make.call(URL, blob); }; });
	new MutationObserver(look).observe(document, {subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['class']});
})()`

// firstTable measures the way from an address to the rows: in a browser that has never been
// there, and on its third visit. On the second one it keeps what it has compiled.
func (b *bench) firstTable(ctx context.Context) error {
	chromium, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer chromium.Close()
	tab, err := b.newTab(chromium, browser.Profile())
	if err != nil {
		return err
	}
	defer tab.Close()
	var second times
	for i, to := range []*times{&b.table.cold, &second, &b.table.warm} {
		var ms float64
		if err := errors.Join(tab.Goto(b.url()+"/events"), tab.Eval("firstRows", &ms)); err != nil {
			return err
		}
		to.add(ms)
		if i == 0 {
			if err := tab.Eval(loaded, &b.table.loaded); err != nil {
				return err
			}
		}
		// What is kept is written when there is nothing else to do.
		if err := errors.Join(tab.Eval("new Promise(done => setTimeout(done, 1500))", nil), tab.Goto("about:blank")); err != nil {
			return err
		}
	}
	return nil
}

// loaded are the bytes that a page has fetched before it was drawn, packed as they came.
const loaded = `(() => {
	const of = ending => performance.getEntriesByType('resource').filter(e => new URL(e.name).pathname.endsWith(ending)).reduce((sum, e) => sum + e.encodedBodySize, 0);
	return {script: of('.js'), style: of('.css')};
})()`

// filters measures the way from the Enter behind a condition to the rows that it leaves:
// for attributes in the whole history, and for paths of the record in a day of it.
func (b *bench) filters(tab *browser.Tab) error {
	v := &b.values
	for _, a := range []struct {
		label, column string
		counts        map[string]int
	}{{"Event name", "Event name", v.name}, {"User name", "User name", v.user}, {"Source address", "Source address", v.address}, {"Error code", "Error code", v.errorCode}} {
		for _, part := range []float64{0.05, 0.0005} {
			value := pick(a.counts, part)
			for range b.rounds {
				ms, err := b.filter(tab, "/events?order=newest", a.label+" = "+value, "rowsAre("+quote(a.column)+","+quote(value)+")")
				if err != nil {
					return fmt.Errorf("%s = %s: %w", a.label, value, err)
				}
				b.table.attribute.add(ms)
			}
		}
	}
	day := b.start.Add(span / 2).UTC()
	b.table.day = b.n / 10
	path := fmt.Sprintf("/events?since=%s&until=%s&order=newest", day.Format(time.RFC3339), day.Add(24*time.Hour-time.Second).Format(time.RFC3339))
	for _, part := range []float64{0.1, 0.0005} {
		name := pick(v.name, part)
		to := &b.table.path
		if part < 0.01 {
			to = &b.table.rarePath
		}
		for range b.rounds {
			ms, err := b.filter(tab, path, "path.eventName = "+name, "rowsAre('Event name',"+quote(name)+")")
			if err != nil {
				return fmt.Errorf("path.eventName = %s: %w", name, err)
			}
			to.add(ms)
		}
	}
	return nil
}

// filter types a condition into a history that is there, and returns how long after its
// Enter the rows are the new ones.
func (b *bench) filter(tab *browser.Tab, path, condition, rows string) (ms float64, err error) {
	err = errors.Join(tab.Goto(b.url()+path), tab.Eval("firstRows.then(() => new Promise(done => setTimeout(done, 300)))", nil))
	if err != nil {
		return 0, err
	}
	field := tab.Get("combobox", "Conditions of the search")
	if err := errors.Join(field.Fill(condition), tab.Eval("void (window.entered = 0, window.measured = "+rows+")", nil), tab.Press(kb.Enter)); err != nil {
		return 0, err
	}
	err = tab.Eval("measured.then(at => at - window.entered)", &ms)
	return ms, err
}

// maxDownload bounds the rows of the download.
const maxDownload = 500_000

// download measures a download of CSV in the page, and what memory the server takes for it;
// and what the server alone can send.
func (b *bench) download(ctx context.Context, tab *browser.Tab) error {
	t := &b.table
	rows := min(b.n, maxDownload)
	since := b.start.Add(span - time.Duration(float64(span)*float64(rows)/float64(b.n))).UTC().Format(time.RFC3339)
	until := b.start.Add(span).UTC().Format(time.RFC3339)
	if err := errors.Join(os.MkdirAll(filepath.Join(b.dir, "downloads"), 0o700), tab.Goto(b.url()+"/events?since="+since+"&until="+until+"&order=newest"), tab.Eval("firstRows", nil)); err != nil {
		return err
	}
	stop, peak := make(chan struct{}), make(chan int64)
	t.before = b.process.memory()
	go func() {
		most, tick := int64(0), time.NewTicker(20*time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				peak <- most
				return
			case <-tick.C:
				most = max(most, b.process.memory())
			}
		}
	}()
	var took float64
	err := errors.Join(tab.Get("button", "Download").Click(), tab.Get("menuitem", "CSV.*").Click(), tab.Eval("saved.then(at => at - window.clicked)", &took))
	close(stop)
	t.peak = <-peak
	if err != nil {
		return err
	}
	file, err := tab.WaitDownload(0)
	if err != nil {
		return err
	}
	content, err := os.Open(file.Path)
	if err != nil {
		return err
	}
	n, size, err := countLines(content)
	if err = errors.Join(err, content.Close()); err != nil {
		return err
	}
	t.rows, t.bytes, t.inPage = n-1, size, time.Duration(took*float64(time.Millisecond))

	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url()+"/_cairn/api/export?format=csv&since="+since+"&until="+until, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(b.cookie)
	began := time.Now()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("export: %s", answer.Status)
	}
	n, _, err = countLines(answer.Body)
	t.direct, t.directRows = time.Since(began), n-1
	return err
}

// countLines counts lines and bytes. No cell of the made events has a line break.
func countLines(r io.Reader) (lines, size int64, err error) {
	block := make([]byte, 256<<10)
	for {
		n, err := r.Read(block)
		lines += int64(bytes.Count(block[:n], []byte("\n")))
		size += int64(n)
		if err == io.EOF {
			return lines, size, nil
		}
		if err != nil {
			return lines, size, err
		}
	}
}

func quote(s string) string {
	text, _ := json.Marshal(s) // texts always have a JSON form
	return string(text)
}

// times are measurements of one thing, in milliseconds.
type times []float64

func (t *times) add(ms float64) { *t = append(*t, ms) }

// part returns the time below which a part of them is.
func (t times) part(p float64) float64 {
	if len(t) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t))
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}
