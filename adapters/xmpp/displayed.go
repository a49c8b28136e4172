package xmpp

import (
	"slices"

	"gateway/bridge"
)

// maxUnseenEach bounds the texts of one party to another that are remembered as
// not displayed yet; older ones wait for a marker of their own.
const maxUnseenEach = 32

// awaitDisplay notes that the recipient has a text, which is in no thread, and
// that its writer wants to know when it is displayed.
func (a *Adapter) awaitDisplay(ours, theirs bridge.Name, id string) {
	a.unseen.update(func(ids []string) []string {
		if slices.Contains(ids, id) {
			return ids
		}
		ids = append(slices.Clone(ids), id)
		return ids[max(len(ids)-maxUnseenEach, 0):]
	}, pair(ours, theirs)...)
}

// displayed gives the texts that a marker is about: the one it names and those
// before it, the oldest first (XEP-0333). In a thread it stands for nothing else.
func (a *Adapter) displayed(ours, theirs bridge.Name, id, thread string) []string {
	seen := []string{id}
	if thread != "" {
		return seen
	}
	a.unseen.update(func(ids []string) []string {
		n := slices.Index(ids, id) + 1
		if n > 0 {
			seen = ids[:n:n]
		}
		return ids[n:]
	}, pair(ours, theirs)...)
	return seen
}

// neverDisplayed takes back a text that was refused after all.
func (a *Adapter) neverDisplayed(ours, theirs bridge.Name, id string) {
	a.unseen.update(func(ids []string) []string {
		return slices.DeleteFunc(slices.Clone(ids), func(s string) bool { return s == id })
	}, pair(ours, theirs)...)
}

// pair is a key for what is between two parties.
func pair(ours, theirs bridge.Name) []string {
	return []string{formatAddress(bare(ours)), formatAddress(bare(theirs))}
}
