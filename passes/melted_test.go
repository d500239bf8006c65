package passes_test

import (
	"fmt"
	"strings"
	"testing"

	"saz/passes/persist"
	"saz/passes/pointer/ctest"
	"saz/passes/update"
)

// A record with more members in use than the pointer analysis keeps apart is one place: a write to
// any of them was reported as one of its first bytes (the proxy example's list heads).
func TestMelted(t *testing.T) {
	var b strings.Builder
	b.WriteString("#include <sys/types.h>\n#include <sys/socket.h>\nstruct big {")
	for i := range 300 {
		fmt.Fprintf(&b, " int *m%d;", i)
	}
	b.WriteString(" } big; int x;\nstatic void set(int **p) { *p = &x; }\nint main(void) { char c;\n")
	for i := range 300 {
		fmt.Fprintf(&b, "big.m%d = &x;", i)
	}
	b.WriteString("\nwhile (recv(0, &c, 1, 0) > 0) set(&big.m299);\nreturn 0; }\n")
	c := analyse(t, ctest.Text(t, b.String()))
	up := update.Of(c)
	for i := range persist.Of(c).Vars {
		if v := &persist.Of(c).Vars[i]; v.Name == "big" {
			r := up.Ranges[v.ID]
			if len(r) == 0 || r[len(r)-1][1] < 300*8 {
				t.Errorf("updated bytes are %v, and the last member is among them", r)
			}
			return
		}
	}
	t.Error("no big")
}
