package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestOnlySoManyWaysAreRemembered(t *testing.T) {
	t.Parallel()
	var k knownWays
	names := func(i int) way {
		return way{Party{Address: Address{"pbx", fmt.Sprint(i)}}, Address{"pbx", "to"}}
	}
	for i := range 3*maxKnownWays + 1 {
		want := []Target{{To: Party{Display: fmt.Sprint(i)}}}
		k.note(names(i), want)
		if got, ok := k.of(names(i)); !ok || !slices.Equal(got, want) {
			t.Fatalf("of %d it knows %v", i, got)
		}
		if len(k.known) > maxKnownWays {
			t.Fatalf("%d ways", len(k.known))
		}
	}
	if _, ok := k.of(names(0)); ok {
		t.Error("the first is known, behind so many")
	}
	for _, long := range []way{
		{Party{Address: Address{"pbx", strings.Repeat("x", maxWayNames+1)}}, Address{}},
		{Party{Display: strings.Repeat("x", maxWayNames+1)}, Address{}},
		{Party{}, Address{"pbx", strings.Repeat("x", maxWayNames+1)}},
	} {
		if k.note(long, nil); len(k.known) != 1 {
			t.Error("a long name is remembered")
		}
	}
}
