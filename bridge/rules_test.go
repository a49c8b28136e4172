package bridge_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rank says which of our packages stand how far to the left: each imports only
// what stands to its right. Who shares a rank does not see each other.
func rank(pkg string) int {
	fixed := []string{"", "internal/app", "internal/config", "adapters", "adapters/", "bridge", "bridge/datagram", "bridge/media/child",
		"bridge/media/relay", "bridge/media/mix", "bridge/media/convert", "bridge/media/transport", "bridge/media/rtp", "bridge/media", "codec/sound", "codec/",
		"codec/bits", "codec"}
	switch {
	case strings.HasPrefix(pkg, "codec/") && !slices.Contains(fixed, pkg):
		return slices.Index(fixed, "codec/")
	case strings.HasPrefix(pkg, "adapters/"), pkg == "internal/store", pkg == "internal/web":
		return slices.Index(fixed, "adapters/")
	default:
		return slices.Index(fixed, pkg)
	}
}

// forTests are the packages that only tests and the demo import.
func forTests(pkg string) bool {
	return slices.Contains([]string{"internal/peer", "internal/e2e", "internal/demo", "internal/bench", "bridge/bridgetest", "bridge/media/mediatest", "codec/codectest"}, pkg)
}

func mayImport(from, to string) bool {
	switch {
	case forTests(from):
		return true
	case forTests(to):
		return false
	case from == "internal/app" && strings.HasPrefix(to, "internal/"):
		return true // it joins them
	case adapterOf(from) != "" && adapterOf(from) == adapterOf(to):
		return true // an adapter and what stands in its folder
	case strings.HasPrefix(from, "codec/") && strings.HasPrefix(to, from+"/"):
		return true // a format and its tables
	default:
		return rank(from) >= 0 && rank(to) > rank(from)
	}
}

// adapterOf is the folder of the adapter that a package belongs to, or "".
func adapterOf(pkg string) string {
	parts := strings.SplitN(pkg, "/", 3)
	if len(parts) < 2 || parts[0] != "adapters" {
		return ""
	}
	return parts[1]
}

// goFiles calls f for every Go file of the module that is no test.
func goFiles(t *testing.T, f func(pkg, file string)) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || path != ".." && strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			pkg, err := filepath.Rel("..", filepath.Dir(path))
			if err != nil {
				return err
			}
			if pkg == "." {
				pkg = ""
			}
			f(filepath.ToSlash(pkg), path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	seen := 0
	goFiles(t, func(pkg, file string) {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, imp := range tree.Imports {
			to, ours := strings.CutPrefix(strings.Trim(imp.Path.Value, `"`), "gateway/")
			if !ours {
				continue
			}
			seen++
			if !mayImport(pkg, to) {
				t.Errorf("%s: %q may not import %q", file, pkg, to)
			}
		}
	})
	if seen < 10 {
		t.Errorf("only %d imports seen: this test looks in the wrong place", seen)
	}
}

func TestTheImportRuleBites(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		from, to string
		want     bool
	}{
		{"", "internal/app", true},
		{"internal/app", "adapters", true},
		{"adapters", "adapters/one", true},
		{"adapters/one", "bridge", true},
		{"adapters/one", "adapters/one/wire", true},
		{"bridge", "bridge/media", true},
		{"adapters/one", "adapters/other", false},
		{"adapters/one", "internal/config", false},
		{"bridge", "adapters/one", false},
		{"bridge", "internal/store", false},
		{"bridge", "bridge/media/rtp", true},
		{"bridge/media/relay", "bridge/media/transport", true},
		{"adapters/one/calls", "adapters/one/wire", true},
		{"adapters/one/wire", "adapters/other/wire", false},
		{"bridge/media", "bridge", false},
		{"codec/sound", "codec/one", true},
		{"codec/one", "codec", true},
		{"codec/one", "codec/other", false},
		{"codec/one", "codec/bits", true},
		{"codec/bits", "codec/one", false},
		{"codec/one", "codec/one/tables", true},
		{"codec/one", "codec/other/tables", false},
		{"bridge/media/rtp", "bridge/media/relay", false},
		{"internal/app", "internal/peer", false},
		{"adapters/one", "bridge/bridgetest", false},
	} {
		if got := mayImport(row.from, row.to); got != row.want {
			t.Errorf("%q importing %q: %v, want %v", row.from, row.to, got, row.want)
		}
	}
}

// networkWords stand in no identifier, string or comment of the core. Short
// ones count as whole words or as parts of a camel-case name only: "mesh" is
// no part of "themesHere".
var networkWords = regexp.MustCompile(
	`(?i:\b(sip|sdp|xmpp|jingle|jid|stanza|osc|rtmp|mesh)s?\b)` +
		`|(?i:xmpp|jingle|stanza|rtmp)` +
		`|(^|[a-z0-9_])(Sip|SIP|Sdp|SDP|Jid|JID|Osc|OSC|Mesh)([A-Z0-9_]|$)` +
		`|\b(sip|sdp|jid|osc|mesh)[A-Z0-9_]`)

func TestTheCoreHasNoNetworksWords(t *testing.T) {
	t.Parallel()
	seen := 0
	goFiles(t, func(pkg, file string) {
		if pkg != "bridge" && pkg != "bridge/bridgetest" {
			return
		}
		seen++
		data, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			return
		}
		for i, line := range strings.Split(string(data), "\n") {
			if word := networkWords.FindString(line); word != "" {
				t.Errorf("%s:%d: %q", file, i+1, word)
			}
		}
	})
	if seen < 10 {
		t.Errorf("only %d files seen: this test looks in the wrong place", seen)
	}
}

func TestTheWordRuleBites(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a SIP phone", "sipURI", "parseSIP", "StanzaError", "rtmps", "an OSC group", "bareJID", "jidOf", "the mesh"} {
		if !networkWords.MatchString(text) {
			t.Errorf("%q passes", text)
		}
	}
	for _, text := range []string{"gossip", "oscillate", "insipid", "compare", "themesHere"} {
		if networkWords.MatchString(text) {
			t.Errorf("%q does not pass", text)
		}
	}
}

// TestExportedNamesAreDocumented holds every package that is no test to it.
func TestExportedNamesAreDocumented(t *testing.T) {
	t.Parallel()
	goFiles(t, func(pkg, file string) {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Error(err)
			return
		}
		for _, d := range tree.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && !isInterfaceMethod(d) {
					t.Errorf("%s: %s has no doc comment", file, d.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if ts, ok := s.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil {
						t.Errorf("%s: %s has no doc comment", file, ts.Name)
					}
				}
			}
		}
	})
}

// isInterfaceMethod reports whether d is a method of an unexported type: what
// it does, its interface says.
func isInterfaceMethod(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return false
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	id, ok := t.(*ast.Ident)
	return ok && !id.IsExported()
}
