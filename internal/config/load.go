package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"time"

	"gateway/adapters"
	"gateway/bridge"

	"github.com/pelletier/go-toml/v2/unstable"
)

// maxFile bounds the mapping file, in bytes.
const maxFile = 1 << 20

// Load reads and checks a mapping file. It gives every problem at once, in the
// order of the file; File is nil unless all of them are warnings. It opens
// nothing but the file and those that it names for secrets.
func Load(file string, kinds []adapters.Kind) (*File, []Problem) {
	l := newLoader(file, kinds, &secrets{dir: filepath.Dir(file), getenv: os.LookupEnv, read: readSecret})
	data, err := readBounded(file)
	if err != nil {
		return nil, []Problem{{File: file, Line: 1, Col: 1, Msg: err.Error()}}
	}
	return l.load(data)
}

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, errors.New("can't be read: " + reason(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, errors.New("can't be read: " + reason(err))
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("is longer than %d KiB", maxFile>>10)
	}
	return data, nil
}

// loader reads one mapping file.
type loader struct {
	name    string
	kinds   []adapters.Kind
	secrets *secrets
	host    func() (string, error)
	router  func([]bridge.MapSpec, map[string]bridge.Namer) (*bridge.Router, []bridge.Problem)

	probs *problems
	root  *node
	// lost are the names of tables that can't be adapters here: what maps say
	// of them is not judged.
	lost map[string]bool
}

func newLoader(name string, kinds []adapters.Kind, s *secrets) *loader {
	s.shown = map[string]shownSecret{}
	return &loader{
		name: name, kinds: kinds, secrets: s, host: os.Hostname, router: bridge.NewRouter,
		lost: map[string]bool{},
	}
}

func (l *loader) load(data []byte) (*File, []Problem) {
	src := newSource(l.name, data)
	l.probs = newProblems(src)
	if off := src.badUTF8(); off >= 0 {
		l.probs.at(off, "", "is not UTF-8")
	} else if src.hasBOM() {
		l.probs.at(0, "", "begins with a byte order mark: save it as UTF-8 without one")
	} else {
		l.root = parse(src, l.probs)
	}
	if l.root == nil {
		list, _ := l.probs.sorted()
		return nil, list
	}
	f := l.file()
	list, usable := l.probs.sorted()
	if !usable {
		return nil, list
	}
	return f, list
}

// file decodes and checks everything.
func (l *loader) file() *File {
	f := &File{
		Gateway: Gateway{State: "state", Log: "info", LogFormat: "text", Drain: 30 * time.Second},
		Media:   Media{Ports: "20000-29999", Dead: time.Minute},
		shown:   l.secrets.shown,
	}
	lim := limits{
		MessagesPerSender: 300, MessagesPerSecond: 200, Expire: 72 * time.Hour,
		Calls: 1000, CallsPerSender: 50, CallsPerSecond: 100, Transcoded: 100,
	}
	var maps []mapTable
	d := &decoder{probs: l.probs, secrets: l.secrets, later: later()}
	tables := map[string]any{"gateway": &f.Gateway, "limits": &lim, "media": &f.Media, "tls": &f.TLS, "map": &maps}
	for _, key := range l.root.keys {
		n := l.root.kids[key]
		kind := slices.IndexFunc(l.kinds, func(k adapters.Kind) bool { return k.Name == key })
		switch {
		case tables[key] != nil:
			d.decode(n, reflect.ValueOf(tables[key]).Elem(), key)
		case kind >= 0:
			f.Adapters = append(f.Adapters, l.adapters(n, l.kinds[kind], f.Adapters)...)
		case d.later[key]:
			l.probs.key(n, "not in this version")
			l.lose(n)
		default:
			d.unknown(n, l.rootKeys())
			l.lose(n)
		}
	}
	l.checkGateway(&f.Gateway)
	f.Limits = l.checkLimits(lim)
	l.checkMedia(f.Media)
	l.checkTLS(f)
	l.checkTrust(f)
	l.checkAdapters(f.Adapters)
	l.route(f, maps)
	return f
}

func (l *loader) rootKeys() []string {
	keys := []string{"gateway", "limits", "media", "tls", "map"}
	for _, k := range l.kinds {
		keys = append(keys, k.Name)
	}
	return keys
}

// lose notes the names of the tables in n as adapters that can't be had.
func (l *loader) lose(n *node) {
	for _, name := range n.keys {
		l.lost[name] = true
	}
}

var adapterName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// adapters decodes the tables [kind.name] of one kind. before are those that
// have their names already.
func (l *loader) adapters(n *node, kind adapters.Kind, before []Adapter) []Adapter {
	if !n.isTable() {
		l.probs.value(n, "want tables [%s.NAME], not %s", kind.Name, kindWord(n.kind))
		return nil
	}
	var list []Adapter
	for _, name := range n.keys {
		kid := n.kids[name]
		if kid.kind != unstable.ArrayTable && !kid.isTable() {
			l.probs.key(kid, "unknown key: want tables [%s.NAME]", kind.Name)
			continue
		}
		if kid.kind == unstable.ArrayTable {
			l.probs.key(kid, "want one table [%s.%s], not an array of tables", kind.Name, quoteKey(name))
			l.lost[name] = true
			continue
		}
		cfg := kind.Config()
		d := &decoder{probs: l.probs, secrets: l.secrets, later: map[string]bool{}}
		if c, ok := cfg.(notYetter); ok {
			for _, key := range c.NotYet() {
				d.later[key] = true
			}
		}
		d.decode(kid, reflect.ValueOf(cfg).Elem(), "")
		same := slices.IndexFunc(before, func(a Adapter) bool { return a.Name == name })
		switch {
		case !adapterName.MatchString(name):
			l.probs.key(kid, "an adapter's name is made of a-z, 0-9, '-' and '_', a letter first")
			l.lost[name] = true
		case same >= 0:
			first, _ := l.root.find(before[same].table())
			line, _ := l.probs.src.position(first.key)
			l.probs.key(kid, "is an adapter's name already: [%s] in line %d", before[same].table(), line)
		default:
			list = append(list, Adapter{Kind: kind, Name: name, Config: cfg})
		}
	}
	return list
}
