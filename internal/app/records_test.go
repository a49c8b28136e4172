package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

func TestRecordsGoOnInAnotherFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "calls.jsonl")
	if err := os.WriteFile(name, []byte("zero\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := openRecords(name, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	write := func(line string) {
		t.Helper()
		if _, err := r.Write([]byte(line)); err != nil {
			t.Error(err)
		}
	}
	write("one\n")
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	write("two\n") // nobody has said that it was moved
	if err := r.reopen(); err != nil {
		t.Fatal(err)
	}
	write("three\n")
	r.close()
	write("four\n") // of a call that ends too late
	for file, want := range map[string]string{name + ".1": "zero\none\ntwo\n", name: "three\n"} {
		got, err := os.ReadFile(file)
		if err != nil || string(got) != want {
			t.Errorf("%s has %q, %v; want %q", filepath.Base(file), got, err, want)
		}
	}
}

func TestRecordsNeedNoFile(t *testing.T) {
	t.Parallel()
	r, err := openRecords("", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Write([]byte("gone\n")); err != nil {
		t.Error(err)
	}
	if err := r.reopen(); err != nil {
		t.Error(err)
	}
	r.close()
}

func TestRecordsThatCantBeOpenedAreTold(t *testing.T) {
	t.Parallel()
	if _, err := openRecords(filepath.Join(t.TempDir(), "no", "such", "place"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no error")
	}
}
