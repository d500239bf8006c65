// Package examples_test builds the example middleboxes the way their users would, with make, and runs
// them on captures whose outcome is known.
package examples_test

import (
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
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Real captures, which are not part of the repository.
const traces = "../../shared/traces"

const warnings = "-Wall -Wextra -Wpedantic -Werror"

var (
	optimised = []string{"CFLAGS=-O2 -g " + warnings}
	sanitized = []string{"CFLAGS=-O1 -g -fno-sanitize-recover=all -fsanitize=address,undefined " + warnings}
)

// build makes a copy of an example and returns the directory.
func build(t *testing.T, example string, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), example)
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"clean", example} { // somebody may have built it in place
		make := exec.Command("make", append([]string{"-C", dir, target}, args...)...)
		if out, err := make.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", make, err, out)
		}
	}
	return dir
}

func TestCompilers(t *testing.T) {
	for _, cc := range []string{"gcc", "clang"} {
		for _, example := range []string{"monitor", "figure3", "figure9", "nat", "balancer", "ids", "proxy", "ratelimit"} {
			t.Run(cc+"/"+example, func(t *testing.T) {
				if _, err := exec.LookPath(cc); err != nil {
					t.Skip(err)
				}
				build(t, example, append(optimised, "CC="+cc)...)
			})
		}
	}
}

// result is what a run of the monitor left behind.
type result struct {
	log    []string // sorted
	stats  map[string]uint64
	stderr string
	status int
}

func monitor(t *testing.T, dir, capture string, args ...string) result {
	t.Helper()
	out := t.TempDir()
	logFile, statsFile := filepath.Join(out, "log"), filepath.Join(out, "stats")
	args = append([]string{"-r", capture, "-s", filepath.Join(dir, "services.sig"), "-l", logFile, "-S", statsFile}, args...)
	cmd := exec.Command(filepath.Join(dir, "monitor"), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	r := result{stderr: stderr.String(), status: cmd.ProcessState.ExitCode()}
	if _, err := os.Stat(logFile); err == nil {
		r.log = readLog(t, logFile)
		r.stats = readStats(t, statsFile)
	}
	return r
}

// mustMonitor is for captures in which there is nothing to complain about.
func mustMonitor(t *testing.T, dir, capture string, args ...string) result {
	t.Helper()
	r := monitor(t, dir, capture, args...)
	if r.status != 0 || r.stderr != "" {
		t.Fatalf("%s: exit status %d\n%s", capture, r.status, r.stderr)
	}
	return r
}

func readLog(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	slices.Sort(lines)
	return lines
}

func readStats(t *testing.T, file string) map[string]uint64 {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stats := map[string]uint64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		stats[name] = n
	}
	return stats
}

func sameLog(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	only := func(a, b []string) (lines []string) {
		for _, line := range a {
			if _, found := slices.BinarySearch(b, line); !found && len(lines) < 10 {
				lines = append(lines, line)
			}
		}
		return lines
	}
	t.Errorf("%s: %d lines, want %d\nnot expected:\n\t%s\nmissing:\n\t%s", what, len(got), len(want),
		strings.Join(only(got, want), "\n\t"), strings.Join(only(want, got), "\n\t"))
}

// A frame and when it was captured, in microseconds.
type frame struct {
	at   int64
	data []byte
	cut  int // bytes that were not captured
}

func writeCapture(t *testing.T, frames []frame) string {
	t.Helper()
	le := binary.LittleEndian
	out := le.AppendUint32(nil, 0xa1b2c3d4)
	out = append(out, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0)
	for _, f := range frames {
		out = le.AppendUint32(out, uint32(f.at/1e6))
		out = le.AppendUint32(out, uint32(f.at%1e6))
		out = le.AppendUint32(out, uint32(len(f.data)))
		out = le.AppendUint32(out, uint32(len(f.data)+f.cut))
		out = append(out, f.data...)
	}
	return writeFile(t, out)
}

