package config

import (
	"bytes"
	"encoding"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gateway/bridge"

	"github.com/pelletier/go-toml/v2"
)

// seeds are the files of testdata and some that are all corners.
func seeds(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(files) == 0 {
		f.Fatal("no testdata", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{
		"a.b.c = 1\n[a.b.d]\n[a.b]", "[a.b]\n[a]\n[a.c]\n[a]", "[[a]]\n[a.b]\n[[a]]\n[a.b]\n[[a.b]]",
		"a = []\n[[a]]", "a = {}\n[a.b]", "[a]\nb.c = 1\n[a.b.d]\n[a.b]", "[a.b]\nx = 1\n[a]\nb.y = 2",
		"a = {b = {c = 1}, b.d = 2}", "a = [{b = 1}, {b = 1, b = 2}]", "[[a.b]]\n[a]\n[a.b.c]", "\"\".'' = 1\n[\"\"]",
		"[gateway]\nnode = \"\"\"", "map = [{home = 'pbx:1'}]\n[[map]]", "x = 2026-99-99", "[sip]\npbx = {listen = ['x']}",
		strings.Repeat("a.", 500) + "a = 1", "[sip.pbx]\napps = " + strings.Repeat("[", 500) + strings.Repeat("]", 500),
	} {
		f.Add([]byte(text))
	}
}

func FuzzLoad(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, problems := fakeLoader("mapping.toml").load(data)
		usable := true
		for _, p := range problems {
			checkPlace(t, data, p)
			usable = usable && p.Warn
		}
		if usable != (file != nil) {
			t.Fatalf("file %v, problems %v", file, problems)
		}
		if file == nil {
			return
		}
		decodeStrictly(t, data)
		if list := file.NeedsRestart(file); list != nil {
			t.Errorf("differs from itself: %q", list)
		}
		if first, second := reprint(t, file); first != second {
			t.Errorf("first\n%s\nthen\n%s", first, second)
		}
	})
}

// checkPlace wants a problem to be inside the file, and on one line.
func checkPlace(t *testing.T, data []byte, p Problem) {
	t.Helper()
	lines := bytes.Split(data, []byte("\n"))
	if p.Line < 1 || p.Line > len(lines) || p.Col < 1 || p.Col > len(lines[p.Line-1])+1 {
		t.Errorf("outside the file: %v", p)
	}
	if s := p.String(); strings.ContainsAny(s, "\r\n\x1b") || len(s) > 8*maxPath {
		t.Errorf("not a line: %q", s)
	}
	if p.Msg == "" {
		t.Errorf("says nothing: %v", p)
	}
}

// decodeStrictly has go-toml read what we took.
func decodeStrictly(t *testing.T, data []byte) {
	t.Helper()
	var anything map[string]any
	if err := toml.Unmarshal(data, &anything); err != nil {
		t.Errorf("go-toml does not take it: %v", err)
	}
	into := reflect.New(mirrorRoot())
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(into.Interface()); err != nil {
		t.Errorf("go-toml does not take it strictly: %v", err)
	}
}

// mirrorRoot makes a type of a whole file for go-toml's own decoder.
func mirrorRoot() reflect.Type {
	fields := []reflect.StructField{
		{Name: "G", Type: mirror(reflect.TypeFor[Gateway]()), Tag: `toml:"gateway"`},
		{Name: "L", Type: mirror(reflect.TypeFor[limits]()), Tag: `toml:"limits"`},
		{Name: "P", Type: mirror(reflect.TypeFor[Media]()), Tag: `toml:"media"`},
		{Name: "M", Type: mirror(reflect.TypeFor[[]mapTable]()), Tag: `toml:"map"`},
	}
	for i, k := range fakeKinds() {
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("K%d", i),
			Type: reflect.MapOf(reflect.TypeFor[string](), mirror(reflect.TypeOf(k.Config()).Elem())),
			Tag:  reflect.StructTag(fmt.Sprintf(`toml:%q`, k.Name)),
		})
	}
	return reflect.StructOf(fields)
}

// mirror makes a type with the same keys as t, in types that go-toml knows.
func mirror(t reflect.Type) reflect.Type {
	text := reflect.TypeFor[string]()
	switch {
	case t == reflect.TypeFor[time.Duration](), t == reflect.TypeFor[bridge.Secret](),
		reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return text
	case t == reflect.TypeFor[oneOrMore]():
		return reflect.TypeFor[any]()
	}
	switch t.Kind() {
	case reflect.Slice:
		return reflect.SliceOf(mirror(t.Elem()))
	case reflect.Map:
		return reflect.MapOf(text, mirror(t.Elem()))
	case reflect.Struct:
		var fields []reflect.StructField
		for _, f := range fieldsOf(t) {
			for _, key := range knownKeys([]field{f}) {
				fields = append(fields, reflect.StructField{
					Name: fmt.Sprintf("F%d", len(fields)),
					Type: mirror(t.FieldByIndex(f.index).Type),
					Tag:  reflect.StructTag(fmt.Sprintf(`toml:%q`, key)),
				})
			}
		}
		return reflect.StructOf(fields)
	default:
		return t
	}
}

// FuzzTree holds what is there twice against go-toml: what that takes, the tree
// takes too. The other way round is FuzzLoad's.
func FuzzTree(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		src := newSource("mapping.toml", data)
		if src.badUTF8() >= 0 || src.hasBOM() {
			return
		}
		probs := newProblems(src)
		root := parse(src, probs)
		for _, p := range probs.list {
			checkPlace(t, data, p)
		}
		var anything map[string]any
		err := toml.Unmarshal(data, &anything)
		if err == nil && len(probs.list) > 0 {
			t.Errorf("go-toml takes it, the tree has %v", probs.list)
		}
		if root != nil {
			checkTree(t, root, root)
		}
	})
}

// checkTree wants every node to be found by its own key.
func checkTree(t *testing.T, root, n *node) {
	t.Helper()
	for _, kid := range n.items {
		checkTree(t, root, kid)
	}
	for _, key := range n.keys {
		checkTree(t, root, n.kids[key])
	}
	if path := n.path(); n.parent == root && len(path) < maxPath && n.name != "" {
		if at, rest := root.find(path); at != n || rest != "" {
			t.Errorf("%s leads to %s, rest %s", path, at.path(), rest)
		}
	}
}
