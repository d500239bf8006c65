package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sliceProgram = `#include <stdio.h>
#include <stdlib.h>
static int limit, seen;
static int clamp(int v)
{
	return v > limit ? limit : v;
}
static void note(int v)
{
	seen += v;
}
int main(int argc, char **argv)
{
	limit = atoi(argv[1]);
	int unrelated = argc * 2;
	int n = argc;
	n = clamp(n);
	note(n);
	if (seen > 3)
		printf("%d\n", seen);
	return unrelated;
}
`

// The answers of slice and chop on a small program, each line with its reason.
func TestSlice(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "p.c")
	if err := os.WriteFile(file, []byte(sliceProgram), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want []string
		not  []string
		code int
	}{
		{[]string{"slice", "--forward", file, "p.c:14"},
			[]string{"depend on p.c:14", "\nclamp p.c\n     6  return v > limit ? limit : v;", "← memory 14", "\nmain p.c\n    14  limit = atoi(argv[1]);", "the criterion", "    20  printf(\"%d\\n\", seen);"},
			[]string{"unrelated", "int n = argc"}, 0},
		{[]string{"slice", "--backward", file, "p.c:20"},
			[]string{"affect p.c:20", "    19  if (seen > 3) ", "→ control 20", "    16  int n = argc;", "→ through the call 17", "    14  limit = atoi"},
			[]string{"unrelated"}, 0},
		{[]string{"slice", "--backward", "--why", "p.c:14", file, "p.c:20"}, []string{"p.c:14: limit = atoi(argv[1])", "p.c:6: ", "p.c:10: ", "p.c:20: "}, []string{"unrelated"}, 0},
		{[]string{"slice", "--backward", "--why", "p.c:15", file, "p.c:20"}, []string{"p.c:15 does not affect p.c:20"}, nil, 0},
		{[]string{"slice", "--forward", "--json", file, "p.c:14"}, []string{`"kind": "memory"`, `"line": 6`, `"procedure": "note"`}, []string{`"line": 15`}, 0},
		{[]string{"chop", file, "p.c:14", "p.c:10"}, []string{"lead from p.c:14 to p.c:10", "    17  n = clamp(n);"}, []string{"printf", "unrelated"}, 0},
		{[]string{"chop", "--dot", file, "p.c:14", "p.c:10"}, []string{"digraph", `label="memory"`, "p.c:14  limit = atoi"}, []string{"printf"}, 0},
		{[]string{"slice", file, "p.c:14"}, []string{"--forward or --backward"}, nil, 2},
		{[]string{"slice", "--forward", file}, []string{"needs a TARGET and a FILE:LINE"}, nil, 2},
		{[]string{"slice", "--forward", file, "p.c:1"}, []string{"no code of"}, nil, 2},
		{[]string{"chop", file, "p.c:14", "main"}, []string{`"main" is not FILE:LINE`}, nil, 2},
	} {
		r := saz(t, dir, c.code, c.args...)
		out := r.out + r.err
		for _, w := range c.want {
			if !strings.Contains(out, w) {
				t.Errorf("%v: no %q in\n%s", c.args, w, out)
			}
		}
		for _, w := range c.not {
			if strings.Contains(out, w) {
				t.Errorf("%v: %q in\n%s", c.args, w, out)
			}
		}
	}
}
