package main

import (
	"fmt"
	"net"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

func (c *conversation) udp() {
	for n := 0; c.more(); n++ {
		switch c.sport {
		case 53:
			c.dns(n)
		case 123:
			c.datagram(fromClient, gopacket.Payload(ntp(0x23)))
			c.datagram(fromServer, gopacket.Payload(ntp(0x24)))
		case 514: // nobody answers
			c.datagram(fromClient, gopacket.Payload(fmt.Sprintf("<13>host app[1]: event %d", n)))
		default:
			from := side(n > 0 && c.rng.IntN(2) == 0)
			c.datagram(from, gopacket.Payload(make([]byte, c.rng.IntN(400))))
		}
	}
}

func (c *conversation) datagram(from side, above ...gopacket.SerializableLayer) {
	udp := &layers.UDP{SrcPort: layers.UDPPort(c.cport), DstPort: layers.UDPPort(c.sport)}
	if from == fromServer {
		udp.SrcPort, udp.DstPort = udp.DstPort, udp.SrcPort
	}
	c.send(from, udp, above...)
}

func (c *conversation) dns(n int) {
	question := layers.DNSQuestion{
		Name:  []byte(fmt.Sprintf("host%d.example", c.rng.IntN(1000))),
		Type:  layers.DNSTypeA,
		Class: layers.DNSClassIN,
	}
	answer := layers.DNSResourceRecord{
		Name: question.Name, Type: layers.DNSTypeA, Class: layers.DNSClassIN, TTL: 300,
		IP: net.IPv4(192, 0, 2, byte(c.rng.IntN(256))).To4(),
	}
	if n%2 == 1 {
		question.Type, answer.Type = layers.DNSTypeAAAA, layers.DNSTypeAAAA
		answer.IP = net.ParseIP("2001:db8:ffff::1")
	}
	message := layers.DNS{ID: uint16(c.rng.Uint32()), RD: true, Questions: []layers.DNSQuestion{question}}
	query := message
	c.datagram(fromClient, &query)
	if c.rng.IntN(20) == 0 {
		c.repeat() // the question was lost
	}
	message.QR, message.RA = true, true
	message.Answers = []layers.DNSResourceRecord{answer}
	c.datagram(fromServer, &message)
}

func ntp(mode byte) []byte {
	message := make([]byte, 48)
	message[0] = mode
	return message
}

func (c *conversation) ping() {
	id := uint16(c.rng.Uint32())
	data := gopacket.Payload("abcdefghijklmnopqrstuvwabcdefghi")
	for seq := uint16(1); c.more(); seq++ {
		c.echo(fromClient, id, seq, data)
		if c.rng.IntN(20) != 0 {
			c.echo(fromServer, id, seq, data)
		}
	}
}

func (c *conversation) echo(from side, id, seq uint16, data gopacket.Payload) {
	if c.proto == layers.IPProtocolICMPv6 {
		kind := uint8(layers.ICMPv6TypeEchoRequest)
		if from == fromServer {
			kind = layers.ICMPv6TypeEchoReply
		}
		c.send(from, &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(kind, 0)},
			&layers.ICMPv6Echo{Identifier: id, SeqNumber: seq}, data)
		return
	}
	kind := uint8(layers.ICMPv4TypeEchoRequest)
	if from == fromServer {
		kind = layers.ICMPv4TypeEchoReply
	}
	c.send(from, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(kind, 0), Id: id, Seq: seq}, data)
}
