package sip

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestWhoFailsOnANewAlgorithmIsOfferedTheOldOne(t *testing.T) {
	t.Parallel()
	a := &authenticator{passwords: map[string]string{"2001": "x"}}
	now := time.Now()
	phone := attempt{"2001", netip.MustParseAddr("192.0.2.1")}
	other := attempt{"2001", netip.MustParseAddr("192.0.2.2")}
	nobody := attempt{"3001", phone.source}
	both, old := []string{"SHA-256", "MD5"}, []string{"MD5"}
	const register, message = true, false
	for i, row := range []struct {
		who      attempt
		register bool
		after    time.Duration
		want     []string
	}{
		{phone, message, 0, both},
		{phone, register, 0, both},
		{phone, message, 0, both},
		{other, register, 0, both},
		{phone, register, time.Minute, old},
		{phone, message, time.Minute, old},
		{phone, register, 10 * time.Minute, old},
		{phone, register, 10 * time.Minute, old}, // it goes on as long as it comes
		{phone, register, offerTime, both},
		{phone, message, 0, both},
		{nobody, register, 0, both},
		{nobody, register, 0, both},
	} {
		now = now.Add(row.after)
		if got := a.algorithms(row.who, row.register, now); !slices.Equal(got, row.want) {
			t.Errorf("%d: %v is offered %v, want %v", i, row.who, got, row.want)
		}
	}
	a.canSHA256(phone)
	if got := a.algorithms(phone, register, now); !slices.Equal(got, both) {
		t.Errorf("where SHA-256 has worked: %v", got)
	}
}

func TestOffersAreBounded(t *testing.T) {
	t.Parallel()
	a := &authenticator{passwords: map[string]string{"2001": "x"}}
	for i := range 3 * maxOffers {
		source := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		a.algorithms(attempt{"2001", source}, true, time.Now())
	}
	if n := len(a.offers.made); n > maxOffers {
		t.Errorf("%d offers are remembered, want at most %d", n, maxOffers)
	}
}
