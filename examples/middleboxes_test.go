package examples_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

const second = int64(1e6)

// middlebox runs a program of an example and returns what it printed, split in lines.
func middlebox(t *testing.T, program string, args ...string) []string {
	t.Helper()
	cmd := exec.Command(program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, stderr.String())
	}
	return strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
}

func sameLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func sameFrames(t *testing.T, got, want []frame) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i].at != want[i].at || !bytes.Equal(got[i].data, want[i].data) {
			t.Errorf("frame %d is\n\t%d %x\nwant\n\t%d %x", i, got[i].at, got[i].data, want[i].at, want[i].data)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d frames, want %d", len(got), len(want))
	}
}

// Each example is built twice: as its users would, and to stop at the first mistake.
func both(t *testing.T, example string, run func(t *testing.T, program string)) {
	t.Helper()
	for name, args := range map[string][]string{"optimised": optimised, "sanitized": sanitized} {
		t.Run(name, func(t *testing.T) { run(t, filepath.Join(build(t, example, args...), example)) })
	}
}

func echo(t *testing.T, src, dst string, id uint16, reply bool) []byte {
	kind := layers.ICMPv4TypeEchoRequest
	if reply {
		kind = layers.ICMPv4TypeEchoReply
	}
	return serialize(t, ethernet4(), ip4(layers.IPProtocolICMPv4, src, dst),
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(uint8(kind), 0), Id: id, Seq: 1}, gopacket.Payload("ping"))
}

// noise is frames with random ends and flags, some of them broken.
func noise(t *testing.T, seed uint64, n int, client, server func(*rand.Rand) (string, int)) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	var frames []frame
	for i := range n {
		from, sport := client(rng)
		to, dport := server(rng)
		if rng.IntN(2) == 0 {
			from, sport, to, dport = to, dport, from, sport
		}
		var data []byte
		switch rng.IntN(8) {
		case 0:
			data = udp(t, from, sport, to, dport, "datagram")
		case 1:
			data = echo(t, from, to, uint16(sport), rng.IntN(2) == 0)
		default:
			flags := []string{"S", "SA", "A", "FA", "RA"}[rng.IntN(5)]
			data = tcp(t, from, sport, to, dport, flags, strings.Repeat("x", rng.IntN(40)))
		}
		if rng.IntN(10) == 0 {
			data[rng.IntN(len(data))] = byte(rng.Uint32())
		}
		frames = append(frames, frame{at: int64(i) * second / 20, data: data[:len(data)-rng.IntN(2)*rng.IntN(len(data))]})
	}
	return writeCapture(t, frames)
}

