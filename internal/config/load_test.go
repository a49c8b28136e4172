package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the problems that were found into testdata")

// TestProblems compares what is found in testdata/NAME.toml with
// testdata/NAME.problems.
func TestProblems(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, problems := fakeLoader(filepath.Base(file)).load(data)
			var b strings.Builder
			usable := true
			for _, p := range problems {
				b.WriteString(p.String() + "\n")
				usable = usable && p.Warn
			}
			if usable != (f != nil) {
				t.Errorf("a file is given: %v, with these problems:\n%s", f != nil, &b)
			}
			beside := strings.TrimSuffix(file, ".toml") + ".problems"
			if *update {
				if err := os.WriteFile(beside, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(beside)
			if err != nil {
				t.Fatal(err)
			}
			if got := b.String(); got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
