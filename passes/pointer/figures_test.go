package pointer_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"saz/ir"
	"saz/ir/models"
	"saz/passes/pointer"
	"saz/passes/pointer/ctest"
)

var lineRE = regexp.MustCompile(`:\d+`)

// named returns where the local or parameter called name of procedure proc may
// point: the union over its versions, as spelled by LocName, without lines.
func named(p *ir.Program, r *pointer.Result, proc, name string) []string {
	var out []string
	for _, f := range p.Funcs {
		if f.Name != proc {
			continue
		}
		for i := range f.Regs {
			if l := f.Regs[i].Local; l >= 0 && f.Locals[l].Name == name {
				for _, loc := range r.PointsTo(f.ID, ir.Value{Kind: ir.VReg, ID: int32(i)}) {
					out = append(out, lineRE.ReplaceAllString(r.LocName(loc), ""))
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// What the paper says that its figures' pointers point at.
func TestFigures(t *testing.T) {
	progs := map[string]*ir.Program{}
	for _, c := range []struct {
		file, proc, name string
		want             []string
	}{
		{"figure3", "dequeue", "index", []string{"tail"}},
		{"figure3", "processPacket", "new", []string{"malloc@figure3.c"}},
		{"figure3", "processPacket", "entry", []string{"malloc@figure3.c"}},
		{"figure3", "lookup", "curr", []string{"malloc@figure3.c"}},
		{"figure3", "loopProcedure", "pkt", []string{"pcap_next's_packet@figure3.c"}},
		{"figure9", "hdl", "c", []string{"tcpcnt"}},
		{"figure9", "hdl", "s", []string{"tbl"}},
		{"figure9", "hdl", "t", []string{"main.buf"}},
	} {
		t.Run(c.file+"/"+c.proc+"/"+c.name, func(t *testing.T) {
			if progs[c.file] == nil {
				dir, err := filepath.Abs("../../examples/" + c.file)
				if err != nil {
					t.Fatal(err)
				}
				progs[c.file] = ctest.Files(t, dir, nil, filepath.Join(dir, c.file+".c"))
			}
			p := progs[c.file]
			r := pointer.Analyze(p, models.Default())
			if got := named(p, r, c.proc, c.name); !slices.Equal(got, c.want) {
				t.Errorf("%s: %s points to %v, want %v", c.proc, c.name, got, c.want)
			}
			if u := r.Unmodelled(); len(u) > 0 {
				t.Errorf("without a model: %v", u)
			}
		})
	}
}