func writeFile(t *testing.T, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "capture.pcap")
	if err := os.WriteFile(file, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

func readCapture(t *testing.T, file string) (frames []frame) {
	t.Helper()
	in, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	for in = in[24:]; len(in) > 0; {
		size := int(le.Uint32(in[8:]))
		frames = append(frames, frame{
			at:   int64(le.Uint32(in))*1e6 + int64(le.Uint32(in[4:])),
			data: in[16 : 16+size],
			cut:  int(le.Uint32(in[12:])) - size,
		})
		in = in[16+size:]
	}
	return frames
}

// generate runs the traffic generator.
func generate(t *testing.T, seed, flows, packets int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "traffic.pcap")
	cmd := exec.Command("go", "run", "./traffic", "-o", file,
		"-seed", strconv.Itoa(seed), "-flows", strconv.Itoa(flows), "-packets", strconv.Itoa(packets))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return file
}

// serialize builds a frame; lengths and checksums are filled in. It is not padded to the 60 bytes
// of Ethernet, so that the sizes that the tests expect are those of the headers and the payload.
func serialize(t *testing.T, stack ...gopacket.SerializableLayer) []byte {
	t.Helper()
	for i, l := range stack {
		if l, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			if err := l.SetNetworkLayerForChecksum(stack[i-1].(gopacket.NetworkLayer)); err != nil {
				t.Fatal(err)
			}
		}
	}
	buffer := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buffer, options, stack...); err != nil {
		t.Fatal(err)
	}
	frame := slices.Clone(buffer.Bytes())
	return frame[:14+int(binary.BigEndian.Uint16(frame[16:]))]
}

func ethernet4() *layers.Ethernet {
	return &layers.Ethernet{
		SrcMAC:       net.HardwareAddr{2, 0, 0, 0, 0, 1},
		DstMAC:       net.HardwareAddr{2, 0, 0, 0, 0, 2},
		EthernetType: layers.EthernetTypeIPv4,
	}
}

func ip4(proto layers.IPProtocol, src, dst string) *layers.IPv4 {
	return &layers.IPv4{
		Version: 4, IHL: 5, TTL: 64, Protocol: proto,
		SrcIP: netip.MustParseAddr(src).AsSlice(), DstIP: netip.MustParseAddr(dst).AsSlice(),
	}
}

// tcp is 54 bytes and the payload.
func tcp(t *testing.T, src string, sport int, dst string, dport int, flags, payload string) []byte {
	header := &layers.TCP{
		SrcPort: layers.TCPPort(sport), DstPort: layers.TCPPort(dport), Ack: 77,
		SYN: strings.Contains(flags, "S"), ACK: strings.Contains(flags, "A"),
		FIN: strings.Contains(flags, "F"), RST: strings.Contains(flags, "R"),
	}
	return serialize(t, ethernet4(), ip4(layers.IPProtocolTCP, src, dst), header, gopacket.Payload(payload))
}

// udp is 42 bytes and the payload.
func udp(t *testing.T, src string, sport int, dst string, dport int, payload string) []byte {
	header := &layers.UDP{SrcPort: layers.UDPPort(sport), DstPort: layers.UDPPort(dport)}
	return serialize(t, ethernet4(), ip4(layers.IPProtocolUDP, src, dst), header, gopacket.Payload(payload))
}

// udp6 has a VLAN tag (4 bytes) and a hop-by-hop header (8), 74 bytes with the others.
func udp6(t *testing.T, src string, sport int, dst string, dport int, payload string) []byte {
	b := []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 5, 0x86, 0xdd}
	b = append(b, 0x60, 0, 0, 0, 0, byte(16+len(payload)), 0, 63)
	b = append(b, netip.MustParseAddr(src).AsSlice()...)
	b = append(b, netip.MustParseAddr(dst).AsSlice()...)
	b = append(b, 17, 0, 1, 4, 0, 0, 0, 0)
	b = append(b, byte(sport>>8), byte(sport), byte(dport>>8), byte(dport), 0, byte(8+len(payload)), 0, 0)
	return append(b, payload...)
}