func TestNat(t *testing.T) {
	const in, out, web, dns = "10.0.0.1", "192.0.2.1", "198.51.100.1", "198.51.100.2"
	capture := writeCapture(t, []frame{
		{at: 100 * second, data: tcp(t, in, 4000, web, 80, "S", "")},
		{at: 101 * second, data: udp(t, "10.0.0.2", 5001, dns, 53, "q")},
		{at: 102 * second, data: tcp(t, web, 80, out, 20000, "SA", "")},
		{at: 102 * second, data: udp(t, dns, 53, out, 20001, "answer")},
		{at: 103 * second, data: echo(t, "10.0.0.3", web, 7, false)},
		{at: 103 * second, data: echo(t, web, out, 20003, true)},
		{at: 104 * second, data: tcp(t, web, 80, out, 20004, "A", "nobody's")},
		{at: 104 * second, data: tcp(t, in, 1, "10.0.0.2", 2, "S", "")},
		{at: 104 * second, data: []byte("no frame")},
		{at: 105 * second, data: tcp(t, in, 4000, web, 80, "FA", "last")},
		{at: 106 * second, data: tcp(t, web, 80, out, 20000, "FA", "")},
		{at: 114 * second, data: udp(t, "10.0.0.2", 5001, dns, 53, "again")},
		{at: 117 * second, data: tcp(t, web, 80, out, 20000, "A", "too late")},
	})
	both(t, "nat", func(t *testing.T, program string) {
		sent := filepath.Join(t.TempDir(), "out.pcap")
		log := middlebox(t, program, "-i", "10.0.0.0/8", "-e", out, "-r", capture, "-w", sent)
		sameLines(t, "log", log, []string{
			"100 open tcp 10.0.0.1:4000 as 20000",
			"101 open udp 10.0.0.2:5001 as 20001",
			"103 open icmp 10.0.0.3:7 as 20003",
			"114 expire icmp 10.0.0.3:7 as 20003 lived 0 out 1/46 in 1/46",
			"117 close tcp 10.0.0.1:4000 as 20000 lived 6 out 2/112 in 2/108",
			"114 end udp 10.0.0.2:5001 as 20001 lived 13 out 2/90 in 1/48",
			"frames 13 out 5 in 4 local 1 foreign 1 stray 2 no-port 0",
			"sessions 3 peak 3",
		})
		sameFrames(t, readCapture(t, sent), []frame{
			{at: 100 * second, data: tcp(t, out, 20000, web, 80, "S", "")},
			{at: 101 * second, data: udp(t, out, 20001, dns, 53, "q")},
			{at: 102 * second, data: tcp(t, web, 80, in, 4000, "SA", "")},
			{at: 102 * second, data: udp(t, dns, 53, "10.0.0.2", 5001, "answer")},
			{at: 103 * second, data: echo(t, out, web, 20003, false)},
			{at: 103 * second, data: echo(t, web, "10.0.0.3", 7, true)},
			{at: 105 * second, data: tcp(t, out, 20000, web, 80, "FA", "last")},
			{at: 106 * second, data: tcp(t, web, 80, in, 4000, "FA", "")},
			{at: 114 * second, data: udp(t, out, 20001, dns, 53, "again")},
		})
		garbage := noise(t, 1, 3000, func(rng *rand.Rand) (string, int) {
			return fmt.Sprintf("10.0.0.%d", rng.IntN(20)), 1000 + rng.IntN(50)
		}, func(rng *rand.Rand) (string, int) {
			return []string{web, dns, out}[rng.IntN(3)], 20000 + rng.IntN(300)
		})
		middlebox(t, program, "-i", "10.0.0.0/8", "-e", out, "-r", garbage, "-w", sent)
	})
}

