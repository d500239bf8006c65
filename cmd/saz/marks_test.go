package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Each place of a mark in the monitor is taken out in turn, and the monitor watches itself: on made-up traffic, frames too
// short to belong to a connection after everything has timed out, and a signal in the midst of a packet. What is not
// noticed is what no traffic can show (rewrite/track, TestMarksThatOthersCover), and the mark before the log is written: a stream is
// the library's, and a build that watches itself does not look into it.
func TestMarksTakenOut(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the monitor thirteen times")
	}
	t.Parallel()
	covered := []string{"conn.c:121 saz_updated[1]", "conn.c:93 saz_updated[1]", "host.c:124 saz_updated[4]", "host.c:75 saz_updated[4]", "log.c:110 saz_updated[0]"}
	dir := t.TempDir()
	sources, _ := filepath.Glob("../../examples/monitor/*.[ch]")
	for _, s := range append(sources, "../../examples/monitor/services.sig") {
		text, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, filepath.Base(s), string(text))
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*.c"))
	args := []string{"instrument", "-q", "--verify", "-o", "out"}
	for _, n := range names {
		args = append(args, filepath.Base(n))
	}
	saz(t, dir, 0, append(args, "--", "-D_DEFAULT_SOURCE", "-O1", "-g", "-std=gnu11")...)
	if msg, err := exec.Command("go", "build", "-o", filepath.Join(dir, "traffic"), "../../examples/traffic").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, msg)
	}
	capture := filepath.Join(dir, "t.pcap")
	if msg, err := exec.Command(filepath.Join(dir, "traffic"), "-packets", "4000", "-flows", "400", "-o", capture).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, msg)
	}
	data, _ := os.ReadFile(capture)
	for i := range 2000 {
		for _, x := range []uint32{2000000000, uint32(i), 10, 10} {
			data = binary.LittleEndian.AppendUint32(data, x)
		}
		data = append(data, make([]byte, 10)...)
	}
	write(t, dir, "t.pcap", string(data))

	sh := func(script string) {
		t.Helper()
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir = filepath.Join(dir, "out")
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, msg)
		}
	}
	build := func(source, out string) {
		sh("gcc -D_DEFAULT_SOURCE -O1 -w -Isaz_rt -c " + source + " && gcc -o " + out + " *.o saz_rt/*.o -lpcap -pthread")
	}
	sh("cd saz_rt && gcc -O2 -w -c *.c")
	build("*.c", "whole")
	if noticed(t, dir, "whole") {
		t.Fatal("the monitor with all marks is not silent")
	}

	mark := regexp.MustCompile(`saz_updated\[\d+\] = 1[;,] `)
	places, missed := 0, []string{}
	for _, n := range names {
		name := filepath.Base(n)
		file := filepath.Join(dir, "out", name)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range mark.FindAllIndex(text, -1) {
			places++
			taken := string(text[at[0]:at[1]])
			line := bytes.Count(text[:at[0]], []byte("\n")) + 1
			if bytes.HasPrefix(text, []byte("#include \"saz_rt.h\"\n#line 1 ")) {
				line -= 2
			}
			where := fmt.Sprintf("%s:%d %s", name, line, taken[:strings.Index(taken, "]")+1])
			write(t, dir, "out/"+name, string(text[:at[0]])+string(text[at[1]:]))
			build(name, "without")
			seen := noticed(t, dir, "without")
			t.Logf("%-28s noticed: %v", where, seen)
			if !seen {
				missed = append(missed, where)
			}
		}
		write(t, dir, "out/"+name, string(text))
		build(name, "whole")
	}
	slices.Sort(missed)
	t.Logf("%d places of marks; taken out, %d are noticed", places, places-len(missed))
	if places != 13 || !slices.Equal(missed, covered) {
		t.Errorf("%d places, not noticed are %q, want %q", places, missed, covered)
	}
}

// noticed runs a monitor that watches itself, on the capture, and with a signal while a packet is logged.
func noticed(t *testing.T, dir, prog string) bool {
	t.Helper()
	said := map[string]string{}
	run := func(log string, during func(*exec.Cmd), env ...string) bool {
		cmd := exec.Command(filepath.Join(dir, "out", prog), "-r", "t.pcap", "-s", "services.sig", "-l", log, "-S", os.DevNull)
		cmd.Dir = dir
		cmd.Env = append(append(os.Environ(), "SAZ_SERVICE=off"), env...)
		var msg bytes.Buffer
		cmd.Stdout, cmd.Stderr = &msg, &msg
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		during(cmd)
		err := cmd.Wait()
		code := cmd.ProcessState.ExitCode()
		if code != 86 && code != 0 && code != 1 { // 1: the signal has interrupted its write
			t.Fatalf("%v\n%s", err, msg.String())
		}
		if code == 86 && !strings.Contains(msg.String(), "no mark announced it") {
			t.Fatalf("%s", msg.String())
		}
		said[strings.Join(env, "")] = regexp.MustCompile(`0x[0-9a-f]+`).ReplaceAllString(msg.String(), "N")
		return code == 86
	}
	// To look at what has been written, and at what leads to it, finds what is found by looking at everything.
	if run(os.DevNull, func(*exec.Cmd) {}) != run(os.DevNull, func(*exec.Cmd) {}, "SAZ_VERIFY_PAGES=all") || said[""] != said["SAZ_VERIFY_PAGES=all"] {
		t.Errorf("%s: with SAZ_VERIFY_PAGES=all it says\n%s\nand without\n%s", prog, said["SAZ_VERIFY_PAGES=all"], said[""])
	}
	if run(os.DevNull, func(*exec.Cmd) {}) {
		return true
	}
	fifo := filepath.Join(dir, "fifo")
	os.Remove(fifo)
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	return run(fifo, func(cmd *exec.Cmd) {
		in, err := os.Open(fifo)
		if err != nil {
			t.Fatal(err)
		}
		for asleep := 0; asleep < 5; { // it waits for room in the log
			time.Sleep(10 * time.Millisecond)
			if s, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid)); err != nil || bytes.Contains(s, []byte(") S ")) || bytes.Contains(s, []byte(") Z ")) {
				asleep++
			} else {
				asleep = 0
			}
		}
		cmd.Process.Signal(syscall.SIGINT)
		time.Sleep(20 * time.Millisecond)
		buf := make([]byte, 1<<16)
		for {
			if n, err := in.Read(buf); n == 0 || err != nil {
				break
			}
		}
		in.Close()
	})
}
