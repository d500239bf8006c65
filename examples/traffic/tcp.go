package main

import (
	"fmt"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

const segmentSize = 512

// A talker is one side's half of a TCP connection.
type talker struct {
	side
	port, peer uint16
	next       uint32 // sequence number of the next byte
}

type tcpConnection struct {
	*conversation
	client, server talker
}

// tcp opens connections between the same two ports until the packets are used up; mostly the
// first one sees to that.
func (c *conversation) tcp() {
	for c.more() {
		t := tcpConnection{
			conversation: c,
			client:       talker{fromClient, c.cport, c.sport, c.rng.Uint32()},
			server:       talker{fromServer, c.sport, c.cport, c.rng.Uint32()},
		}
		switch chance := c.rng.IntN(10); {
		case c.left() <= 4 && chance < 3:
			t.unanswered()
		case c.left() <= 4 && chance < 6:
			t.refused()
		default:
			t.open()
			t.talk()
			t.close()
		}
	}
}

func (t *tcpConnection) segment(from, to *talker, flags layers.TCP, payload []byte) {
	flags.SrcPort = layers.TCPPort(from.port)
	flags.DstPort = layers.TCPPort(from.peer)
	flags.Seq = from.next
	if flags.ACK {
		flags.Ack = to.next
	}
	flags.Window = 64240
	t.send(from.side, &flags, gopacket.Payload(payload))
	from.next += uint32(len(payload))
	if flags.SYN || flags.FIN {
		from.next++
	}
}

func (t *tcpConnection) unanswered() {
	t.segment(&t.client, &t.server, layers.TCP{SYN: true}, nil)
	for t.more() {
		t.repeat()
	}
}

func (t *tcpConnection) refused() {
	t.segment(&t.client, &t.server, layers.TCP{SYN: true}, nil)
	t.segment(&t.server, &t.client, layers.TCP{RST: true, ACK: true}, nil)
}

func (t *tcpConnection) open() {
	t.segment(&t.client, &t.server, layers.TCP{SYN: true}, nil)
	t.segment(&t.server, &t.client, layers.TCP{SYN: true, ACK: true}, nil)
	t.segment(&t.client, &t.server, layers.TCP{ACK: true}, nil)
}

func (t *tcpConnection) talk() {
	const toClose = 3
	stop := toClose
	if t.left() > 30 && t.rng.IntN(4) == 0 {
		stop = t.rng.IntN(t.left()) // the rest is for another connection
	}
	if greeting := greetings[t.sport]; greeting != "" {
		t.data(&t.server, &t.client, []byte(greeting))
	}
	for n := 0; t.left() > max(stop, toClose); n++ {
		t.data(&t.client, &t.server, []byte(request(t.sport, n)))
		for range t.rng.IntN(4) {
			t.data(&t.server, &t.client, t.answer())
			if t.left() <= toClose {
				return
			}
		}
		if t.left() > toClose {
			t.segment(&t.client, &t.server, layers.TCP{ACK: true}, nil)
		}
	}
}

func (t *tcpConnection) data(from, to *talker, payload []byte) {
	t.segment(from, to, layers.TCP{PSH: true, ACK: true}, payload)
	if t.left() > 3 && t.rng.IntN(25) == 0 {
		t.repeat()
	}
}

func (t *tcpConnection) close() {
	switch end := t.rng.IntN(20); {
	case end < 14:
		t.segment(&t.client, &t.server, layers.TCP{FIN: true, ACK: true}, nil)
		t.segment(&t.server, &t.client, layers.TCP{FIN: true, ACK: true}, nil)
		t.segment(&t.client, &t.server, layers.TCP{ACK: true}, nil)
	case end < 17:
		t.segment(&t.server, &t.client, layers.TCP{RST: true, ACK: true}, nil)
	default:
		// Left open, with something still to say.
		for range 3 {
			t.segment(&t.client, &t.server, layers.TCP{ACK: true}, nil)
		}
	}
}

// What servers say first.
var greetings = map[uint16]string{
	22:  "SSH-2.0-OpenSSH_9.2p1\r\n",
	25:  "220 mail.example ESMTP\r\n",
	110: "+OK ready\r\n",
}

func request(port uint16, n int) string {
	switch port {
	case 80, 8080:
		return fmt.Sprintf("GET /page/%d HTTP/1.1\r\nHost: www.example\r\n\r\n", n)
	case 443:
		return "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
	default:
		return fmt.Sprintf("NOOP %d\r\n", n)
	}
}

func (t *tcpConnection) answer() []byte {
	body := make([]byte, t.rng.IntN(segmentSize))
	for i := range body {
		body[i] = 'a' + byte(i%26)
	}
	switch t.sport {
	case 80, 8080:
		return append([]byte("HTTP/1.1 200 OK\r\n\r\n"), body...)
	case 443:
		return append([]byte("\x16\x03\x03\x00\x02"), body...)
	default:
		return append([]byte("250 "), body...)
	}
}
