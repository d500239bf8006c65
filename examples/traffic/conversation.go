package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// A side sends a packet.
type side bool

const (
	fromClient side = false
	fromServer side = true
)

// A conversation is the packets of one flow while they are being made. The scripts in tcp.go and
// datagram.go say something for as long as more() holds; a conversation that is cut short is
// traffic, too.
type conversation struct {
	tuple
	rng     *rand.Rand
	want    int // packets
	at      int64
	pace    float64 // shortens the pauses of long conversations
	idleAt  int     // before this packet there is silence; -1: never
	packets []packet
	ipID    uint16
	buffer  gopacket.SerializeBuffer
	err     error
}

func newConversation(rng *rand.Rand, t tuple, want int) *conversation {
	c := &conversation{
		tuple:  t,
		rng:    rng,
		want:   want,
		at:     epoch + rng.Int64N(startWithin),
		pace:   min(1, 300/float64(want)),
		idleAt: -1,
		ipID:   uint16(rng.Uint32()),
		buffer: gopacket.NewSerializeBuffer(),
	}
	if want > 2 && rng.IntN(8) == 0 {
		c.idleAt = 1 + rng.IntN(want-1)
	}
	return c
}

func (c *conversation) run() error {
	switch c.proto {
	case layers.IPProtocolTCP:
		c.tcp()
	case layers.IPProtocolUDP:
		c.udp()
	default:
		c.ping()
	}
	if c.err != nil {
		return fmt.Errorf("flow %v: %w", c.tuple, c.err)
	}
	return nil
}

func (c *conversation) left() int  { return c.want - len(c.packets) }
func (c *conversation) more() bool { return c.left() > 0 && c.err == nil }

// pause lets time pass until the next packet: mostly milliseconds, now and then seconds.
func (c *conversation) pause() {
	if len(c.packets) == c.idleAt {
		c.at += 75*second + c.rng.Int64N(60*second)
		return
	}
	const shortest, longest = 200, 3e6
	c.at += 1 + int64(c.pace*shortest*math.Pow(longest/shortest, c.rng.Float64()))
}

// send adds a packet, unless there are enough. transport is a *layers.TCP or the like, and knows
// the ports already.
func (c *conversation) send(from side, transport gopacket.SerializableLayer, above ...gopacket.SerializableLayer) {
	if !c.more() {
		return
	}
	c.pause()
	src, dst := c.client, c.server
	if from == fromServer {
		src, dst = dst, src
	}
	ethernet := &layers.Ethernet{SrcMAC: mac(src), DstMAC: mac(dst), EthernetType: layers.EthernetTypeIPv4}
	var network interface {
		gopacket.SerializableLayer
		gopacket.NetworkLayer
	}
	if src.Is4() {
		c.ipID++
		network = &layers.IPv4{
			Version: 4, IHL: 5, TTL: ttl(src), Id: c.ipID, Protocol: c.proto,
			SrcIP: src.AsSlice(), DstIP: dst.AsSlice(),
		}
	} else {
		ethernet.EthernetType = layers.EthernetTypeIPv6
		network = &layers.IPv6{
			Version: 6, HopLimit: ttl(src), NextHeader: c.proto,
			SrcIP: src.AsSlice(), DstIP: dst.AsSlice(),
		}
	}
	if t, ok := transport.(interface {
		SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
	}); ok {
		if c.err = t.SetNetworkLayerForChecksum(network); c.err != nil {
			return
		}
	}
	stack := append([]gopacket.SerializableLayer{ethernet, network, transport}, above...)
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if c.err = gopacket.SerializeLayers(c.buffer, options, stack...); c.err != nil {
		return
	}
	c.packets = append(c.packets, packet{c.at, append([]byte(nil), c.buffer.Bytes()...)})
}

// repeat sends the last packet again, as a sender does that has missed the answer.
func (c *conversation) repeat() {
	if !c.more() || len(c.packets) == 0 {
		return
	}
	c.pause()
	c.packets = append(c.packets, packet{c.at, c.packets[len(c.packets)-1].data})
}

// A host keeps its hardware address and its first TTL.
func mac(a netip.Addr) net.HardwareAddr {
	b := a.As16()
	return net.HardwareAddr{0x02, b[4] ^ b[5], b[12] ^ b[5], b[13], b[14], b[15]}
}

func ttl(a netip.Addr) uint8 {
	b := a.As16()
	return [...]uint8{64, 64, 128, 255}[b[15]%4]
}
