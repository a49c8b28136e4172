package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/rtp"
	"gateway/bridge/media/transport"
	"gateway/codec"
)

const (
	// sealCalls get a packet each, sealTimes, sealPause apart: some 30,000 a second.
	sealCalls = 30
	sealTimes = 2000
	sealPause = time.Millisecond
	sealSize  = 172 // bytes of a packet of G.711
	sealRoom  = 256
)

// packets relays packets from one leg to another: first as they are, then opened.
func (s *setups) packets(ctx context.Context) error {
	for _, sealed := range []bool{false, true} {
		cpu, n, err := passPackets(ctx, sealed)
		if err != nil {
			return err
		}
		each := cpu / time.Duration(n)
		if sealed {
			s.sealed = append(s.sealed, each)
		} else {
			s.plain = append(s.plain, each)
		}
	}
	return nil
}

// passPackets is what the media process uses for how many packets.
func passPackets(ctx context.Context, sealed bool) (time.Duration, uint64, error) {
	o, err := startOurs(loopbackOnly(ourPorts))
	if err != nil {
		return 0, 0, fmt.Errorf("media process: %w", err)
	}
	defer o.close()
	var socks [2]*net.UDPConn
	for i := range socks {
		if socks[i], err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
			return 0, 0, err
		}
		defer socks[i].Close()
	}
	key := make([]byte, 30)
	all, err := packetsToSend(sealed, key)
	if err != nil {
		return 0, 0, err
	}
	var ins []*net.UDPAddr
	var outs []media.PacketPort
	for range sealCalls {
		in, out, err := o.openPair(socks, sealed, key)
		if err != nil {
			return 0, 0, err
		}
		ins, outs = append(ins, net.UDPAddrFromAddrPort(in)), append(outs, out)
	}
	prefer(o.id)
	start, err := threadTime(o.id)
	if err != nil {
		return 0, 0, err
	}
	for _, p := range all {
		for _, to := range ins {
			if _, err := socks[0].WriteTo(p, to); err != nil {
				return 0, 0, err
			}
		}
		if err := pause(ctx, sealPause); err != nil {
			return 0, 0, err
		}
	}
	end, err := threadTime(o.id)
	if err != nil {
		return 0, 0, err
	}
	passed := uint64(0)
	for _, out := range outs {
		passed += o.plane.Close(out).Out.Packets
	}
	if passed < sealCalls*sealTimes/2 {
		return 0, 0, fmt.Errorf("only %d of %d packets have come through", passed, sealCalls*sealTimes)
	}
	return end - start, passed, nil
}

// openPair opens the ports of a call whose ends are socks, and gives where packets
// are sent to and the port that they leave by.
func (o *ours) openPair(socks [2]*net.UDPConn, sealed bool, key []byte) (in netip.AddrPort, out media.PacketPort, err error) {
	pcmu := []media.Payload{{Format: codec.Format{Kind: codec.Audio, Name: "pcmu", Rate: 8000, Channels: 1}}}
	var ports [2]media.Port
	for i := range socks {
		at := netip.MustParseAddrPort(socks[i].LocalAddr().String())
		if ports[i], err = o.plane.Open(media.Open{Local: at.Addr()}, func(media.Event) {}); err != nil {
			return in, out, err
		}
		set := media.Setting{RTP: at, Mux: true, Send: true, Receive: true, In: pcmu, Out: pcmu}
		if sealed && i == 0 {
			set.Security = &media.Security{SDES: &media.SDES{Suite: media.SuiteCM80, Send: key, Receive: key}}
		}
		o.plane.Set(ports[i].ID, set)
	}
	o.plane.Join(ports[0].ID, ports[1].ID)
	return ports[0].RTP, ports[1].ID, nil
}

// packetsToSend are made before anything is measured.
func packetsToSend(sealed bool, key []byte) ([][]byte, error) {
	sealer, err := transport.NewSealer(media.SuiteCM80, key)
	if err != nil {
		return nil, err
	}
	all := make([][]byte, sealTimes)
	for i := range all {
		p := make([]byte, sealRoom)
		p[0], p[11] = 0x80, 1 // version 2, an SSRC
		rtp.SetSequence(p, uint16(i))
		n := sealSize
		if sealed {
			if n, err = sealer.Seal(p, sealSize, false); err != nil {
				return nil, err
			}
		}
		all[i] = p[:n]
	}
	return all, nil
}
