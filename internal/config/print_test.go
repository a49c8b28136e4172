package config

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestPrintShowsEverything(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/good.toml")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := mustLoad(t, string(data)).Print(&b); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/good.print"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

// reprint loads what Print wrote and prints that.
func reprint(t *testing.T, f *File) (first, second string) {
	t.Helper()
	var a, b strings.Builder
	if err := f.Print(&a); err != nil {
		t.Fatal(err)
	}
	l := fakeLoader("mapping.toml")
	l.secrets.dir = "" // file names are whole by now
	again, problems := l.load([]byte(a.String()))
	if again == nil {
		t.Fatalf("can't load what was printed: %v\n%s", problems, &a)
	}
	if err := again.Print(&b); err != nil {
		t.Fatal(err)
	}
	return a.String(), b.String()
}

func TestWhatIsPrintedIsAMappingFile(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"small":                   small,
		"a default that is unset": small + "[sip.b]\nlisten = ['x']\npeer = 'x'\ndomain = ''\nwait = '1h30m0.5s'",
		"odd text":                small + "name = \"\\u0007\\n\\\\ \\\" \\t \\U000E0001 \\r é\"\nas = { \"\" = \"x\", \"a.b\" = \"\" }",
		"no table":                "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if first, second := reprint(t, mustLoad(t, text)); first != second {
				t.Errorf("first\n%s\nthen\n%s", first, second)
			}
		})
	}
}

// full is a disk without room.
type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestPrintTellsOfAFailedWrite(t *testing.T) {
	t.Parallel()
	if err := mustLoad(t, small).Print(full{}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

func TestDurationsPrintShort(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: `"0s"`, 30 * time.Second: `"30s"`, 72 * time.Hour: `"72h"`, 90 * time.Minute: `"1h30m"`,
		10 * time.Minute: `"10m"`, time.Hour + time.Second: `"1h0m1s"`, 1500 * time.Millisecond: `"1.5s"`,
	} {
		if got := quoteDuration(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}