func TestMonitorByHand(t *testing.T) {
	const a, b, c = "10.0.0.1", "10.0.0.2", "10.0.0.3"
	const a6, b6 = "2001:db8::1", "2001:db8::2"
	const s = 1_000_000
	ping := serialize(t, ethernet4(), ip4(layers.IPProtocolICMPv4, c, b),
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeEchoRequest, 0)})
	fragment := udp(t, c, 7, b, 7, "tail")
	fragment[20], fragment[21] = 0, 9 // fragment offset
	short := tcp(t, c, 7, b, 7, "A", "")

	capture := writeCapture(t, []frame{
		// A connection that is closed, with a straggler, and one between the same ports.
		{at: 100 * s, data: tcp(t, a, 40000, b, 22, "S", "")},
		{at: 100*s + 1, data: tcp(t, b, 22, a, 40000, "SA", "")},
		{at: 100*s + 2, data: tcp(t, a, 40000, b, 22, "A", "")},
		{at: 100*s + 3, data: tcp(t, b, 22, a, 40000, "A", "SSH-2.0-x\r\n")},
		{at: 100*s + 4, data: tcp(t, a, 40000, b, 22, "FA", "")},
		{at: 100*s + 5, data: tcp(t, b, 22, a, 40000, "FA", "")},
		{at: 100*s + 6, data: tcp(t, a, 40000, b, 22, "A", "")},
		{at: 101 * s, data: tcp(t, a, 40000, b, 22, "S", "")},
		// Refused.
		{at: 102 * s, data: tcp(t, a, 40001, b, 81, "S", "")},
		{at: 102*s + 9, data: tcp(t, b, 81, a, 40001, "RA", "")},
		// The port says https, what it sends says tls.
		{at: 103 * s, data: tcp(t, b, 443, a, 40002, "SA", "")},
		{at: 103*s + 1, data: tcp(t, b, 443, a, 40002, "A", "\x16\x03\x03")},
		// Falls silent for exactly the timeout, which is not too long, and then for longer.
		{at: 110 * s, data: udp(t, a, 5000, b, 53, "q")},
		{at: 110*s + 1, data: udp(t, b, 53, a, 5000, "answer")},
		{at: 140*s + 1, data: udp(t, a, 5000, b, 53, "q")},
		{at: 170*s + 2, data: udp(t, a, 5000, b, 53, "q")},
		{at: 171 * s, data: udp6(t, a6, 6000, b6, 514, "xyz")},
		{at: 172 * s, data: ping},
		{at: 173 * s, data: fragment},
		{at: 174 * s, data: short[:40], cut: 14},
		{at: 175 * s, data: []byte("not a frame")},
	})
	want := []string{
		"host new 10.0.0.1 mac 02:00:00:00:00:01 ttl 64 at 100.000000",
		"host new 10.0.0.2 mac 02:00:00:00:00:01 ttl 64 at 100.000001",
		"host new 10.0.0.3 mac 02:00:00:00:00:01 ttl 64 at 172.000000",
		"host new 2001:db8::1 mac 02:00:00:00:00:01 ttl 63 at 171.000000",
		"service 10.0.0.2 22/tcp ssh at 100.000001",
		"service 10.0.0.2 443/tcp https at 103.000000",
		"service 10.0.0.2 443/tcp tls at 103.000001",
		"service 10.0.0.2 53/udp domain at 110.000001",
		"conn new tcp 10.0.0.1:40000 -> 10.0.0.2:22 at 100.000000",
		"conn end tcp 10.0.0.1:40000 -> 10.0.0.2:22 fin pkts 4/3 bytes 216/173 flags FSA/FSA from 100.000000 to 100.000006",
		"conn new tcp 10.0.0.1:40000 -> 10.0.0.2:22 at 101.000000",
		"conn end tcp 10.0.0.1:40000 -> 10.0.0.2:22 timeout pkts 1/0 bytes 54/0 flags S/- from 101.000000 to 101.000000",
		"conn new tcp 10.0.0.1:40001 -> 10.0.0.2:81 at 102.000000",
		"conn end tcp 10.0.0.1:40001 -> 10.0.0.2:81 rst pkts 1/1 bytes 54/54 flags S/RA from 102.000000 to 102.000009",
		"conn new tcp 10.0.0.1:40002 -> 10.0.0.2:443 at 103.000000",
		"conn end tcp 10.0.0.1:40002 -> 10.0.0.2:443 timeout pkts 0/2 bytes 0/111 flags -/SA from 103.000000 to 103.000001",
		"conn new udp 10.0.0.1:5000 -> 10.0.0.2:53 at 110.000000",
		"conn end udp 10.0.0.1:5000 -> 10.0.0.2:53 timeout pkts 2/1 bytes 86/48 flags -/- from 110.000000 to 140.000001",
		"conn new udp 10.0.0.1:5000 -> 10.0.0.2:53 at 170.000002",
		"conn end udp 10.0.0.1:5000 -> 10.0.0.2:53 timeout pkts 1/0 bytes 43/0 flags -/- from 170.000002 to 170.000002",
		"conn new udp [2001:db8::1]:6000 -> [2001:db8::2]:514 at 171.000000",
		"conn end udp [2001:db8::1]:6000 -> [2001:db8::2]:514 timeout pkts 1/0 bytes 77/0 flags -/- from 171.000000 to 171.000000",
		"conn new icmp 10.0.0.3:0 -> 10.0.0.2:0 at 172.000000",
		"conn end icmp 10.0.0.3:0 -> 10.0.0.2:0 timeout pkts 1/0 bytes 42/0 flags -/- from 172.000000 to 172.000000",
	}
	slices.Sort(want)

	for name, args := range map[string][]string{"optimised": optimised, "sanitized": sanitized} {
		t.Run(name, func(t *testing.T) {
			r := mustMonitor(t, build(t, "monitor", args...), capture)
			sameLog(t, "log", r.log, want)
			wantStats := map[string]uint64{
				"packets": 21, "bytes": 216 + 173 + 54 + 108 + 111 + 86 + 48 + 43 + 77 + 42 + 46 + 54 + 11,
				"vlan": 1, "arp": 0, "ipv4": 19, "ipv6": 1, "tcp": 12, "udp": 5, "icmp": 1, "icmp6": 0,
				"other": 0, "fragments": 1, "truncated": 2, "connections": 8, "hosts": 4,
			}
			for stat, value := range wantStats {
				if r.stats[stat] != value {
					t.Errorf("%s %d, want %d", stat, r.stats[stat], value)
				}
			}
			if len(r.stats) != len(wantStats) {
				t.Errorf("%d statistics, want %d", len(r.stats), len(wantStats))
			}
		})
	}
}

