package baseline

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"saz/passes/report"
)

func v(file string, line int, name, scope string) report.Variable {
	return report.Variable{Name: name, Kind: "static", File: file, Line: line, TopLevel: true, Updateable: scope != "none", Scope: scope}
}

func changes(t *testing.T, old, now []report.Variable) []string {
	t.Helper()
	a := &report.Report{Program: "p", Version: "1", Variables: old}
	b := &report.Report{Program: "p", Version: "1", Variables: now}
	d, err := Compare("old.json", a, b)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, c := range d.Changes {
		out = append(out, fmt.Sprintf("%s %s:%d %s→%s", c.Kind, c.File, c.Line, c.Was, c.Is))
	}
	return out
}

// Statics of one name in several files are told apart by their paths, wherever the tree stands.
func TestSameNames(t *testing.T) {
	old := []report.Variable{v("/build/old/src/tcp.c", 10, "stats", "all-flows"), v("/build/old/src/udp.c", 20, "stats", "none"), v("/build/old/lib/tcp.c", 5, "stats", "per-flow")}
	now := []report.Variable{v("lib/tcp.c", 7, "stats", "per-flow"), v("src/tcp.c", 11, "stats", "all-flows"), v("src/udp.c", 20, "stats", "all-flows")}
	if diff := cmp.Diff([]string{"changed src/udp.c:20 read-only→all-flows"}, changes(t, old, now)); diff != "" {
		t.Error(diff)
	}
	// One of them goes, another file gets one.
	now = []report.Variable{v("src/tcp.c", 11, "stats", "all-flows"), v("src/udp.c", 20, "stats", "none"), v("src/sctp.c", 3, "stats", "multi-flow")}
	if diff := cmp.Diff([]string{"new src/sctp.c:3 →multi-flow", "gone /build/old/lib/tcp.c:5 per-flow→"}, changes(t, old, now)); diff != "" {
		t.Error(diff)
	}
	// A file that is renamed: the only variable of its name is the same one.
	if diff := cmp.Diff([]string{}, changes(t, []report.Variable{v("a.c", 1, "only", "per-flow")}, []report.Variable{v("b.c", 9, "only", "per-flow")})); diff != "" {
		t.Error(diff)
	}
	// Two declarations of one name in one file (of two procedures' statics of one name, say): by line.
	twice := []report.Variable{v("a.c", 10, "buf", "per-flow"), v("a.c", 90, "buf", "none")}
	moved := []report.Variable{v("a.c", 14, "buf", "per-flow"), v("a.c", 95, "buf", "none")}
	if diff := cmp.Diff([]string{}, changes(t, twice, moved)); diff != "" {
		t.Error(diff)
	}
}
