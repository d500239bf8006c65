package main

import (
	"bytes"
	"crypto/sha256"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

const testFlows, testPackets = 300, 9000

func testCapture(t *testing.T, seed uint64) []packet {
	t.Helper()
	capture, err := generate(seed, testFlows, testPackets)
	if err != nil {
		t.Fatal(err)
	}
	return capture
}

func TestSameSeedSameBytes(t *testing.T) {
	sum := func(seed uint64) [32]byte {
		var file bytes.Buffer
		if err := writePcap(&file, testCapture(t, seed)); err != nil {
			t.Fatal(err)
		}
		return sha256.Sum256(file.Bytes())
	}
	if first, second := sum(7), sum(7); first != second {
		t.Error("the same seed gave two captures")
	}
	if sum(7) == sum(8) {
		t.Error("two seeds gave the same capture")
	}
}

func TestCounts(t *testing.T) {
	for _, want := range []struct{ flows, packets int }{{1, 1}, {1, 500}, {10, 10}, {50, 60}, {300, 9000}} {
		capture, err := generate(3, want.flows, want.packets)
		if err != nil {
			t.Fatal(err)
		}
		if len(capture) != want.packets {
			t.Errorf("%+v: %d packets", want, len(capture))
		}
		if flows := len(flowsOf(t, capture)); flows != want.flows {
			t.Errorf("%+v: %d flows", want, flows)
		}
		for i := 1; i < len(capture); i++ {
			if capture[i].at < capture[i-1].at {
				t.Fatalf("%+v: packet %d goes back in time", want, i)
			}
		}
	}
}

// TestMixture looks for everything that the package comment promises.
func TestMixture(t *testing.T) {
	capture := testCapture(t, 1)
	if span := capture[len(capture)-1].at - capture[0].at; span < 200*second || span > 1000*second {
		t.Errorf("the capture spans %d s", span/second)
	}
	seen := map[string]int{}
	silent := map[layers.IPProtocol]int{}
	clientsOf := map[netip.Addr]map[netip.Addr]bool{}
	for key, times := range flowsOf(t, capture) {
		site := siteOf(t, key.client)
		if siteOf(t, key.server) != site {
			t.Errorf("%v crosses sites", key)
		}
		seen["site "+site]++
		if clientsOf[key.server] == nil {
			clientsOf[key.server] = map[netip.Addr]bool{}
		}
		clientsOf[key.server][key.client] = true
		for i := 1; i < len(times); i++ {
			if times[i]-times[i-1] > 60*second {
				silent[key.proto]++
				break
			}
		}
	}
	if a, b := seen["site a"], seen["site b"]; a-b < -1 || a-b > 1 {
		t.Errorf("%d flows in one site, %d in the other", a, b)
	}
	for _, proto := range []layers.IPProtocol{layers.IPProtocolTCP, layers.IPProtocolUDP} {
		if silent[proto] == 0 {
			t.Errorf("no %v flow falls silent for a minute", proto)
		}
	}
	shared := 0
	for _, clients := range clientsOf {
		if len(clients) > 1 {
			shared++
		}
	}
	if shared < 4 {
		t.Errorf("only %d hosts have several clients", shared)
	}

	repeats := map[string]bool{}
	for _, p := range capture {
		decoded := decode(t, p)
		for _, l := range decoded.Layers() {
			seen[l.LayerType().String()]++
			if l, ok := l.(*layers.TCP); ok {
				for name, set := range map[string]bool{"SYN": l.SYN, "FIN": l.FIN, "RST": l.RST} {
					if set {
						seen[name]++
					}
				}
			}
		}
		if repeats[string(p.data)] {
			seen["repeat"]++
		}
		repeats[string(p.data)] = true
	}
	for _, what := range []string{"IPv4", "IPv6", "TCP", "UDP", "ICMPv4", "ICMPv6", "DNS", "SYN", "FIN", "RST", "repeat"} {
		if seen[what] == 0 {
			t.Errorf("no %s", what)
		}
	}
}

func decode(t *testing.T, p packet) gopacket.Packet {
	t.Helper()
	decoded := gopacket.NewPacket(p.data, layers.LinkTypeEthernet, gopacket.NoCopy)
	// What is not DNS although it uses its port would be the generator's fault, too.
	if failure := decoded.ErrorLayer(); failure != nil {
		t.Fatalf("packet does not decode: %v\n%v", failure.Error(), decoded)
	}
	return decoded
}

// flowsOf returns the times of each flow's packets. The server is the side with the lower port or,
// for pings, the one in the servers' subnet.
func flowsOf(t *testing.T, capture []packet) map[tuple][]int64 {
	t.Helper()
	flows := map[tuple][]int64{}
	for _, p := range capture {
		decoded := decode(t, p)
		var key tuple
		switch ip := decoded.NetworkLayer().(type) {
		case *layers.IPv4:
			key.proto = ip.Protocol
		case *layers.IPv6:
			key.proto = ip.NextHeader
		}
		src, dst := decoded.NetworkLayer().NetworkFlow().Endpoints()
		key.client, _ = netip.AddrFromSlice(src.Raw())
		key.server, _ = netip.AddrFromSlice(dst.Raw())
		switch transport := decoded.TransportLayer().(type) {
		case *layers.TCP:
			key.cport, key.sport = uint16(transport.SrcPort), uint16(transport.DstPort)
		case *layers.UDP:
			key.cport, key.sport = uint16(transport.SrcPort), uint16(transport.DstPort)
		}
		if key.cport < key.sport || key.cport == 0 && key.client.Less(key.server) {
			key.client, key.server = key.server, key.client
			key.cport, key.sport = key.sport, key.cport
		}
		flows[key] = append(flows[key], p.at)
	}
	return flows
}

func siteOf(t *testing.T, a netip.Addr) string {
	t.Helper()
	for prefix, site := range map[string]string{
		"10.0.0.0/9": "a", "2001:db8::/33": "a", "10.128.0.0/9": "b", "2001:db8:8000::/33": "b",
	} {
		if netip.MustParsePrefix(prefix).Contains(a) {
			return site
		}
	}
	t.Fatalf("%v is in no site", a)
	return ""
}