// What is logged about a flow depends on its own packets only, so it is the same when somebody
// else sees the other half of the flows, and whenever the table is swept.
func TestMonitorLogIsPerFlow(t *testing.T) {
	dir := build(t, "monitor", optimised...)
	eager := build(t, "monitor", append(optimised, "CPPFLAGS=-DSWEEP_EVERY=1")...)
	lazy := build(t, "monitor", append(optimised, "CPPFLAGS=-DSWEEP_EVERY=1000000000")...)
	for seed := 1; seed <= 3; seed++ {
		capture := generate(t, seed, 800, 20000)
		whole := mustMonitor(t, dir, capture)
		sameLog(t, "swept at each packet", mustMonitor(t, eager, capture).log, whole.log)
		sameLog(t, "never swept", mustMonitor(t, lazy, capture).log, whole.log)

		var sites [2][]frame
		for _, f := range readCapture(t, capture) {
			site := f.data[14+12+1] >> 7 // second byte of the IPv4 source address
			if f.data[12] == 0x86 {
				site = f.data[14+8+4] >> 7 // fifth byte of the IPv6 one
			}
			sites[site] = append(sites[site], f)
		}
		first := mustMonitor(t, dir, writeCapture(t, sites[0]))
		second := mustMonitor(t, dir, writeCapture(t, sites[1]))
		union := append(first.log, second.log...)
		slices.Sort(union)
		sameLog(t, "two monitors", union, whole.log)
		for name, value := range whole.stats {
			if sum := first.stats[name] + second.stats[name]; sum != value {
				t.Errorf("seed %d: %s %d and %d, together they are %d", seed, name, first.stats[name], second.stats[name], value)
			}
		}
		if whole.stats["packets"] != 20000 || whole.stats["truncated"] != 0 || whole.stats["connections"] < 800 {
			t.Errorf("seed %d: %v", seed, whole.stats)
		}
	}
}

