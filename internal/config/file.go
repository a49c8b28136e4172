package config

import (
	"log/slog"
	"strconv"
	"strings"
	"time"

	"gateway/adapters"
	"gateway/bridge"
)

// File is a mapping file without a mistake.
type File struct {
	Gateway  Gateway
	Limits   bridge.Limits
	Media    Media
	TLS      TLS
	Adapters []Adapter        // by kind, then in the file's order
	Maps     []bridge.MapSpec // in the file's order: that of tries
	Router   *bridge.Router   // of Maps

	shown       map[string]shownSecret
	certificate *certificate // of TLS; nil: there is none
}

// Gateway is the table [gateway].
type Gateway struct {
	// Node names this gateway: letters, digits, '-' and '.', at most 63. The
	// default is the host's name.
	Node string `toml:"node"`
	// State is the directory of the embedded store. Load makes it relative to
	// what the mapping file's own name is relative to.
	State string `toml:"state"`
	// Store has the URLs of the operator's NATS, with commas between; "" for
	// the embedded store.
	Store bridge.Secret `toml:"store"`
	// HTTP is the host:port of /healthz and /metrics, "" for none.
	HTTP string `toml:"http"`
	// Log is the least level that is logged: debug, info, warn or error.
	Log string `toml:"log"`
	// LogFormat is text or json.
	LogFormat string `toml:"log_format"`
	// Drain bounds the wait for what is under way after SIGTERM.
	Drain time.Duration `toml:"drain"`
	// Records is the file that gets a line for each call, "" for none. Load
	// makes it relative to what the mapping file's own name is relative to.
	Records string `toml:"records"`
}

// Media is the table [media].
type Media struct {
	// Ports are the UDP ports that media may use, both named among them:
	// "20000-29999".
	Ports string `toml:"ports"`
	// Dead is how long a call may be silent on both sides.
	Dead time.Duration `toml:"dead"`
	// Process: the relay is a process of its own.
	Process bool `toml:"process"`
	// STUN is the host:port of a server that says where we are seen from
	// outside (RFC 8489), "" for none.
	STUN string `toml:"stun"`
}

// Range is Ports as numbers, the first of which is even; ok is false if it is no
// range with room for one call.
func (m Media) Range() (first, last uint16, ok bool) {
	low, high, cut := strings.Cut(m.Ports, "-")
	a, errA := strconv.ParseUint(low, 10, 16)
	b, errB := strconv.ParseUint(high, 10, 16)
	a += a % 2
	if !cut || errA != nil || errB != nil || a < 1024 || b < a+3 {
		return 0, 0, false
	}
	return uint16(a), uint16(b), true
}

// Level is Log for slog.
func (g Gateway) Level() slog.Level {
	level, _ := logLevel(g.Log)
	return level
}

func logLevel(word string) (level slog.Level, ok bool) {
	switch word {
	case "debug":
		return slog.LevelDebug, true
	case "info":
		return slog.LevelInfo, true
	case "warn":
		return slog.LevelWarn, true
	case "error":
		return slog.LevelError, true
	default:
		return slog.LevelInfo, false
	}
}

// Adapter is a table [kind.name].
type Adapter struct {
	Kind   adapters.Kind
	Name   string // unique in the file
	Config bridge.Config
}

// table is its name in the file.
func (a Adapter) table() string { return a.Kind.Name + "." + a.Name }

// limits is the table [limits]: what bridge.Limits has, with the file's keys.
type limits struct {
	MessagesPerSender int           `toml:"messages_per_sender"`
	MessagesPerSecond int           `toml:"messages_per_second"`
	Expire            time.Duration `toml:"expire"`
	Calls             int           `toml:"calls"`
	CallsPerSender    int           `toml:"calls_per_sender"`
	CallsPerSecond    int           `toml:"calls_per_second"`
	Transcoded        int           `toml:"transcoded"`
}

// mapTable is a table [[map]].
type mapTable struct {
	Home  oneOrMore         `toml:"home"`
	As    map[string]string `toml:"as"`
	Name  string            `toml:"name"`
	From  oneOrMore         `toml:"from"`
	Allow oneOrMore         `toml:"allow"`
	Shown map[string]string `toml:"shown"`
	// Receipts is "phone", "hop" or "", which is "phone".
	Receipts string `toml:"receipts"`

	Ring    time.Duration `toml:"ring"`
	Hunt    bool          `toml:"hunt,omitempty"`
	Codecs  []string      `toml:"codecs"`
	Media   string        `toml:"media"` // "auto", "relay" or "", which is "auto"
	Early   bool          `toml:"early,omitempty"`
	Privacy bool          `toml:"privacy,omitempty"`
	Plain   bool          `toml:"plain_rtp,omitempty"`
	Caps    caps          `toml:"caps,omitempty"`
}

// caps is what bridge.Caps has, with the file's keys.
type caps struct {
	Calls         int `toml:"calls"`
	PerHour       int `toml:"per_hour"`
	MinutesPerDay int `toml:"minutes_per_day"`
}
