package eventgen

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A template is literal text and placeholders in turn.
type template []part

type part struct {
	literal string // comes before the placeholder
	op      byte   // 0 for none
	count   int
}

// compile reads a template's text. Its placeholders are: $a the account, $g
// or ${g} the region, $r the event's resource, $q its request ID, $t its time,
// $e its time in Unix milliseconds, $w a word, $u a random UUID, $p a private
// address, $i the number of the item in its fill, and with a number of characters behind them $h hexadecimal digits,
// $k letters of a key, $b base64 and $n a number. $$ is a dollar sign.
func compile(text string) template {
	var t template
	for text != "" {
		i := strings.IndexByte(text, '$')
		if i < 0 {
			return append(t, part{literal: text})
		}
		p := part{literal: text[:i]}
		text = text[i+1:]
		if strings.HasPrefix(text, "{g}") {
			text = "g" + text[3:]
		}
		p.op, text = text[0], text[1:]
		switch p.op {
		case 'h', 'k', 'b', 'n':
			digits := 0
			for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
				digits++
			}
			p.count, _ = strconv.Atoi(text[:digits])
			text = text[digits:]
		case 'a', 'g', 'r', 'q', 't', 'e', 'w', 'u', 'p', 'i', '$':
		default:
			panic(fmt.Sprintf("eventgen: unknown placeholder $%c", p.op))
		}
		t = append(t, p)
	}
	return t
}

// appendTemplate appends what t stands for in the event being made.
func (g *Generator) appendTemplate(b []byte, t template, e *event) []byte {
	for i := range t {
		p := &t[i]
		b = append(b, p.literal...)
		switch p.op {
		case 'a':
			b = append(b, e.account...)
		case 'g':
			b = append(b, e.region...)
		case 'r':
			b = g.appendResource(b, e.kind, e.resource)
		case 'q':
			b = appendUUID(b, e.request[0], e.request[1])
		case 't':
			b = appendTime(b, e.unix)
		case 'e':
			b = strconv.AppendInt(b, e.unix*1000+int64(g.next()%1000), 10)
		case 'w':
			// The smallest of four makes some words common.
			r := g.next()
			const n = uint64(len(words))
			b = append(b, words[min(r&0xffff%n, r>>16&0xffff%n, r>>32&0xffff%n, r>>48%n)]...)
		case 'u':
			b = appendUUID(b, g.next(), g.next())
		case 'p':
			b = appendPrivateIP(b, g.next())
		case 'h':
			b = g.appendRandom(b, "0123456789abcdef", p.count)
		case 'k':
			b = g.appendRandom(b, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", p.count)
		case 'b':
			b = g.appendRandom(b, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", p.count)
		case 'n':
			b = g.appendNumber(b, p.count)
		case 'i':
			b = strconv.AppendInt(b, int64(e.item), 10)
		case '$':
			b = append(b, '$')
		}
	}
	return b
}

// appendRandom appends n letters of an alphabet, whose size is a power of two.
func (g *Generator) appendRandom(b []byte, alphabet string, n int) []byte {
	for n > 0 {
		r := g.next()
		for j := 0; j < 10 && n > 0; j++ {
			b = append(b, alphabet[r&uint64(len(alphabet)-1)])
			r >>= 6
			n--
		}
	}
	return b
}

// appendNumber appends a number of at most the given number of digits.
func (g *Generator) appendNumber(b []byte, digits int) []byte {
	limit := uint64(1)
	for range digits {
		limit *= 10
	}
	return strconv.AppendUint(b, 1+g.next()%(limit-1), 10)
}

func appendHex(b []byte, v uint64, digits int) []byte {
	const hex = "0123456789abcdef"
	for range digits {
		b = append(b, hex[v&15])
		v >>= 4
	}
	return b
}

// appendUUID appends the form of a version 4 UUID.
func appendUUID(b []byte, hi, lo uint64) []byte {
	b = appendHex(b, hi, 8)
	b = appendHex(append(b, '-'), hi>>32, 4)
	b = appendHex(append(b, '-', '4'), hi>>48, 3)
	b = append(b, '-', "89ab"[lo&3])
	b = appendHex(b, lo>>2, 3)
	return appendHex(append(b, '-'), lo>>16, 12)
}

func appendTime(b []byte, unix int64) []byte {
	return time.Unix(unix, 0).UTC().AppendFormat(b, "2006-01-02T15:04:05Z")
}

func appendPrivateIP(b []byte, r uint64) []byte {
	b = append(b, "10."...)
	b = strconv.AppendUint(b, r&15, 10)
	b = strconv.AppendUint(append(b, '.'), r>>8&255, 10)
	return strconv.AppendUint(append(b, '.'), 1+r>>16&253, 10)
}

func appendPublicIP(b []byte, r uint64) []byte {
	// 198.18.0.0/15 is set aside for benchmarks (RFC 2544): nobody's address.
	b = append(b, "198."...)
	b = strconv.AppendUint(b, 18+r&1, 10)
	b = strconv.AppendUint(append(b, '.'), r>>8&255, 10)
	return strconv.AppendUint(append(b, '.'), 1+r>>16&253, 10)
}

func appendWord(b []byte, r uint64) []byte { return append(b, words[r%uint64(len(words))]...) }

var words = [...]string{
	"account", "adapter", "alpha", "analytics", "api", "archive", "assets", "audit", "auth", "backend",
	"backup", "basket", "batch", "billing", "booking", "broker", "build", "bus", "cache", "catalog",
	"checkout", "claims", "client", "config", "content", "core", "customer", "dashboard", "data", "delivery",
	"deploy", "device", "docs", "edge", "email", "engine", "events", "export", "feed", "finance",
	"fleet", "forms", "fraud", "frontend", "gateway", "geo", "graph", "health", "identity", "images",
	"import", "index", "ingest", "inventory", "invoice", "jobs", "kiosk", "lake", "ledger", "legacy",
	"loader", "login", "loyalty", "mail", "market", "media", "metrics", "mobile", "models", "monitor",
	"network", "notify", "offers", "orders", "partner", "payments", "photos", "pipeline", "platform", "portal",
	"pricing", "print", "prod", "profile", "proxy", "queue", "quotes", "rates", "relay", "reports",
	"returns", "risk", "router", "sales", "sandbox", "scan", "search", "session", "shipping", "shop",
	"signals", "site", "staging", "stats", "status", "stock", "store", "stream", "support", "sync",
	"tax", "test", "ticket", "tiles", "tools", "tracking", "transfer", "travel", "upload", "users",
	"vault", "video", "views", "web", "wiki", "worker", "workflow", "zone",
}