func TestMonitorSanitizedOnGarbage(t *testing.T) {
	dir := build(t, "monitor", sanitized...)
	capture := generate(t, 4, 400, 8000)
	mustMonitor(t, dir, capture, "-t", "1", "-u", "1")
	frames := readCapture(t, capture)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range frames {
		f := &frames[i]
		f.data = slices.Clone(f.data)
		for range rng.IntN(4) { // mostly in the headers
			f.data[rng.IntN(min(len(f.data), 70))] = byte(rng.Uint32())
		}
		if size := rng.IntN(len(f.data) + 1); rng.IntN(3) == 0 {
			f.data, f.cut = f.data[:size], len(f.data)-size
		}
	}
	r := mustMonitor(t, dir, writeCapture(t, frames))
	if r.stats["truncated"] == 0 || r.stats["packets"] != uint64(len(frames)) {
		t.Errorf("statistics: %v", r.stats)
	}
}

func TestMonitorSanitizedOnTraces(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(traces, "*cap"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("no captures in %s", traces)
	}
	dir := build(t, "monitor", sanitized...)
	eager := build(t, "monitor", append(optimised, "CPPFLAGS=-DSWEEP_EVERY=1")...)
	lazy := build(t, "monitor", append(optimised, "CPPFLAGS=-DSWEEP_EVERY=1000000000")...)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			head := make([]byte, 24)
			in, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			if _, err := io.ReadFull(in, head); err != nil {
				t.Fatal(err)
			}
			if head[20] != 1 {
				r := monitor(t, dir, file)
				if r.status != 1 || !strings.Contains(r.stderr, "only Ethernet") || r.log != nil {
					t.Errorf("not Ethernet, but exit status %d\n%s", r.status, r.stderr)
				}
				return
			}
			r := mustMonitor(t, dir, file)
			if packets := len(readCapture(t, file)); r.stats["packets"] != uint64(packets) {
				t.Errorf("%d packets of %d", r.stats["packets"], packets)
			}
			sameLog(t, "swept at each packet", mustMonitor(t, eager, file).log, r.log)
			sameLog(t, "never swept", mustMonitor(t, lazy, file).log, r.log)
		})
	}
}

// A capture that stops in the middle of a packet is an error, but what came before counts.
func TestMonitorTruncatedCapture(t *testing.T) {
	dir := build(t, "monitor", sanitized...)
	capture := generate(t, 5, 40, 1000)
	whole, err := os.ReadFile(capture)
	if err != nil {
		t.Fatal(err)
	}
	frames := readCapture(t, capture)[:500]
	want := mustMonitor(t, dir, writeCapture(t, frames))
	end := 24
	for _, f := range frames {
		end += 16 + len(f.data)
	}
	for what, extra := range map[string]int{"in a record header": 7, "in a packet": 16 + 20} {
		r := monitor(t, dir, writeFile(t, whole[:end+extra]))
		if r.status != 1 || !strings.Contains(r.stderr, "truncated dump file") {
			t.Errorf("cut %s: exit status %d\n%s", what, r.status, r.stderr)
		}
		sameLog(t, "cut "+what, r.log, want.log)
	}
}

func TestMonitorUsage(t *testing.T) {
	dir := build(t, "monitor", sanitized...)
	bad := filepath.Join(t.TempDir(), "bad.sig")
	if err := os.WriteFile(bad, []byte("# fine\nport tcp 70000 x\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for args, complaint := range map[string]string{
		"":                       "either -r FILE or -i INTERFACE",
		"-r a -i b":              "either -r FILE or -i INTERFACE",
		"-r a b":                 "nothing else",
		"-r a -t 0":              "-t wants a number of seconds",
		"-r a -u 1x":             "-u wants a number of seconds",
		"-r nonexistent":         "nonexistent: No such file",
		"-r a -s nonexistent":    "nonexistent: No such file",
		"-r a -s " + bad:         "bad.sig:2: the port is not",
		"-r " + bad:              "bad.sig: unknown file format",
		"-i no_such_interface99": "no_such_interface99",
	} {
		cmd := exec.Command(filepath.Join(dir, "monitor"), strings.Fields(args)...)
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), complaint) {
			t.Errorf("monitor %s: exit status %d, want 1 and %q\n%s", args, cmd.ProcessState.ExitCode(), complaint, out)
		}
	}
}

