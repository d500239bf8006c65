package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/gopacket/gopacket/layers"
)

const (
	second = int64(1e6) // times are in microseconds

	epoch       = 1_700_000_000 * second
	startWithin = 200 * second
)

type packet struct {
	at   int64 // microseconds since 1970
	data []byte
}

// A tuple names a flow. The client sends first.
type tuple struct {
	proto          layers.IPProtocol
	client, server netip.Addr
	cport, sport   uint16 // 0 for pings
}

// generate makes the given number of packets, in the order of time. Each flow has at least one.
func generate(seed uint64, flows, packets int) ([]packet, error) {
	rng := rand.New(rand.NewPCG(seed, math.MaxUint64))
	p := newPlan(rng, flows)
	capture := make([]packet, 0, packets)
	for i, n := range shares(rng, flows, packets) {
		c := newConversation(rand.New(rand.NewPCG(seed, uint64(i))), p.tuple(i%2), n)
		if err := c.run(); err != nil {
			return nil, err
		}
		capture = append(capture, c.packets...)
	}
	// Stable: packets of one flow that fall on the same microsecond keep their order.
	slices.SortStableFunc(capture, func(a, b packet) int { return cmp.Compare(a.at, b.at) })
	return capture, nil
}

// shares deals the packets out: one to each flow, the rest unevenly, as on a real network where a
// few flows carry most of the packets.
func shares(rng *rand.Rand, flows, packets int) []int {
	weights := make([]float64, flows)
	total := 0.0
	for i := range weights {
		weights[i] = math.Exp(1.2 * rng.NormFloat64())
		total += weights[i]
	}
	counts := make([]int, flows)
	rest := packets - flows
	left := rest
	for i, w := range weights {
		extra := min(left, int(float64(rest)*w/total))
		counts[i] = 1 + extra
		left -= extra
	}
	for i := 0; left > 0; i = (i + 1) % flows {
		counts[i]++
		left--
	}
	return counts
}

// A plan hands out tuples, no two alike.
type plan struct {
	rng              *rand.Rand
	clients, servers int // a site
	used             map[tuple]bool
}

func newPlan(rng *rand.Rand, flows int) *plan {
	return &plan{
		rng:     rng,
		clients: 8 + flows/4,
		servers: 4 + flows/100,
		used:    make(map[tuple]bool, flows),
	}
}

var (
	tcpPorts = []uint16{22, 25, 80, 80, 80, 110, 443, 443, 443, 8080, 31337}
	udpPorts = []uint16{53, 53, 53, 53, 123, 514, 4500, 9999}
)

func (p *plan) tuple(site int) tuple {
	for clients := p.clients; ; clients++ { // pings have no ports, so clients may run out
		t := p.draw(site, clients)
		if !p.used[t] {
			p.used[t] = true
			return t
		}
	}
}

func (p *plan) draw(site, clients int) tuple {
	v6 := p.rng.IntN(4) == 0
	t := tuple{
		client: clientAddr(v6, site, p.rng.IntN(clients)),
		server: serverAddr(v6, site, p.rng.IntN(p.servers)),
	}
	switch kind := p.rng.IntN(100); {
	case kind < 62:
		t.proto = layers.IPProtocolTCP
		t.sport = tcpPorts[p.rng.IntN(len(tcpPorts))]
	case kind < 90:
		t.proto = layers.IPProtocolUDP
		t.sport = udpPorts[p.rng.IntN(len(udpPorts))]
	case v6:
		t.proto = layers.IPProtocolICMPv6
		return t
	default:
		t.proto = layers.IPProtocolICMPv4
		return t
	}
	t.cport = uint16(32768 + p.rng.IntN(28000))
	return t
}

func serverAddr(v6 bool, site, n int) netip.Addr { return addr(v6, site, 1, n+1) }
func clientAddr(v6 bool, site, n int) netip.Addr { return addr(v6, site, 2, n+1) }

// addr is host n of a subnet of a site: 10.0.0.0/9 or 10.128.0.0/9, 2001:db8::/33 or
// 2001:db8:8000::/33. A subnet of IPv4 may run over into the following ones.
func addr(v6 bool, site, subnet, n int) netip.Addr {
	if v6 {
		return netip.AddrFrom16([16]byte{
			0x20, 0x01, 0x0d, 0xb8, byte(site << 7), byte(subnet),
			12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n),
		})
	}
	n += subnet << 16
	return netip.AddrFrom4([4]byte{10, byte(site<<7 | n>>16&0x7f), byte(n >> 8), byte(n)})
}
