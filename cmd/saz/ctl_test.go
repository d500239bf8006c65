package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

// ctl runs a command line and returns its output and exit code.
func ctl(args ...string) (string, int) {
	var out bytes.Buffer
	app := &cli.App{Name: "saz", Writer: &out, ErrWriter: &out, Commands: []*cli.Command{ctlCommand()}, ExitErrHandler: func(*cli.Context, error) {}}
	err := app.Run(append([]string{"saz", "ctl"}, args...))
	var coded cli.ExitCoder
	switch {
	case err == nil:
		return out.String(), 0
	case errors.As(err, &coded):
		return out.String() + err.Error(), coded.ExitCode()
	}
	return out.String() + err.Error(), 2
}

func TestCtl(t *testing.T) {
	dir := t.TempDir()
	sockets := filepath.Join(dir, "s")
	t.Setenv("SAZ_SOCKET_DIR", sockets)
	rt := "../../runtime_c/"
	prog := filepath.Join(dir, "box")
	sources, err := filepath.Glob(rt + "saz_rt/*.c")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-std=gnu99", "-I" + rt + "saz_rt", "-o", prog, rt + "test/box.c", rt + "test/box_glue.c", rt + "test/box_main.c"}, sources...)
	if msg, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	for _, name := range []string{"a", "b"} {
		cmd := exec.Command(prog)
		cmd.Env = append(os.Environ(), "SAZ_INSTANCE="+name)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			in.Close()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
		for i := range 50 {
			if name == "a" {
				fmt.Fprintf(in, "10.0.0.%d 192.168.0.1 %d 80 6 100\n", i%5, 1000+i)
			}
		}
		for i := 0; ; i++ {
			if out, code := ctl("stats", name, "--json"); code == 0 {
				var stats map[string]uint64
				if err := json.Unmarshal([]byte(out), &stats); err != nil {
					t.Fatal(err)
				}
				if name == "b" || stats["packets"] >= 50 {
					break
				}
			}
			if i > 1000 {
				t.Fatal("it does not start")
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	file := filepath.Join(dir, "x.img")
	for _, step := range []struct {
		args string
		code int
		want string
	}{
		{"list", 0, "box"},
		{"list a", 0, "struct conn    50"},
		{"move --from a --to b nw_src=10.0.0.2/32", 0, "moved 11 entries, 0 variables, "},
		{"list a", 0, "struct conn    40"},
		{"list b", 0, "struct conn    10"},
		{"move --from a --to b tp_src=7", 0, "moved 0 entries"},
		{"export --from a -o " + file, 0, ""},
		{"import --to b " + file, 0, "imported 0 entries, 10 variables"},
		{"list b", 0, "struct conn    40"},
		{"move --all-state --from " + sockets + "/a.sock --to b all", 0, "45 replaced"},
		{"stats a", 0, "entries_out"},
		{"move --from a --to a all", 1, "one instance"},
		{"move --from a --to c all", 1, "no such instance"},
		{"move --from a --to b nw_src=1.2.3", 1, "filter"},
		{"import --to b /dev/null", 1, "too short"},
		{"import --to b " + prog, 1, "not a state image"},
		{"export --from a --all-state tp_src=1", 2, "--all-state"},
		{"export", 2, "--from"},
		{"move --from a", 2, "--to"},
		{"bogus", 2, "needs one of"},
		{"stats", 2, "INSTANCE"},
	} {
		out, code := ctl(strings.Fields(step.args)...)
		if code != step.code || !strings.Contains(out, step.want) {
			t.Errorf("ctl %s: exit code %d, not %d, or no %q:\n%s", step.args, code, step.code, step.want, out)
		}
	}
}