// Packets that trickle through a pipe are dealt with as they come; a signal ends the monitor
// while it waits for more, and it still logs everything.
func TestMonitorPipeAndSignal(t *testing.T) {
	dir := build(t, "monitor", sanitized...)
	capture := generate(t, 6, 30, 300)
	want := mustMonitor(t, dir, capture)
	content, err := os.ReadFile(capture)
	if err != nil {
		t.Fatal(err)
	}

	out := t.TempDir()
	fifo, logFile, statsFile := filepath.Join(out, "fifo"), filepath.Join(out, "log"), filepath.Join(out, "stats")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "monitor"), "-r", fifo, "-l", logFile, "-S", statsFile,
		"-s", filepath.Join(dir, "services.sig"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill() // in case of a failure below
	pipe, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	for part := range slices.Chunk(content, 1009) {
		if _, err := pipe.Write(part); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	// All that can be logged before the end is there when the last new thing is.
	last := ""
	for _, line := range want.log {
		if at := line[strings.LastIndex(line, " ")+1:]; !strings.HasPrefix(line, "conn end") && at > last {
			last = at
		}
	}
	waitUntil(t, func() bool {
		text, _ := os.ReadFile(logFile)
		return strings.Contains(string(text), " at "+last+"\n")
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v\n%s", err, stderr.String())
	}
	if packets := readStats(t, statsFile)["packets"]; packets > 300 {
		t.Errorf("%d packets", packets)
	} else if packets == 300 { // the signal may have come before the last few were read
		sameLog(t, "pipe", readLog(t, logFile), want.log)
	} else {
		t.Logf("stopped after %d packets", packets)
	}
}

func waitUntil(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing happened for 20 seconds")
		}
	}
}

func TestFigure3(t *testing.T) {
	dir := build(t, "figure3", optimised...)
	var frames []frame
	for i := range 250 { // more than the queue holds
		frames = append(frames,
			frame{at: int64(i), data: tcp(t, "10.0.0.1", 1000+i, "10.0.0.9", 80, "S", "")},
			frame{at: int64(i), data: tcp(t, "10.0.0.9", 80, "10.0.0.1", 1000+i, "SA", "")})
	}
	frames = append(frames, frame{at: 250, data: tcp(t, "10.0.0.2", 1, "10.0.0.9", 80, "S", "")})
	out, err := exec.Command(filepath.Join(dir, "figure3"), "-", writeCapture(t, frames), "3").Output()
	if want := "10.0.0.2 1\n10.0.0.9 0\n10.0.0.1 250\n"; err != nil || string(out) != want {
		t.Errorf("%v\n%swant\n%s", err, out, want)
	}
}

func TestFigure9(t *testing.T) {
	dir := build(t, "figure9", sanitized...)
	cmd := exec.Command(filepath.Join(dir, "figure9"))
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
	var port int
	if _, err := fmt.Fscanf(stdout, "port %d\n", &port); err != nil {
		t.Fatal(err)
	}
	peer, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	for _, packet := range [][]byte{
		tcp(t, "10.0.0.1", 1, "10.0.0.2", 2, "S", "")[14:],
		tcp(t, "10.0.0.1", 1, "10.0.0.2", 2, "A", "data")[14:],
		udp(t, "10.0.0.1", 1, "10.0.0.2", 2, "x")[14:],
		{0x4f}, // almost nothing
		{},
	} {
		if _, err := peer.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	rest, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(string(rest)), "\n")
	if len(lines) != 3 || lines[0] != "count 4" || lines[1] != "tcpcnt 2" ||
		!strings.HasSuffix(lines[2], " flags 12 acknum 77") {
		t.Errorf("printed\n%s", rest)
	}
}
