package transport

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge/media"
)

func TestFingerprintsAreComparedAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	der := []byte("a certificate")
	sum := func(name string) media.Fingerprint {
		return media.Fingerprint{Hash: name, Value: formatFingerprint(digest(name, der))}
	}
	lower := sum("sha-256")
	lower.Hash, lower.Value = "SHA-256", strings.ToLower(lower.Value)
	long := sum("sha-256")
	long.Value += ":00"
	joined := sum("sha-256")
	joined.Value = strings.ReplaceAll(joined.Value, ":", "-")
	sha1 := media.Fingerprint{Hash: "sha-1", Value: "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB"}
	other := media.Fingerprint{Hash: "sha-256", Value: formatFingerprint(digest("sha-256", []byte("another")))}
	for _, row := range []struct {
		name  string
		given []media.Fingerprint
		want  bool
	}{
		{"sha-256", []media.Fingerprint{sum("sha-256")}, true},
		{"sha-384", []media.Fingerprint{sum("sha-384")}, true},
		{"sha-512", []media.Fingerprint{sum("sha-512")}, true},
		{"in small letters", []media.Fingerprint{lower}, true},
		{"one of two", []media.Fingerprint{other, sum("sha-256")}, true},
		{"one of two hashes, the other broken", []media.Fingerprint{sha1, sum("sha-256")}, true},
		{"another's", []media.Fingerprint{other}, false},
		{"a hash that is broken", []media.Fingerprint{sha1}, false},
		{"too long", []media.Fingerprint{long}, false},
		{"other separators", []media.Fingerprint{joined}, false},
		{"empty", []media.Fingerprint{{}}, false},
		{"none", nil, false},
	} {
		if err := verify(der, row.given); (err == nil) != row.want {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestACertificateIsRenewedAndTheOldOneStillServes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := newSide(t, Config{}), newSide(t, Config{})
		old := server.Fingerprint()
		if server.Fingerprint() != old {
			t.Error("a certificate for every call")
		}
		time.Sleep(renewal)
		if server.Fingerprint() == old {
			t.Error("not renewed")
		}
		var up, down lane
		server.start(t, media.DTLS{Peer: []media.Fingerprint{client.Fingerprint()}, Local: old}, down.send)
		up.to.Store(server.handshake)
		client.start(t, media.DTLS{Client: true, Peer: []media.Fingerprint{old}}, up.send)
		down.to.Store(client.handshake)
		carries(t, client.keys(t), server.keys(t))
		client.end()
		server.end()
	})
}

func TestOneAssociationIsKeptAsLongAsItIsTheSame(t *testing.T) {
	t.Parallel()
	f := media.Fingerprint{Hash: "sha-256", Value: "AB"}
	h := &Handshake{said: media.DTLS{Client: true, Peer: []media.Fingerprint{f}}}
	for _, row := range []struct {
		name string
		d    media.DTLS
		want bool
	}{
		{"the same", media.DTLS{Client: true, Peer: []media.Fingerprint{f}}, true},
		{"the other way", media.DTLS{Peer: []media.Fingerprint{f}}, false},
		{"another peer", media.DTLS{Client: true, Peer: []media.Fingerprint{{Hash: "sha-256", Value: "CD"}}}, false},
		{"another of ours", media.DTLS{Client: true, Peer: []media.Fingerprint{f}, Local: f}, false},
	} {
		if h.Same(row.d) != row.want {
			t.Error(row.name)
		}
	}
}

func identityFor(t *testing.T) certificate {
	t.Helper()
	c, err := newCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return c
}
