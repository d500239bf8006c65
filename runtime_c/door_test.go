package runtime_c

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A program of one thread has no second one until somebody connects, is answered whatever it waits in,
// and does not notice.
func TestDoor(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the door is for x86-64")
	}
	t.Parallel()
	for _, flags := range [][]string{{"-O2", "-DSAZ_MARK_WORDS=1"}, append([]string{}, sanitized...), {"-O2", "-static", "-DSAZ_MARK_WORDS=1"}} {
		prog := compile(t, "door", flags, "box.c", "box_glue.c", "door.c")
		for _, how := range []string{"poll", "poll-time", "ppoll", "select", "select-time", "pselect", "epoll", "epoll-mask", "read", "readv", "fgets",
			"recv", "sleep", "signals", "suspends", "busy", "slow", "works", "forks", "ignores", "has-handler!", "blocks!", "env!"} {
			t.Run(strings.Join(append(flags, how), " "), func(t *testing.T) {
				t.Parallel()
				atOnce := strings.HasSuffix(how, "!")
				knock(t, prog, strings.TrimSuffix(how, "!"), atOnce)
			})
		}
	}
}

func threads(t *testing.T, pid int) int {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func knock(t *testing.T, prog, how string, atOnce bool) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "x.sock")
	cmd := exec.Command(prog, how)
	cmd.Env = append(os.Environ(), "SAZ_SOCKET="+socket)
	if how == "env" {
		cmd.Env = append(cmd.Env, "SAZ_SERVICE=thread")
	}
	in, _ := cmd.StdinPipe()
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	for i := 0; ; i++ {
		if _, err := os.Stat(socket); err == nil {
			break
		} else if i > 1000 {
			t.Fatal("no socket: ", out)
		}
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // it has opened its door, and waits
	if n := threads(t, cmd.Process.Pid); n != 1 && !atOnce || n != 2 && atOnce {
		t.Errorf("%d threads before anybody has asked", n)
	}
	if how == "slow" || how == "works" || how == "forks" {
		fmt.Fprint(in, "x") // the first packet, which it reads
		time.Sleep(100 * time.Millisecond)
	}
	for range 3 {
		c, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		peer := &conn{c, bufio.NewReader(c), t}
		peer.must("HELLO", nil)
		peer.must("LIST", nil) // needs a quiescent point
		c.Close()
	}
	if n := threads(t, cmd.Process.Pid); n != 2 {
		t.Errorf("%d threads after somebody has asked", n)
	}
	if how != "sleep" && how != "signals" && how != "suspends" {
		fmt.Fprint(in, "x\n")
	}
	if how != "signals" && how != "suspends" { // its end would be an event, too
		in.Close()
	}
	if err := cmd.Wait(); err != nil || out.String() != "undisturbed\n" {
		t.Errorf("%v: %s", err, out)
	}
}
