package sip

import (
	"cmp"
	"slices"
	"strconv"

	"gateway/adapters/sip/dialog"
	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

// maxWishes bounds the addresses of a redirection that are looked at.
const maxWishes = 8

// insteadOf are the names that a redirection leads to, the preferred first (RFC 3261
// sections 8.1.3.4 and 20.10). What counts of an address is whom it names here, as with
// a REFER: the maps say where that is, and no host is asked but by them. A 305 wants
// another way, not another party.
func (s *settings) insteadOf(ev dialog.Ended) []string {
	if ev.Message == nil || ev.Status < 300 || ev.Status > 302 {
		return nil
	}
	type wish struct {
		name string
		q    float64
	}
	var wishes []wish
	for _, v := range ev.Message.All("Contact") {
		all, err := wire.ParseAddresses(v)
		if err != nil {
			continue
		}
		for _, a := range all[:min(len(all), maxWishes)] {
			if a.Address.Scheme != "sip" && a.Address.Scheme != "sips" && a.Address.Scheme != "tel" {
				continue
			}
			name, err := s.nameOf(&a.Address)
			if err != nil || name == "" || len(wishes) == maxWishes {
				continue
			}
			q := 1.0
			if text, ok := a.Params.Get("q"); ok {
				if q, err = strconv.ParseFloat(text, 64); err != nil || !(q >= 0 && q <= 1) {
					q = 0
				}
			}
			wishes = append(wishes, wish{name, q})
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.q, a.q) })
	var names []string
	for _, w := range wishes {
		if !slices.Contains(names, w.name) {
			names = append(names, w.name)
		}
	}
	return names
}

// diversions say who has sent a call on, the last first (RFC 5806 section 4). Why, nobody
// has said. Only names of our own mean anything there.
func (e *engine) diversions(p *place, forwarders []bridge.Address) ([]wire.Field, error) {
	var all []wire.Field
	for _, f := range forwarders {
		name, err := e.set.naming.Parse(f.Name)
		if err != nil || f.Adapter != e.env.Name {
			continue
		}
		host, err := e.local(p)
		if err != nil {
			return nil, err
		}
		all = append(all, wire.Field{Name: "Diversion", Value: "<" + e.set.uri(name, cmp.Or(e.set.domain, host)) + ">;reason=unknown;counter=1"})
	}
	return all, nil
}

// maxDiverted is how many of those are noted who have sent a call on before it came here.
const maxDiverted = 4

// diverted are those who have sent a call on that comes from the peer, the last first (RFC
// 5806 section 4). A phone is not asked, and nobody speaks for those who have a password here.
func (x *exchange) diverted() (all []bridge.Address) {
	if x.from.account != "" {
		return nil
	}
	for _, v := range x.m.All("Diversion") {
		values, err := wire.ParseAddresses(v)
		if err != nil {
			continue
		}
		for _, a := range values {
			name, err := x.e.set.nameOf(&a.Address)
			if err != nil || name == "" || a.Address.Wildcard || len(all) == maxDiverted {
				continue
			}
			if _, account := x.e.set.passwords[name]; !account {
				all = append(all, bridge.Address{Adapter: x.e.env.Name, Name: name})
			}
		}
	}
	return all
}
