package bridge

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomSpecs makes maps of pieces that are likely to get into each other's
// way. They have neither `from`, `allow` nor `shown`.
func randomSpecs(rnd *rand.Rand) []MapSpec {
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	specs := make([]MapSpec, 1+rnd.IntN(6))
	for i := range specs {
		x := pick("a", "b", "1", "a1", "{x}", "{x:[ab]+}", "{x:[0-9]}", "{x:[ab1-3]+}", "{x:[ab]}-{y:[ab-]+}", "{x}-{y}")
		again := x
		if len(x) > 3 && x[len(x)-2:] == "y}" && rnd.IntN(2) == 0 {
			again = "{y}-{x}"
		}
		spec := MapSpec{As: map[string]string{}}
		for _, adapter := range []string{"chat", "pbx", "flash", "jam"} {
			put := func(s string) string {
				s = pick("", "", "", "a", "1") + s
				switch adapter {
				case "chat":
					return s + "@example.org"
				case "jam":
					return pick(s, s+"@g")
				}
				return s
			}
			if rnd.IntN(2) == 0 {
				spec.Home = append(spec.Home, adapter+":"+put(pick(x, again)))
			}
			if rnd.IntN(3) > 0 {
				spec.As[adapter] = put(pick(x, again))
				if adapter == "chat" {
					spec.As[adapter] = pick(x, "p"+again) + "@phones.example.org"
				}
			}
		}
		specs[i] = spec
	}
	return specs
}

// randomAddress makes a name that the maps of randomSpecs may know.
func randomAddress(rnd *rand.Rand) Address {
	b := make([]byte, 1+rnd.IntN(5))
	for i := range b {
		b[i] = "ab12-"[rnd.IntN(5)]
	}
	switch rnd.IntN(5) {
	case 0:
		return Address{"chat", string(b) + "@example.org"}
	case 1:
		return Address{"chat", string(b) + "@phones.example.org"}
	case 2:
		return Address{"pbx", string(b)}
	case 3:
		return Address{"flash", string(b)}
	}
	return Address{"jam", string(b) + []string{"", "@g"}[rnd.IntN(2)]}
}

// slowly is Route without an index, for maps without `from`, `allow` and
// `shown`, and word for word as the mapping file's description has it.
type slowly struct{ r *Router }

func (s slowly) homesOf(name spot) (homes []spot, ok bool) {
	for _, m := range s.r.maps {
		b := make([]string, s.r.width)
		if p := m.as[name.at.adapter]; p == nil || !p.match(name.name, b) {
			continue
		}
		for _, h := range m.homes {
			if n, err := h.p.build(h.at.naming, b); err == nil {
				homes = append(homes, spot{h.at, n})
			}
		}
		return homes, true
	}
	return nil, false
}

// partiesAt gives the homes of each party that lives at name.
func (s slowly) partiesAt(name spot) (parties [][]spot) {
	for _, m := range s.r.maps {
		for _, h := range m.homes {
			b := make([]string, s.r.width)
			if h.at != name.at || !h.p.match(name.name, b) {
				continue
			}
			var homes []spot
			for _, o := range m.homes {
				if n, err := o.p.build(o.at.naming, b); err == nil {
					homes = append(homes, spot{o.at, n})
				}
			}
			parties = append(parties, homes)
		}
	}
	return parties
}

func (s slowly) nameOf(sender spot, at *space) (spot, bool) {
	if sender.at == at && !at.naming.Foreign {
		return sender, true
	}
	for _, m := range s.r.maps {
		for _, h := range m.homes {
			b := make([]string, s.r.width)
			p := m.as[at.adapter]
			if p == nil || h.at != sender.at || !h.p.match(sender.name, b) {
				continue
			}
			n, err := p.build(at.naming, b)
			name := spot{at, n}
			if err != nil || len(p.vars) > 0 && s.borrowed(name, sender) {
				return spot{}, false
			}
			homes, _ := s.homesOf(name)
			return name, slices.ContainsFunc(homes, sender.is)
		}
	}
	return spot{}, false
}

func (s slowly) borrowed(name, sender spot) bool {
	parties := s.partiesAt(name)
	own := slices.ContainsFunc(parties, func(homes []spot) bool { return slices.ContainsFunc(homes, sender.is) })
	return len(parties) > 0 && !own
}

func (s slowly) route(sender, dest spot) (targets []Target, found bool) {
	homes, found := s.homesOf(dest)
	for i, h := range homes {
		if h.is(sender) || slices.Contains(homes[:i], h) {
			continue
		}
		if name, ok := s.nameOf(sender, h.at); ok {
			targets = append(targets, Target{From: Party{Address: name.address()}, To: Party{Address: h.address()}})
		}
	}
	return targets, found
}

func TestRandomMapsRouteAsTheyReadAndLeadBack(t *testing.T) {
	t.Parallel()
	const seed = 7
	rnd := rand.New(rand.NewPCG(seed, seed))
	routers, routed, shown, refused := 0, 0, 0, 0
	for range 600 {
		r, _ := NewRouter(randomSpecs(rnd), fakes())
		if r == nil {
			continue
		}
		routers++
		for range 60 {
			from, to := randomAddress(rnd), randomAddress(rnd)
			sender, err1 := r.locate(from)
			dest, err2 := r.locate(to)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			want, found := slowly{r}.route(sender, dest)
			got, err := r.Route(Party{Address: from}, to)
			if !slices.Equal(got, want) {
				t.Fatalf("%s to %s: got %v (%v), want %v, of\n%v", from, to, got, err, want, r.maps)
			}
			var e *Error
			switch {
			case err == nil:
				routed++
			case !errors.As(err, &e) || (e.Cause == NotFound) == found:
				t.Fatalf("%s to %s: %v", from, to, err)
			default:
				refused++
			}
			for _, g := range got {
				if g.From.Address == from {
					continue
				}
				shown++
				back, err := r.locate(g.From.Address)
				if homes, _ := (slowly{r}).homesOf(back); err != nil || !slices.ContainsFunc(homes, sender.is) {
					t.Fatalf("%s is shown as %s, which leads to %v", from, g.From, homes)
				}
			}
		}
	}
	if routers < 100 || routed < 100 || shown < 100 || refused < 100 {
		t.Errorf("too few: %d routers, %d routed, %d shown, %d refused", routers, routed, shown, refused)
	}
}

// The checks try examples, so they may miss a refusal, but hardly ever.
func TestMapsWithoutWarningsRefuseNoName(t *testing.T) {
	t.Parallel()
	const seed = 9
	rnd := rand.New(rand.NewPCG(seed, seed))
	quiet, missed := 0, 0
	for range 1200 {
		specs := randomSpecs(rnd)
		r, problems := NewRouter(specs, fakes())
		if r == nil || len(problems) > 0 {
			continue
		}
		quiet++
		if who, err := refusedName(t, r, rnd); err != nil {
			missed++
			t.Logf("%s: %v, of %+v", who, err, specs)
		}
	}
	if quiet < 200 || missed > quiet/500 {
		t.Errorf("of %d routers %d refuse a name without a warning", quiet, missed)
	}
}

func refusedName(t *testing.T, r *Router, rnd *rand.Rand) (Address, error) {
	for range 100 {
		a := randomAddress(rnd)
		sender, err := r.locate(a)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range r.adapters {
			if _, err := r.nameOf(sender, at); errors.Is(err, errBorrowed) || errors.Is(err, errAstray) {
				return a, err
			}
		}
	}
	return Address{}, nil
}
