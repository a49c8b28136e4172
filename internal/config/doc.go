// Package config reads the mapping file: TOML in, checked values out, and every
// mistake at once with its line and column. It opens no socket and changes
// nothing.
//
// The way of a file: source knows where lines begin; tree.go builds nodes with
// their positions and finds what is there twice; decode.go puts the nodes into
// structs by their toml tags and finds unknown keys and wrong types; check.go
// and the adapters' own Check look for mistakes of meaning; maps.go has the
// router made. Problems of all these steps are sorted and handed out together,
// save for a mistake of syntax, behind which nothing can be trusted.
package config
