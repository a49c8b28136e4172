package bridge

// Namer is what the router and the mapping file's checks need to know of an
// adapter's names before the adapter exists.
type Namer interface {
	Naming() Naming
	// CheckName says what is wrong with a map's use of a name on this
	// adapter, or "".
	CheckName(r Role, p Pattern) string
	// Own lists the names that we hold in the adapter's network ourselves
	// (lines registered there), in text form. A home should not be one.
	Own() []string
}

// A Role is what a map uses a name for.
type Role uint8

// The roles.
const (
	RoleHome  Role = iota + 1 // where a party lives
	RoleAs                    // what a party is called elsewhere
	RoleFrom                  // limits whom the map takes messages from
	RoleAllow                 // limits who may use the map
	RoleShown                 // what every sender is called there
)

// Config is what one adapter's table in the mapping file decodes into: a
// pointer to a struct with `toml` tags and its defaults filled in. A field of
// type Secret named x also takes its value from x_file, or from the
// environment by "${NAME}".
type Config interface {
	Namer
	// Check reports every mistake of meaning. key is relative to the table,
	// as in "listen[1]" or "lines.7001.user".
	Check(bad func(key, msg string))
}
