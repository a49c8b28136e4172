package config

import (
	"log/slog"
	"time"

	"gateway/adapters"
	"gateway/bridge"
)

// File is a mapping file without a mistake.
type File struct {
	Gateway  Gateway
	Limits   bridge.Limits
	Adapters []Adapter        // by kind, then in the file's order
	Maps     []bridge.MapSpec // in the file's order: that of tries
	Router   *bridge.Router   // of Maps

	shown map[string]shownSecret
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
}