func TestBalancer(t *testing.T) {
	const vip = "203.0.113.1"
	servers := []string{"10.1.0.1", "10.1.0.2", "10.1.0.3"}
	args := []string{"-v", vip, "-b", "a=" + servers[0], "-b", "b=" + servers[1] + "*2", "-b", "c=" + servers[2]}
	run := func(t *testing.T, program, capture string, workers int) (log []string, sent []frame) {
		file := filepath.Join(t.TempDir(), "out.pcap")
		log = middlebox(t, program, append(args, "-j", fmt.Sprint(workers), "-r", capture, "-w", file)...)
		return log, readCapture(t, file)
	}
	dst := func(f frame) string { return netip.AddrFrom4([4]byte(f.data[30:34])).String() }
	both(t, "balancer", func(t *testing.T, program string) {
		// Who gets a client is up to the ring, so it is asked first.
		client := func(i int) (string, int) { return fmt.Sprintf("198.51.100.%d", 1+i%200), 1000 + i }
		const clients = 120
		var opening []frame
		for i := range clients {
			addr, port := client(i)
			opening = append(opening, frame{at: int64(i) * 1000, data: tcp(t, addr, port, vip, 80, "S", "")})
		}
		_, sent := run(t, program, writeCapture(t, opening), 1)
		if len(sent) != clients {
			t.Fatalf("%d of %d connections went to a server", len(sent), clients)
		}
		server, share := map[string]string{}, map[string]int{}
		for i, f := range sent {
			addr, port := client(i)
			if !bytes.Equal(f.data, tcp(t, addr, port, dst(f), 80, "S", "")) {
				t.Fatalf("client %d: sent %x", i, f.data)
			}
			server[addr+fmt.Sprint(port)] = dst(f)
			share[dst(f)]++
		}
		if len(share) != 3 || share[servers[1]] < share[servers[0]] {
			t.Errorf("shares: %v", share)
		}
		// Everything after that goes the same way and comes back with the service's address; by several
		// threads the same, in another order.
		all := slices.Clone(opening)
		want := slices.Clone(sent)
		add := func(at int64, data, translated []byte) {
			all = append(all, frame{at: at, data: data})
			if translated != nil {
				want = append(want, frame{at: at, data: translated})
			}
		}
		for i := range clients {
			addr, port := client(i)
			s := server[addr+fmt.Sprint(port)]
			at := second + int64(i)*1000
			add(at, tcp(t, s, 80, addr, port, "SA", ""), tcp(t, vip, 80, addr, port, "SA", ""))
			add(at+1, tcp(t, addr, port, vip, 80, "A", "GET"), tcp(t, addr, port, s, 80, "A", "GET"))
			add(at+2, tcp(t, addr, port, vip, 81, "A", "no such connection"), nil)
			add(at+3, tcp(t, "10.1.0.9", 80, addr, port, "A", "no such server"), nil)
		}
		capture := writeCapture(t, all)
		for _, workers := range []int{1, 4} {
			log, got := run(t, program, capture, workers)
			order := func(a, b frame) int { return int(a.at - b.at) }
			slices.SortStableFunc(got, order)
			w := slices.Clone(want)
			slices.SortStableFunc(w, order)
			sameFrames(t, got, w)
			if last := log[len(log)-1]; last != fmt.Sprintf("frames %d ignored %d forwarded %d returned %d dropped %d",
				5*clients, clients, 2*clients, clients, clients) {
				t.Errorf("%d workers: %s", workers, last)
			}
			if n := len(slices.DeleteFunc(log, func(s string) bool { return !strings.Contains(s, " end ") })); n != clients {
				t.Errorf("%d workers: %d connections at the end", workers, n)
			}
		}
		// A server that refuses three connections in a row is not asked again for half a minute, and its
		// clients only go elsewhere.
		all = nil
		bad := servers[1]
		refused := 0
		for i := range clients {
			addr, port := client(i)
			if server[addr+fmt.Sprint(port)] == bad && refused < 3 {
				refused++
				at := int64(refused) * 10
				all = append(all, frame{at: at, data: tcp(t, addr, port, vip, 80, "S", "")},
					frame{at: at + 1, data: tcp(t, bad, 80, addr, port, "RA", "")})
			}
		}
		for i := range clients {
			addr, port := client(i)
			all = append(all, frame{at: second + int64(i), data: tcp(t, addr, port, vip, 8080, "S", "")})
		}
		all = append(all, frame{at: 40 * second, data: tcp(t, "198.51.100.250", 1, vip, 80, "S", "")})
		log, got := run(t, program, writeCapture(t, all), 1)
		for _, line := range []string{"0.000031 backend b down", "40.000000 backend b up"} {
			if !slices.Contains(log, line) {
				t.Errorf("not logged: %s\n%s", line, strings.Join(log, "\n"))
			}
		}
		for _, f := range got[6 : len(got)-1] {
			if dst(f) == bad {
				t.Errorf("sent to a server that is down: %x", f.data)
			}
		}
		for seed := range uint64(2) {
			garbage := noise(t, seed, 3000, func(rng *rand.Rand) (string, int) {
				return fmt.Sprintf("198.51.100.%d", rng.IntN(20)), 1000 + rng.IntN(50)
			}, func(rng *rand.Rand) (string, int) { return append(servers, vip, vip)[rng.IntN(5)], 80 })
			run(t, program, garbage, 1+3*int(seed))
		}
	})
}

// stream is the segments of a text that is sent in a TCP session; it has a SYN.
func segments(t *testing.T, src string, sport int, dst string, dport int, parts ...string) (out [][]byte) {
	put := func(f []byte, seq uint32, flags byte) []byte {
		binary.BigEndian.PutUint32(f[14+20+4:], seq)
		f[14+20+13] = flags
		return f
	}
	out = append(out, put(tcp(t, src, sport, dst, dport, "S", ""), 1000, 2))
	seq := uint32(1001)
	for _, p := range parts {
		out = append(out, put(tcp(t, src, sport, dst, dport, "A", p), seq, 16))
		seq += uint32(len(p))
	}
	return out
}

