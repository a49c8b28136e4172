package mesh

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A fakeRouter maps ports, on loopback.
type fakeRouter struct {
	*httptest.Server
	ssdp *net.UDPConn

	mu       sync.Mutex // guards the rest
	refusals []int      // codes, for the next mappings
	ports    map[string]string
	actions  []string
}

const upnpDescription = `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>
<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType><deviceList><device><deviceList><device>
<serviceList><service><serviceType>urn:schemas-upnp-org:service:WANPPPConnection:1</serviceType><controlURL>/no</controlURL></service>
<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>ctl/IPConn</controlURL></service></serviceList>
</device></deviceList></device></deviceList></device></root>`

func newFakeRouter(t *testing.T) *fakeRouter {
	f := &fakeRouter{ports: map[string]string{}}
	f.Server = httptest.NewServer(f)
	var err error
	if f.ssdp, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(f.answer)
	t.Cleanup(func() {
		f.ssdp.Close()
		all.Wait()
		f.Close()
	})
	return f
}

func (f *fakeRouter) at() netip.AddrPort { return netip.MustParseAddrPort(f.ssdp.LocalAddr().String()) }

// answer tells where the description is; before that, where another's is.
func (f *fakeRouter) answer() {
	buf := make([]byte, 2048)
	for {
		n, from, err := f.ssdp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if !strings.HasPrefix(string(buf[:n]), "M-SEARCH * HTTP/1.1\r\n") {
			continue
		}
		for _, location := range []string{"http://192.0.2.1/desc.xml", "file:///etc/passwd", f.URL + "/root/desc.xml"} {
			_, _ = f.ssdp.WriteToUDPAddrPort(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nLOCATION: %s\r\nST: x\r\n\r\n", location), from)
		}
	}
}

// ServeHTTP implements http.Handler.
func (f *fakeRouter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	field := func(name string) string {
		_, rest, _ := strings.Cut(string(body), "<"+name+">")
		value, _, _ := strings.Cut(rest, "</")
		return value
	}
	switch {
	case r.URL.Path == "/root/desc.xml":
		_, _ = io.WriteString(w, upnpDescription)
		return
	case r.URL.Path != "/root/ctl/IPConn":
		http.NotFound(w, r)
		return
	}
	_, action, _ := strings.Cut(strings.Trim(r.Header.Get("SOAPAction"), `"`), "#")
	f.actions = append(f.actions, action+" "+field("NewExternalPort")+" "+field("NewLeaseDuration"))
	if len(f.refusals) > 0 {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>%d</errorCode></UPnPError></detail></s:Fault></s:Body></s:Envelope>`, f.refusals[0])
		f.refusals = f.refusals[1:]
		return
	}
	switch action {
	case "AddPortMapping":
		f.ports[field("NewExternalPort")] = field("NewInternalClient") + ":" + field("NewInternalPort")
	case "DeletePortMapping":
		delete(f.ports, field("NewExternalPort"))
	}
}

func TestARouterMapsAPort(t *testing.T) {
	t.Parallel()
	f := newFakeRouter(t)
	r, err := findRouter(t.Context(), f.at())
	if err != nil {
		t.Fatal(err)
	}
	f.refusals = []int{upnpPermanent, upnpConflict}
	outside, err := r.mapPort(t.Context(), 7000)
	if err != nil || outside != 7001 || f.ports["7001"] != "127.0.0.1:7000" {
		t.Errorf("%d, %v, %v", outside, f.ports, err)
	}
	if err := r.unmapPort(t.Context(), outside); err != nil || len(f.ports) != 0 {
		t.Errorf("%v, %v", f.ports, err)
	}
	if want := []string{"AddPortMapping 7000 3600", "AddPortMapping 7000 0", "AddPortMapping 7001 0", "DeletePortMapping 7001 "}; !slices.Equal(f.actions, want) {
		t.Errorf("%q, want %q", f.actions, want)
	}
	f.refusals = []int{606}
	if _, err := r.mapPort(t.Context(), 7000); err == nil {
		t.Error("a refusal is none")
	}
}

func TestWithoutARouterThereIsNoPort(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := findRouter(ctx, netip.MustParseAddrPort("127.0.0.1:9")); err == nil {
		t.Error("found one")
	}
}

// A client by a mapped port is told of with that, and it is taken back at the end.
func TestOthersAreToldOfAMappedPort(t *testing.T) {
	t.Parallel()
	f := newFakeRouter(t)
	f.refusals = []int{upnpConflict}
	hub, join := startServer(t, "udp:127.0.0.1:0")
	one := startWith(t, "one", func(c *Config) { c.Join, c.UPnP = join, true }, func(s *settings) { s.ssdp = f.at() })
	two := startClient(t, "two", join)
	port := int(one.Addrs()[0].Port()) + 1
	eventually(t, "the server knows", func() bool {
		return slices.ContainsFunc(hub.Snapshot().Peers, func(p PeerState) bool { return p.Name == "one" && p.NAT.Port == port })
	})
	eventually(t, "the other knows", func() bool {
		p, ok := two.part.Load().player.(*node)
		if !ok {
			return false
		}
		p.lock.Lock()
		defer p.lock.Unlock()
		return slices.ContainsFunc(p.peers, func(q *peer) bool { return int(q.ways[byPort].at.Port()) == port })
	})
	one.stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.ports) != 0 {
		t.Errorf("still mapped: %v", f.ports)
	}
}

func FuzzUPnP(f *testing.F) {
	f.Add([]byte(upnpDescription))
	f.Add([]byte("HTTP/1.1 200 OK\r\nLOCATION: http://10.0.0.1:5000/x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if service, control, ok := readDescription(data); ok && (control == "" || !slices.Contains(upnpServices, service)) {
			t.Errorf("%q, %q", service, control)
		}
		from := netip.MustParseAddr("10.0.0.1")
		if u, ok := readLocation(data, from); ok && u.Hostname() != from.String() {
			t.Errorf("%v", u)
		}
	})
}
