package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"gateway/adapters/rtmp/wire"
)

// answering is phones that take every call at once: one socket for their SIP, and one
// for each one's packets.
type answering struct {
	sip   *net.UDPConn
	rtp   [delayCalls]*net.UDPConn
	to    [delayCalls]chan netip.AddrPort // where each one's packets go, once that is known
	at    [delayCalls]netip.AddrPort
	log   *delayLog
	taken int // offers; of the goroutine that answers
	late  lateLog
	ended sync.WaitGroup
}

// newAnswering opens the sockets at the host of at.
func newAnswering(at string, log *delayLog) (*answering, error) {
	local, err := netip.ParseAddrPort(at)
	if err != nil {
		return nil, fmt.Errorf("phones: %w", err)
	}
	p := &answering{log: log}
	if p.sip, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(local)); err != nil {
		return nil, fmt.Errorf("phones: %w", err)
	}
	for i := range p.rtp {
		p.to[i] = make(chan netip.AddrPort, 1)
		if p.rtp[i], err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local.Addr(), 0))); err == nil {
			err = stampArrivals(p.rtp[i])
		}
		if err != nil {
			p.close()
			return nil, fmt.Errorf("phones: %w", err)
		}
		p.ended.Go(func() { p.hear(i) })
	}
	p.ended.Go(p.answer)
	return p, nil
}

func (p *answering) close() {
	p.sip.Close()
	for _, c := range p.rtp {
		if c != nil {
			c.Close()
		}
	}
	p.ended.Wait()
}

// offered is where an offer wants packets.
var offered = regexp.MustCompile(`(?s)c=IN IP4 ([0-9.]+)\r\n.*m=audio ([0-9]+) `)

// answer answers requests, until the socket is closed.
func (p *answering) answer() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := p.sip.ReadFromUDP(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		request := buf[:n]
		if err != nil || bytes.HasPrefix(request, []byte("SIP/2.0 ")) || bytes.HasPrefix(request, []byte("ACK ")) {
			continue
		}
		response := okTo(request)
		if bytes.HasPrefix(request, []byte("INVITE ")) {
			response = p.take(request, response)
		}
		if _, err := p.sip.WriteToUDP(response, from); err != nil {
			continue // it will be sent again
		}
	}
}

// take takes a call: it puts a description into the response.
func (p *answering) take(request, response []byte) []byte {
	var user string
	if _, rest, ok := strings.Cut(string(request[:min(len(request), 100)]), "sip:"); ok {
		user, _, _ = strings.Cut(rest, "@")
	}
	i, err := strconv.Atoi(strings.TrimPrefix(user, "1"))
	m := offered.FindSubmatch(request)
	if err != nil || i < 0 || i >= delayCalls || m == nil {
		return response
	}
	if to, err := netip.ParseAddrPort(string(m[1]) + ":" + string(m[2])); err == nil {
		select {
		case p.to[i] <- to:
		default: // it is known already
		}
	}
	p.taken++
	way := "sendrecv"
	if bytes.Contains(request, []byte("a=sendonly")) {
		way = "recvonly"
	}
	us, rtp := p.sip.LocalAddr().(*net.UDPAddr), p.rtp[i].LocalAddr().(*net.UDPAddr)
	sdp := fmt.Sprintf("v=0\r\no=phone 1 %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=%s\r\n",
		p.taken, us.IP, us.IP, rtp.Port, way)
	head := fmt.Sprintf("Contact: <sip:%s@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", user, us, len(sdp), sdp)
	return append(bytes.TrimSuffix(response, []byte("Content-Length: 0\r\n\r\n")), head...)
}

// talks waits until phone i has a call.
func (p *answering) talks(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	select {
	case p.at[i] = <-p.to[i]:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("phone %d is not called: %w", i, context.Cause(ctx))
	}
}

func (p *answering) hear(i int) {
	buf, oob := make([]byte, 2048), make([]byte, stampRoom)
	for {
		n, m, _, _, err := p.rtp[i].ReadMsgUDPAddrPort(buf, oob)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && n > 12 {
			waited := stampedAgo(oob[:m])
			p.late.add(waited)
			p.log.arrives(i, buf[12:n], time.Now().Add(-waited))
		}
	}
}

// say sends packet n of phone i.
func (p *answering) say(i int, n uint16) error {
	b := append(make([]byte, 0, 172), 0x80, 0)
	b = binary.BigEndian.AppendUint16(b, n)
	b = binary.BigEndian.AppendUint32(b, uint32(n)*160)
	b = binary.BigEndian.AppendUint32(b, uint32(i+1))
	if _, err := p.rtp[i].WriteToUDPAddrPort(append(b, numbered(n, wayBack)...), p.at[i]); err != nil {
		return fmt.Errorf("phone %d: %w", i, err)
	}
	return nil
}

// A publisher is an account that publishes into a call, and plays what is heard there.
type publisher struct {
	number        int
	url           wire.URL
	log           *delayLog
	talks, hears  *wire.Client
	publishStream uint32
}

// newPublisher publishes; that calls a phone.
func newPublisher(ctx context.Context, at string, i int, log *delayLog) (*publisher, error) {
	u, err := wire.ParseURL(fmt.Sprintf("rtmp://%s/call/1%03d?user=%s&password=%s", at, i, account(i), secret))
	if err != nil {
		return nil, err
	}
	p := &publisher{number: i, url: u, log: log}
	if p.talks, err = wire.Connect(ctx, u, wire.Connecting{Limits: wire.Defaults()}); err != nil {
		return nil, err
	}
	if p.publishStream, err = p.talks.Publish(ctx, u.Stream); err != nil {
		p.close()
		return nil, err
	}
	return p, p.say(0) // the call is made when it is known what is published
}

// hear plays the call.
func (p *publisher) hear(ctx context.Context) (err error) {
	p.hears, err = wire.Connect(ctx, p.url, wire.Connecting{Limits: wire.Defaults(), On: func(m wire.Message) {
		if m.Type == wire.TypeAudio && len(m.Body) > 1 && m.Body[0] == wire.HeadMuLaw {
			p.log.arrives(p.number, m.Body[1:], time.Now())
		}
	}})
	if err != nil {
		return err
	}
	_, err = p.hears.Play(ctx, p.url.Stream)
	return err
}

// say sends message n.
func (p *publisher) say(n uint16) error {
	return p.talks.Write(wire.Message{
		Type: wire.TypeAudio, Stream: p.publishStream, Time: 20 * uint32(n), Body: append([]byte{wire.HeadMuLaw}, numbered(n, wayIn)...),
	})
}

func (p *publisher) close() {
	for _, c := range []*wire.Client{p.talks, p.hears} {
		if c != nil {
			_ = c.Close() // it has been heard
		}
	}
}