func TestIds(t *testing.T) {
	const a, b, c, web = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.9.0.1"
	both(t, "ids", func(t *testing.T, program string) {
		var frames []frame
		add := func(data ...[]byte) {
			for _, d := range data {
				frames = append(frames, frame{at: int64(len(frames)) * 1000, data: d})
			}
		}
		// Out of order, twice, overlapping: put together all the same.
		s := segments(t, a, 40000, web, 80, "GET /a", "/x", "/bin/bash HTTP/1.0\r\n", "EV", "IL")
		add(s[0], s[1], s[3], s[2], s[2], s[5], s[4])
		// The same path twice.
		s = segments(t, a, 40001, web, 80, "GET /a HTTP/1.0\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n", "GET /b HTTP/1.0\r\n\r\n")
		add(s...)
		// Three failed logins.
		s = segments(t, b, 40002, web, 21, "USER eve\r\n", "PASS 1\r\n", "USER eve\r\n", "PASS 2\r\n", "USER eve\r\n", "PASS 3\r\n")
		r := segments(t, web, 21, b, 40002, "530 no\r\n", "530 no\r\n", "530 no\r\n")
		r[0][14+20+13] = 18
		add(s[0], r[0], s[1], s[2], r[1], s[3], s[4], r[2], s[5], s[6], r[3])
		for port := range 20 { // a scan, and ten SYNs in five seconds
			add(tcp(t, c, 50000, web, 1+port, "S", ""))
		}
		add(udp(t, a, 5353, web, 53, strings.Repeat("long", 30)), udp(t, a, 5353, web, 53, "short"))
		add(tcp(t, a, 1, web, 9, "SF", ""), []byte("no frame"))
		capture := writeCapture(t, frames)
		rules := filepath.Join(filepath.Dir(program), "test.rules")
		sameLines(t, "log", middlebox(t, program, rules, capture), []string{
			"0.003000 [200] shell 10.0.0.1:40000 -> 10.9.0.1:80",
			"0.009000 [3] request 2 repeats /a 10.0.0.1:40001 -> 10.9.0.1:80",
			"0.021000 [4] 3 failed logins, the last as eve 10.9.0.1:21 -> 10.0.0.2:40002",
			"0.031000 [102] many SYNs 10.0.0.3:50000 -> 10.9.0.1:10",
			"0.036000 [1] port scan 10.0.0.3:50000 -> 10.9.0.1:15",
			"0.042000 [100] DNS over 100 bytes 10.0.0.1:5353 -> 10.9.0.1:53",
			"0.044000 [101] SYN and FIN 10.0.0.1:1 -> 10.9.0.1:9",
			"packets: 46, 1 not decoded, 7 alerts",
			"streams: 24 created, 24 destroyed, 2 segments held, 0 dropped, at most 20 bytes",
			"rule 102: checked 43, matched 1",
			"rule 101: checked 43, matched 1",
			"rule 100: checked 2, matched 1",
			"rule 201: checked 17, matched 0",
			"rule 200: checked 17, matched 1",
			"scan: 24 SYNs from 3 sources",
			"http: 4 requests, 1 repeated, longest URI 2",
			"ftp: 3 logins, 3 failed",
		})
		garbage := noise(t, 3, 4000, func(rng *rand.Rand) (string, int) {
			return fmt.Sprintf("10.0.0.%d", rng.IntN(5)), 1000 + rng.IntN(5)
		}, func(rng *rand.Rand) (string, int) { return web, []int{80, 21, 53}[rng.IntN(3)] })
		middlebox(t, program, rules, garbage)
	})
}

