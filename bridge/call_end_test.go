package bridge

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestACallThatBreaksAtItsEndIsWaitedForNoLonger(t *testing.T) {
	t.Parallel()
	book := &bytes.Buffer{}
	table := &calls{live: map[*call]Address{}, sender: map[Address]int{}, trips: map[trip]*call{}, caps: newCapLedger(nil, nil)}
	c := &call{table: table, log: slog.New(slog.NewTextHandler(book, nil)), box: newMailbox()}
	who := Address{"left", "l1"}
	table.live[c], table.sender[who] = who, 1
	table.wg.Add(1)
	c.finish() // it has no record: that is a fault
	table.wg.Wait()
	if table.count() != 0 || !strings.Contains(book.String(), "call broke at its end") {
		t.Errorf("%d calls are left, said:\n%s", table.count(), book)
	}
}
