package main

import (
	"bufio"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// captures makes what the examples read: flows for the monitor, the IDS and the limiter; random frames of hosts behind a NAT, half of them
// answers; random frames of a service behind a balancer.
func captures(s *settings) error {
	if err := command("", s.traffic, "-flows", "1000", "-packets", strconv.Itoa(s.packets), "-o", filepath.Join(s.out, "flows.pcap")); err != nil {
		return err
	}
	if err := writeCapture(filepath.Join(s.out, "nat.pcap"), s.packets, behindNat); err != nil {
		return err
	}
	return writeCapture(filepath.Join(s.out, "service.pcap"), s.packets, ofService)
}

const (
	icmp = 1
	tcp  = 6
	udp  = 17
)

type end struct {
	addr [4]byte
	port int
}

func of[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func behindNat(r *rand.Rand, payload []byte) []byte {
	inside := end{[4]byte{10, 0, byte(r.IntN(4)), byte(r.IntN(250))}, 1000 + r.IntN(8)}
	outside := end{[4]byte{198, 51, 100, byte(r.IntN(8))}, of(r, 80, 53, 443)}
	proto := of(r, tcp, tcp, tcp, udp, icmp)
	flags := byte(8)
	if proto == tcp {
		flags = of[byte](r, 2, 16, 16, 16, 24, 17, 20)
	}
	if r.IntN(10) < 6 {
		return ipv4(proto, inside, outside, flags, payload)
	}
	inside = end{[4]byte{192, 0, 2, 1}, 20000 + r.IntN(4000)}
	if proto == icmp {
		flags = 0
	}
	return ipv4(proto, outside, inside, flags, payload)
}

func ofService(r *rand.Rand, payload []byte) []byte {
	client := end{[4]byte{198, 51, byte(r.IntN(4)), byte(r.IntN(250))}, 1000 + r.IntN(8)}
	flags := of[byte](r, 2, 2, 16, 16, 16, 24, 17, 20)
	if r.IntN(10) < 6 {
		return ipv4(tcp, client, end{[4]byte{203, 0, 113, 1}, 80}, flags, payload)
	}
	return ipv4(tcp, end{[4]byte{10, 1, 0, byte(1 + r.IntN(3))}, 80}, client, flags, payload)
}

// ipv4 is an Ethernet frame; flags are TCP's, or the ICMP type.
func ipv4(proto int, from, to end, flags byte, payload []byte) []byte {
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}
	var l4 []byte
	be := binary.BigEndian
	switch proto {
	case tcp:
		l4 = be.AppendUint16(be.AppendUint16(l4, uint16(from.port)), uint16(to.port))
		l4 = append(be.AppendUint64(l4, 0), 0x50, flags, 3, 232, 0, 0, 0, 0)
	case udp:
		l4 = be.AppendUint16(be.AppendUint16(l4, uint16(from.port)), uint16(to.port))
		l4 = append(be.AppendUint16(l4, uint16(8+len(payload))), 0, 0)
	default:
		l4 = append(be.AppendUint16([]byte{flags, 0, 0, 0}, uint16(from.port)), 0, 1)
	}
	l4 = append(l4, payload...)
	h := append(be.AppendUint16([]byte{0x45, 0}, uint16(20+len(l4))), 0, 0, 0, 0, 64, byte(proto), 0, 0)
	h = append(append(h, from.addr[:]...), to.addr[:]...)
	sum := uint32(0)
	for i := 0; i < len(h); i += 2 {
		sum += uint32(be.Uint16(h[i:]))
	}
	sum = sum&0xffff + sum>>16
	be.PutUint16(h[10:], ^uint16(sum&0xffff+sum>>16))
	return append(append(b, h...), l4...)
}

func writeCapture(file string, packets int, frame func(*rand.Rand, []byte) []byte) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	le := binary.LittleEndian
	head := le.AppendUint16(le.AppendUint16(le.AppendUint32(nil, 0xa1b2c3d4), 2), 4)
	for _, x := range []uint32{0, 0, 65535, 1} {
		head = le.AppendUint32(head, x)
	}
	w.Write(head)
	r := rand.New(rand.NewPCG(7, 7))
	at := uint64(1700000000) * 1e6
	for range packets {
		at += r.Uint64N(2000)
		b := frame(r, make([]byte, r.IntN(40)))
		var h []byte
		for _, x := range []uint32{uint32(at / 1e6), uint32(at % 1e6), uint32(len(b)), uint32(len(b))} {
			h = le.AppendUint32(h, x)
		}
		w.Write(h)
		w.Write(b)
	}
	return w.Flush()
}
