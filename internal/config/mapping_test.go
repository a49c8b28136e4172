package config

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/adapters"
	"gateway/bridge"
)

const example = "../../mapping.toml"

func TestTheExampleRunsAsItStands(t *testing.T) {
	t.Parallel()
	f, problems := Load(example, adapters.All())
	for _, p := range problems {
		t.Error(p)
	}
	if f == nil {
		t.Fatal("no file")
	}
	for _, kind := range adapters.All() {
		if !slices.ContainsFunc(f.Adapters, func(a Adapter) bool { return a.Kind.Name == kind.Name }) {
			t.Errorf("no [%s.NAME] in the example", kind.Name)
		}
	}
	var b strings.Builder
	if err := f.Print(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "change-me") {
		t.Errorf("secrets are printed:\n%s", &b)
	}
}

// A key behind a "#" looks like one; prose does not.
var commented = regexp.MustCompile(`(?m)^# ([a-z_]+ = |\[)`)

// uncommented gives the tree of the example with every key in it.
func uncommented(t *testing.T) (*node, *problems) {
	t.Helper()
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	src := newSource("mapping.toml", commented.ReplaceAll(data, []byte("$1")))
	probs := newProblems(src)
	root := parse(src, probs)
	if root == nil || len(probs.list) > 0 {
		t.Fatal(probs.list)
	}
	return root, probs
}

func TestEveryKeyOfTheExampleExists(t *testing.T) {
	t.Parallel()
	_, probs := uncommented(t)
	l := newLoader("mapping.toml", adapters.All(), fakeSecrets())
	_, problems := l.load(probs.src.data)
	for _, p := range problems {
		if strings.HasPrefix(p.Msg, "unknown key") || p.Msg == "not in this version" || strings.HasPrefix(p.Msg, "want a") {
			t.Error(p)
		}
	}
}

func TestEveryKeyStandsInTheExample(t *testing.T) {
	t.Parallel()
	root, _ := uncommented(t)
	have := map[string]bool{}
	collect(have, root, "")
	check := func(schema string, typ reflect.Type) {
		for _, key := range keysOf(t, schema, typ) {
			if !have[key] {
				t.Errorf("%s is not in the example", key)
			}
		}
	}
	check("gateway", reflect.TypeFor[Gateway]())
	check("limits", reflect.TypeFor[limits]())
	check("media", reflect.TypeFor[Media]())
	check("tls", reflect.TypeFor[TLS]())
	check("map[]", reflect.TypeFor[mapTable]())
	for _, kind := range adapters.All() {
		check(kind.Name+".*", reflect.TypeOf(kind.Config()).Elem())
	}
}

// collect gathers the keys of a tree, each name also as the "*" that stands for
// a name of the user's.
func collect(have map[string]bool, n *node, schema string) {
	have[schema] = true
	for _, item := range n.items {
		collect(have, item, schema+"[]")
	}
	for _, key := range n.keys {
		collect(have, n.kids[key], join(schema, key))
		collect(have, n.kids[key], join(schema, "*"))
	}
}

// keysOf lists the keys that a type has, and wants it to be one that decode and
// Print know.
func keysOf(t *testing.T, schema string, typ reflect.Type) []string {
	t.Helper()
	switch {
	case typ == reflect.TypeFor[time.Duration](), typ == reflect.TypeFor[bridge.Secret](), typ == reflect.TypeFor[oneOrMore]():
		return []string{schema}
	}
	switch typ.Kind() {
	case reflect.String, reflect.Bool, reflect.Int:
		return []string{schema}
	case reflect.Slice:
		return append(keysOf(t, schema+"[]", typ.Elem()), schema)
	case reflect.Map:
		return append(keysOf(t, schema+".*", typ.Elem()), schema)
	case reflect.Struct:
		var keys []string
		for _, f := range fieldsOf(typ) {
			keys = append(keys, keysOf(t, join(schema, f.key), typ.FieldByIndex(f.index).Type)...)
			if f.secret {
				keys = append(keys, join(schema, f.key+fileSuffix))
			}
		}
		return keys
	default:
		t.Errorf("%s: a field of type %v can't be in a configuration", schema, typ)
		return nil
	}
}

// TestWhatIsBuiltIsNotLater keeps the list of what is not in this version short.
func TestWhatIsBuiltIsNotLater(t *testing.T) {
	t.Parallel()
	built := map[string]bool{}
	for _, key := range slices.Concat(
		keysOf(t, "gateway", reflect.TypeFor[Gateway]()),
		keysOf(t, "limits", reflect.TypeFor[limits]()),
		keysOf(t, "tls", reflect.TypeFor[TLS]()),
		keysOf(t, "map[]", reflect.TypeFor[mapTable]()),
	) {
		built[key] = true
	}
	for _, kind := range adapters.All() {
		built[kind.Name] = true
		cfg := kind.Config()
		if c, ok := cfg.(notYetter); ok {
			keys := keysOf(t, "", reflect.TypeOf(cfg).Elem())
			for _, key := range c.NotYet() {
				if slices.Contains(keys, key) {
					t.Errorf("%s.%s is built", kind.Name, key)
				}
			}
		}
	}
	for key := range later() {
		if built[key] {
			t.Errorf("%s is built", key)
		}
	}
}

// stranger is a configuration of no kind.
type stranger struct{ bridge.Config }

func TestAKindRefusesAnothersConfiguration(t *testing.T) {
	t.Parallel()
	for _, kind := range adapters.All() {
		a, err := kind.New(stranger{}, bridge.Env{})
		if a != nil || err == nil || !strings.Contains(err.Error(), kind.Name) {
			t.Errorf("%s: got %v, %v", kind.Name, a, err)
		}
	}
}
