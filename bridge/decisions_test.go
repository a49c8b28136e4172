package bridge_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// decisionWord is how a comment or document speaks of a decision; decisionMark is how
// one decision speaks of another.
var (
	decisionWord = regexp.MustCompile(`[Dd]ecisions?(?: records?)?[ /]([0-9]{3})\b`)
	decisionMark = regexp.MustCompile(`\(([0-9]{3})\)`)
)

// decisionsNamed are the numbers of decisions in the text of the file at path.
func decisionsNamed(path, text string) (all []string) {
	found := decisionWord.FindAllStringSubmatch(text, -1)
	if filepath.Base(filepath.Dir(path)) == "decisions" {
		found = append(found, decisionMark.FindAllStringSubmatch(text, -1)...)
	}
	for _, m := range found {
		all = append(all, m[1])
	}
	return all
}

// A decision has a number of its own, which its first line says, and who speaks of one
// speaks of one that there is.
func TestDecisionsHaveNumbers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("decisions/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d decisions: %v", len(files), err)
	}
	known := map[string]string{}
	for _, file := range files {
		number, _, _ := strings.Cut(filepath.Base(file), "-")
		if other := known[number]; other != "" {
			t.Errorf("%s and %s have one number", other, file)
		}
		known[number] = file
		if text := readText(t, file); !strings.HasPrefix(text, "# "+number+": ") {
			t.Errorf("%s does not begin with its number", file)
		}
	}
	named := 0
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch ext := filepath.Ext(path); {
		case err != nil:
			return err
		case d.IsDir() && path != ".." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || ext != ".go" && ext != ".md" && ext != ".toml":
			return nil
		}
		for _, number := range decisionsNamed(path, readText(t, path)) {
			named++
			if known[number] == "" {
				t.Errorf("%s speaks of decision %s, which there is not", path, number)
			}
		}
		return nil
	})
	if err != nil || named == 0 {
		t.Errorf("%d decisions are spoken of: %v", named, err)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheDecisionRuleBites(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ path, text, want string }{
		{"../README.md", "see decision 042, or bridge/decisions/017-calls-have-a-lock.md", "042 017"},
		{"../adapters/rtmp/wire/doc.go", "the decision record 030 (488)", "030"},
		{"decisions/007-x.md", "answered with 480; calls came (017)", "017"},
	} {
		if got := strings.Join(decisionsNamed(row.path, row.text), " "); got != row.want {
			t.Errorf("%q of %s: %q, want %q", row.text, row.path, got, row.want)
		}
	}
}