func TestRatelimit(t *testing.T) {
	both(t, "ratelimit", func(t *testing.T, program string) {
		classes := filepath.Join(t.TempDir(), "classes")
		if err := os.WriteFile(classes, []byte("10.2.0.0/16 500 500\n10.2.3.4/32 100000 100000\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		payload := strings.Repeat("x", 1000-42)
		var frames, want []frame
		send := func(at int64, src string, passes bool) {
			f := frame{at: at, data: udp(t, src, 1, "192.0.2.1", 2, payload)}
			frames = append(frames, f)
			if passes {
				want = append(want, f)
			}
		}
		for i := range 5 { // of a burst of 3000 three pass; two hosts of one network share it
			send(1000*second+int64(i), fmt.Sprintf("10.0.0.%d", i%2), i < 3)
		}
		for i := range 3 { // 500 bytes a second, a burst of 500: nothing of this size ever passes
			send(1001*second+int64(i)*5*second, "10.2.0.1", false)
		}
		for i := range 10 {
			send(1012*second+int64(i), "10.2.3.4", true)
		}
		send(1013*second, "10.0.0.9", true) // has filled up again
		frames = append(frames, frame{at: 1013 * second, data: []byte("no frame")})
		want = append(want, frames[len(frames)-1])
		send(1200*second, "10.0.0.9", true) // the others are forgotten; a tenth of what they had is anybody's
		sent := filepath.Join(t.TempDir(), "out.pcap")
		sameLines(t, "log", middlebox(t, program, "-r", "1000", "-b", "3000", "-c", classes, writeCapture(t, frames), sent), []string{
			"10.0.0.0/24 passed 4000 dropped 2000 peak 5000 worst 2 limited",
			"10.2.0.0/24 passed 0 dropped 3000 peak 1007 worst 3 limited",
			"10.2.3.4/32 passed 10000 dropped 0 peak 10000 worst 0",
			"1 networks left after 200.000 s, credit 3000",
			"10.0.0.0/24 passed 1000 dropped 0 peak 1000 worst 0",
			"passed 15000 dropped 5000 ignored 1",
		})
		sameFrames(t, readCapture(t, sent), want)
		garbage := noise(t, 4, 4000, func(rng *rand.Rand) (string, int) {
			return fmt.Sprintf("10.%d.%d.1", rng.IntN(5), rng.IntN(50)), 1
		}, func(rng *rand.Rand) (string, int) { return "192.0.2.1", 1 })
		middlebox(t, program, "-i", "5", "-r", "100", "-b", "200", "-c", classes, garbage, sent)
	})
}

func TestProxy(t *testing.T) {
	both(t, "proxy", func(t *testing.T, program string) {
		// Servers that say who they are and then what they hear.
		args := []string{"-m", "3"}
		for _, name := range []string{"a", "b"} {
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						fmt.Fprintf(c, "%s ", name)
						io.Copy(c, c)
						c.Close()
					}()
				}
			}()
			args = append(args, "-u", name+"="+l.Addr().String())
		}
		cmd := exec.Command(program, args...)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Process.Kill()
		out := bufio.NewReader(stdout)
		line := func() string {
			s, err := out.ReadString('\n')
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			return strings.TrimSuffix(s, "\n")
		}
		addr := strings.Replace(line(), "port ", "127.0.0.1:", 1)
		dial := func() *net.TCPConn {
			c, err := net.Dial("tcp4", addr)
			if err != nil {
				t.Fatal(err)
			}
			return c.(*net.TCPConn)
		}
		talk := func(c *net.TCPConn, text string) string {
			go func() {
				io.WriteString(c, text)
				c.CloseWrite()
			}()
			answer, err := io.ReadAll(c)
			if err != nil {
				t.Error(err)
			}
			return string(answer)
		}
		big := strings.Repeat("0123456789abcdef", 1<<16) // more than all the buffers on the way
		if got := talk(dial(), big); got != "a "+big {
			t.Errorf("%d bytes came back, want %d", len(got), len(big)+2)
		}
		if got, want := line(), fmt.Sprintf("relay 1 done via a up %d down %d", len(big), len(big)+2); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		var open []*net.TCPConn // one after the other, so that it is certain who gets which
		for i := range 3 {
			c := dial()
			who := make([]byte, 2)
			if _, err := io.ReadFull(c, who); err != nil || string(who) != []string{"b ", "a ", "b "}[i] {
				t.Errorf("connection %d: %q %v", i, who, err)
			}
			open = append(open, c)
		}
		if got := talk(dial(), ""); got != "" { // one too many
			t.Errorf("got %q", got)
		}
		for i, c := range open {
			if got := talk(c, "hello"); got != "hello" {
				t.Errorf("connection %d: %q", i, got)
			}
			if got, want := line(), fmt.Sprintf("relay %d done via %s up 5 down 7", i+2, []string{"b", "a", "b"}[i]); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		cmd.Process.Signal(syscall.SIGTERM)
		rest, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		sameLines(t, "log", strings.Split(strings.TrimSuffix(string(rest), "\n"), "\n"), []string{
			"accepted 5 refused 1 timeouts 0",
			"peer 127.0.0.1 total 4 most 3 refused 1",
			fmt.Sprintf("upstream a total 2 failed 0 up %d down %d", len(big)+5, len(big)+9),
			"upstream b total 2 failed 0 up 10 down 14",
		})
	})
}
