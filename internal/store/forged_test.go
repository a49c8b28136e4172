package store

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// written is a text that has frames in it, as somebody may write it who knows how they look: one
// for each use of a file that could be read next.
func written(epoch uint64) []byte {
	text := []byte(strings.Repeat("harmless ", 20))
	for use := range uint64(8) {
		text = frame{kind: frameRecord, seq: 1000 + epoch + use, epoch: epoch + use, data: []byte("forged")}.append(text)
	}
	return text
}

// TestNobodyWritesRecordsOfOthers: what is left in a file of an earlier use is searched, for it may be
// what is damaged. Nobody's text shall be taken for a record there, with any sender's name.
func TestNobodyWritesRecordsOfOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := halted(t, dir)
	// Somebody guesses which use of the files it is: all that there were since they are there.
	for use := range uint64(8) {
		if _, err := s.Outbox.Append(t.Context(), written(8*use)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // so that this file is the front once more, and begins anew
		put(t, s.Outbox, "m")
		s.Outbox.move(t.Context())
	}
	for _, found := range contents(t, open(t, image(t, dir))) {
		if _, text, _ := strings.Cut(found, "="); text == "forged" {
			t.Errorf("found %s", found)
		}
	}
}

func TestAForgedUseOfAFileIsNoneWhereTheBeginningIsDamaged(t *testing.T) {
	t.Parallel()
	b := frame{kind: frameBegin, epoch: 7, seq: 1}.append(nil)
	clear(b)
	for i := range 3 {
		b = frame{kind: frameRecord, epoch: 7, seq: uint64(i + 1), data: fmt.Append(nil, "m", i)}.append(b)
	}
	b = append(b, "the rest of a text "...)
	b = frame{kind: frameRecord, epoch: 1 << 63, seq: 9, data: []byte("forged")}.append(b)
	all, damaged := parseFront(b)
	if len(all) != 3 || !damaged || !bytes.Equal(all[2].data, []byte("m2")) {
		t.Errorf("%d frames: %+v", len(all), all)
	}
}
