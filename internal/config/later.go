package config

import "slices"

// later lists what the design has and this version does not: such a key is
// refused with a text of its own, so that nobody looks for a typing mistake.
// Adapters list theirs in an optional method NotYet. A key leaves this list
// when it is built.
func later() map[string]bool {
	set := map[string]bool{}
	for _, key := range slices.Concat(
		// kinds of adapters and tables
		[]string{"room"},
		[]string{"gateway.key_file"},
		[]string{"map[].video"},
	) {
		set[key] = true
	}
	return set
}

// A notYetter is a bridge.Config that lists the keys of its table that are
// planned but not built, as in "codecs" or "lines.*.expires" ("*" is a name of
// the user's, "[]" an element).
type notYetter interface{ NotYet() []string }
