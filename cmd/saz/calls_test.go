package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const callsProgram = `#include <signal.h>
#include <stdlib.h>
static int a(int x) { return x + 1; }
static int b(int x) { return x + 2; }
static int (*const table[])(int) = { a, b };
static void stop(int s) { exit(s); }
struct node { struct node *next; int v; } first;
int main(int argc, char **argv)
{
	struct node *n = argc > 1 ? malloc(sizeof *n) : &first;
	signal(SIGTERM, stop);
	n->next = &first;
	return table[argc & 1](argc) + a(3);
}
`

// The answers of callees, callers and points-to on a small program, each with its reason.
func TestCalls(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "p.c")
	if err := os.WriteFile(file, []byte(callsProgram), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want []string
		code int
	}{
		{[]string{"callees", file, "main"}, []string{
			"p.c:13: main calls a (direct): a(3)",
			"p.c:13: main calls a (indirect): table[argc & 1](argc)\n    ",
			"its address initialises table",
			"p.c:13: main calls b (indirect)",
			"p.c:11: main calls stop (signal): signal(SIGTERM, stop)\n    ",
			"p.c:11: its address is taken in main",
		}, 0},
		{[]string{"callees", file, "p.c:11"}, []string{"main calls signal (direct)", "main calls stop (signal)"}, 0},
		{[]string{"callers", file, "b"}, []string{"p.c:13: main calls b (indirect)"}, 0},
		{[]string{"callers", "--dot", file, "exit"}, []string{"digraph", "p.c:6"}, 0},
		{[]string{"callers", "--json", file, "exit"}, []string{`"caller": "stop"`, `"kind": "direct"`, `"line": 6`}, 0},
		{[]string{"points-to", file, "n@p.c:12"}, []string{"first", "p.c:7", "malloc@", "p.c:10"}, 0},
		{[]string{"callers", file, "sotp"}, []string{`no procedure "sotp"; did you mean "stop"?`}, 2},
		{[]string{"callees", file, "q.c:1"}, []string{"no code of"}, 2},
		{[]string{"points-to", file, "m@p.c:12"}, []string{`nothing called m is in scope`}, 2},
		{[]string{"points-to", file, "n@q.c:12"}, []string{`no file q.c`}, 2},
		{[]string{"points-to", "--why", file, "table[0]@p.c:12"}, []string{"a()", "b()", "    ", "p.c:5: table is initialised with it"}, 0},
		{[]string{"points-to", "--why", "--json", file, "table@p.c:12"}, []string{`"place": "table"`}, 0},
		{[]string{"points-to", "--why", file}, []string{"--why needs an EXPR"}, 2},
	} {
		r := saz(t, dir, c.code, c.args...)
		out := r.out + r.err
		for _, w := range c.want {
			if !strings.Contains(out, w) {
				t.Errorf("%v: no %q in\n%s", c.args, w, out)
			}
		}
	}
	if r := saz(t, dir, 0, "callees", file, "p.c:11"); strings.Contains(r.out, "calls a") {
		t.Errorf("line 11 has no call of a:\n%s", r.out)
	}
}
