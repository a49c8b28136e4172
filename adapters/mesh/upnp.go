package mesh

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How a router is asked, and for how long.
const (
	maxUPnP   = 64 << 10 // bytes of what a router says
	upnpWait  = 3 * time.Second
	upnpLease = time.Hour
	upnpTries = 4 // ports
)

// ssdpAt is where routers listen (UPnP Device Architecture 1.0 section 1.2.2).
var ssdpAt = netip.MustParseAddrPort("239.255.255.250:1900")

// upnpServices are those of a router that map ports, the preferred first
// (WANIPConnection:1 section 2.4).
var upnpServices = []string{
	"urn:schemas-upnp-org:service:WANIPConnection:2",
	"urn:schemas-upnp-org:service:WANIPConnection:1",
	"urn:schemas-upnp-org:service:WANPPPConnection:1",
}

var errNoRouter = errors.New("no router that maps ports answers")

// A router is an Internet Gateway Device that maps ports.
type router struct {
	control string // URL
	service string
	local   netip.Addr // ours, towards it
	client  *http.Client
}

// findRouter looks for one in the local network. A router tells of itself only: of
// what names another host than the one that answers nothing is believed.
func findRouter(ctx context.Context, at netip.AddrPort) (*router, error) {
	ctx, cancel := context.WithTimeout(ctx, upnpWait)
	defer cancel()
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return nil, fmt.Errorf("upnp: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	for _, what := range append([]string{"urn:schemas-upnp-org:device:InternetGatewayDevice:1"}, upnpServices...) {
		ask := "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: " + what + "\r\n\r\n"
		if _, err := conn.WriteToUDPAddrPort([]byte(ask), at); err != nil {
			return nil, fmt.Errorf("upnp: %w", err)
		}
	}
	buf := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return nil, errNoRouter
		}
		location, ok := readLocation(buf[:n], from.Addr().Unmap())
		if !ok {
			continue
		}
		if r, err := newRouter(ctx, location); err == nil {
			return r, nil
		}
	}
}

// readLocation reads where a router's description is, from its answer.
func readLocation(packet []byte, from netip.Addr) (*url.URL, bool) {
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(packet)), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		return nil, false
	}
	u, err := url.Parse(res.Header.Get("Location"))
	if err != nil || u.Scheme != "http" || u.User != nil {
		return nil, false
	}
	host, err := netip.ParseAddr(u.Hostname())
	return u, err == nil && host == from && isPrivate(host)
}

func newRouter(ctx context.Context, location *url.URL) (*router, error) {
	r := &router{client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("upnp: %w", err)
	}
	data, err := r.do(req)
	if err != nil {
		return nil, err
	}
	service, path, ok := readDescription(data)
	if !ok {
		return nil, errNoRouter
	}
	control, err := location.Parse(path)
	if err != nil || control.Host != location.Host || control.Scheme != location.Scheme {
		return nil, errNoRouter
	}
	r.control, r.service = control.String(), service
	conn, err := new(net.Dialer).DialContext(ctx, "udp", net.JoinHostPort(location.Hostname(), "1900")) // sends nothing
	if err != nil {
		return nil, fmt.Errorf("upnp: %w", err)
	}
	defer conn.Close()
	if a, ok := conn.LocalAddr().(*net.UDPAddr); ok {
		r.local = a.AddrPort().Addr().Unmap()
	}
	return r, nil
}

// upnpDevice is a device of a description, with those in it.
type upnpDevice struct {
	Services []struct {
		Type    string `xml:"serviceType"`
		Control string `xml:"controlURL"`
	} `xml:"serviceList>service"`
	Devices []upnpDevice `xml:"deviceList>device"`
}

// readDescription finds the best service that maps ports in a device's description.
func readDescription(data []byte) (service, control string, ok bool) {
	var root struct {
		Device upnpDevice `xml:"device"`
	}
	if xml.Unmarshal(data, &root) != nil {
		return "", "", false
	}
	best := len(upnpServices)
	todo := []upnpDevice{root.Device}
	for len(todo) > 0 {
		d := todo[0]
		todo = append(todo[1:], d.Devices...)
		for _, s := range d.Services {
			if i := slices.Index(upnpServices, strings.TrimSpace(s.Type)); i >= 0 && i < best {
				best, control = i, strings.TrimSpace(s.Control)
			}
		}
	}
	if best == len(upnpServices) || control == "" {
		return "", "", false
	}
	return upnpServices[best], control, true
}

// A upnpFault is a router's refusal.
type upnpFault struct{ code int }

