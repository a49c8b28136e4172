package bridge

import (
	"slices"
	"strconv"

	"gateway/codec"
)

// live reports whether s is neither refused nor over.
func (s *Stream) live() bool { return slices.ContainsFunc(s.Formats, isSound) }

// live reports whether anything of d is.
func (d Description) live() bool {
	return slices.ContainsFunc(d, func(s Stream) bool { return s.live() })
}

// settle is what an answer can mean: for each stream of the offer, in its order, the
// formats that were offered. ok is false if nothing can be heard by it.
func settle(offer, answer Description) (d Description, ok bool) {
	d = make(Description, len(offer))
	for i, o := range offer {
		d[i] = Stream{ID: o.ID, Kind: o.Kind}
		at := slices.IndexFunc(answer, func(s Stream) bool { return s.ID == o.ID && s.Kind == o.Kind })
		if at < 0 {
			continue
		}
		d[i] = answer[at]
		d[i].Formats = slices.Grow([]codec.Format(nil), len(answer[at].Formats))
		for _, f := range answer[at].Formats {
			if has(o.Formats, f) {
				d[i].Formats = append(d[i].Formats, f)
			}
		}
		if !d[i].live() {
			d[i].Formats = nil
		}
	}
	return d, d.live()
}

func has(list []codec.Format, f codec.Format) bool {
	return slices.ContainsFunc(list, func(o codec.Format) bool { return o.Same(f) })
}

// covers reports whether a party that was told of d needs not be told of want:
// the same streams go the same ways, and d has every sound of want.
func (d Description) covers(want Description) bool {
	return slices.EqualFunc(d, want, func(s, w Stream) bool { return s.covers(w) })
}

func (s *Stream) covers(w Stream) bool {
	if s.Kind != w.Kind || s.live() != w.live() {
		return false
	}
	if !s.live() {
		return true
	}
	return s.Dir == w.Dir && !slices.ContainsFunc(w.Formats, func(f codec.Format) bool {
		return isSound(f) && !has(s.Formats, f)
	})
}

// awake is d with every stream that is not over going both ways: all that a
// party can who was on hold.
func (d Description) awake() Description {
	out := slices.Clone(d)
	for i := range out {
		out[i].Dir = SendReceive
	}
	return out
}

// A slot is a stream of a leg: the n-th of its kind. The streams of two legs
// that are the same slot belong together, whatever their IDs.
type slot struct {
	kind codec.Kind
	n    int
}

// slots gives the slot of each stream of d.
func (d Description) slots() []slot {
	list := make([]slot, len(d))
	for i, s := range d {
		list[i].kind = s.Kind
		for _, before := range d[:i] {
			if before.Kind == s.Kind {
				list[i].n++
			}
		}
	}
	return list
}

// as is d in the terms of a leg whose streams are known by own: each slot has
// the ID and the place that it has there. What own has and d has not is
// refused; what is new comes last.
func (d Description) as(own Description) Description {
	if len(own) == 0 {
		return d
	}
	theirs, ours := d.slots(), own.slots()
	out := make(Description, 0, max(len(d), len(own)))
	for i, at := range ours {
		s := Stream{Kind: at.kind}
		if j := slices.Index(theirs, at); j >= 0 {
			s = d[j]
		}
		s.ID = own[i].ID
		out = append(out, s)
	}
	for j, at := range theirs {
		if !slices.Contains(ours, at) {
			s := d[j]
			s.ID = out.newID(s.ID)
			out = append(out, s)
		}
	}
	return out
}

// newID is id, or another if d has it already.
func (d Description) newID(id string) string {
	taken := func(id string) bool {
		return slices.ContainsFunc(d, func(s Stream) bool { return s.ID == id })
	}
	for n := len(d); taken(id); n++ {
		id = strconv.Itoa(n)
	}
	return id
}

// both reports whether sound goes both ways in some stream of d.
func (d Description) both() bool {
	return slices.ContainsFunc(d, func(s Stream) bool { return s.live() && s.Dir == SendReceive })
}

// still reports whether d lets nothing go at all.
func (d Description) still() bool {
	return !slices.ContainsFunc(d, func(s Stream) bool { return s.live() && s.Dir != Inactive })
}

// reaches reports whether a party that has said d may send to one that has said
// other, in some stream.
func (d Description) reaches(other Description) bool {
	theirs := other.slots()
	for i, at := range d.slots() {
		j := slices.Index(theirs, at)
		if j >= 0 && d[i].live() && other[j].live() && d[i].Dir.Sends() && other[j].Dir.Reverse().Sends() {
			return true
		}
	}
	return false
}
