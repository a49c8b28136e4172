package xmpp

import (
	"fmt"
	"testing"
)

func TestTheNewestAndTheOftenAskedForAreRemembered(t *testing.T) {
	t.Parallel()
	r := newRecent[int](10)
	r.put(-1, "a", "b")
	for i := range 1000 {
		r.put(i, fmt.Sprint(i))
		if v, ok := r.get("a", "b"); v != -1 || !ok {
			t.Fatalf("after %d: %v, %v", i, v, ok)
		}
		if v, ok := r.get(fmt.Sprint(max(i-4, 0))); !ok || v != max(i-4, 0) {
			t.Fatalf("%d of %d: %v, %v", i-4, i, v, ok)
		}
		if n := len(r.young) + len(r.old); n > 20 {
			t.Fatalf("%d are kept", n)
		}
	}
	if v, ok := r.get("1"); ok {
		t.Errorf("1 is still %v", v)
	}
	if _, ok := r.get("ab"); ok {
		t.Error("the parts of a key run together")
	}
}