// Error implements error.
func (f upnpFault) Error() string { return "upnp: the router refuses, code " + strconv.Itoa(f.code) }

// Codes of refusals (WANIPConnection:1 section 2.4.16).
const (
	upnpConflict  = 718
	upnpPermanent = 725 // no leases that end
)

// do sends a request, and reads a bounded answer.
func (r *router) do(req *http.Request) ([]byte, error) {
	res, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("upnp: %w", err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxUPnP))
	switch {
	case err != nil:
		return nil, fmt.Errorf("upnp: %w", err)
	case res.StatusCode != http.StatusOK:
		var fault struct {
			Code int `xml:"Body>Fault>detail>UPnPError>errorCode"`
		}
		if xml.Unmarshal(data, &fault) != nil {
			fault.Code = 0
		}
		return nil, upnpFault{fault.Code}
	}
	return data, nil
}

// call calls an action of the router's, with arguments in the order of its book.
func (r *router) call(ctx context.Context, action string, args ...[2]string) error {
	ctx, cancel := context.WithTimeout(ctx, upnpWait)
	defer cancel()
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" `+
		`s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:%s xmlns:u="%s">`, action, r.service)
	for _, a := range args {
		fmt.Fprintf(&b, "<%s>%s</%s>", a[0], a[1], a[0]) // numbers and words of ours
	}
	fmt.Fprintf(&b, "</u:%s></s:Body></s:Envelope>", action)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.control, strings.NewReader(b.String()))
	if err != nil {
		return fmt.Errorf("upnp: %w", err)
	}
	req.Header.Set("Content-Type", `text/xml; charset="utf-8"`)
	req.Header.Set("SOAPAction", fmt.Sprintf(`"%s#%s"`, r.service, action))
	_, err = r.do(req)
	return err
}

// mapPort has the router hand on a UDP port to one of ours: the same where it is free,
// else one of the next ones.
func (r *router) mapPort(ctx context.Context, port uint16) (uint16, error) {
	lease := upnpLease
	outside := port
	var err error
	for range upnpTries {
		err = r.call(ctx, "AddPortMapping", [][2]string{
			{"NewRemoteHost", ""}, {"NewExternalPort", strconv.Itoa(int(outside))}, {"NewProtocol", "UDP"},
			{"NewInternalPort", strconv.Itoa(int(port))}, {"NewInternalClient", r.local.String()}, {"NewEnabled", "1"},
			{"NewPortMappingDescription", "gateway mesh"}, {"NewLeaseDuration", strconv.Itoa(int(lease.Seconds()))},
		}...)
		var fault upnpFault
		switch {
		case err == nil:
			return outside, nil
		case !errors.As(err, &fault):
			return 0, err
		case fault.code == upnpPermanent:
			lease = 0
		case fault.code == upnpConflict:
			outside = max(outside+1, 1024)
		default:
			return 0, err
		}
	}
	return 0, err
}

// unmapPort takes that back.
func (r *router) unmapPort(ctx context.Context, outside uint16) error {
	return r.call(ctx, "DeletePortMapping", [2]string{"NewRemoteHost", ""}, [2]string{"NewExternalPort", strconv.Itoa(int(outside))}, [2]string{"NewProtocol", "UDP"})
}

// runUPnP has the router hand a port on to us, until ctx is done.
func (n *node) runUPnP(ctx context.Context) {
	var r *router
	var outside uint16
	for ctx.Err() == nil {
		var err error
		if r == nil {
			r, err = findRouter(ctx, n.set.ssdp)
		}
		if r != nil {
			if outside, err = r.mapPort(ctx, n.bound[0].Port()); err != nil {
				r = nil // it may have another address now
			}
		}
		n.mapped(outside, err)
		again := time.NewTimer(n.set.pace.discover)
		select {
		case <-ctx.Done():
		case <-again.C:
		}
		again.Stop()
	}
	if r != nil && outside != 0 {
		if err := r.unmapPort(context.WithoutCancel(ctx), outside); err != nil {
			n.log.Debug("the router keeps a port for us", "port", outside, "err", err)
		}
	}
}

// mapped notes which port the router hands on.
func (n *node) mapped(outside uint16, err error) {
	if err != nil {
		n.log.Warn("the router maps no port", "err", err)
		outside = 0
	}
	n.lock.Lock()
	defer n.lock.Unlock()
	if n.nat.Port == outside {
		return
	}
	n.nat.Port = outside
	n.told = time.Time{} // at once
	n.log.Info("the router hands a port on", "port", outside)
}
