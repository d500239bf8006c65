package glue

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend/ctype"
	"saz/ir"
	"saz/passes/container"
	"saz/passes/flowspace"
	"saz/passes/merge"
	"saz/passes/persist"
	"saz/passes/plan"
	"saz/passes/update"
	"saz/rewrite/track"
)

// sample is a program with a hash of connections, counters and a static pointer.
//
//	union u { void *p; long n; char text[16]; };
//	struct item { char *name; int n; };
//	struct conn { struct conn *next, *prev; unsigned src; unsigned short port; union u u; struct item pair[2];
//	              int (*call)(void); FILE *log; struct item tail[]; };
//	struct conn *table[64]; unsigned long counters[2]; static struct conn *last; const struct item fixed[3];
func sample() Input {
	u := ctype.NewUniverse()
	ptr := u.Pointer
	basic := ctype.Basic
	record := func(tag string, union bool, size, align int64, fields ...ctype.Field) (*ctype.Type, *ctype.Record) {
		t := u.NewRecord(tag, union)
		*t.Rec = ctype.Record{Tag: tag, Union: union, Complete: true, Fields: fields, Size: size, Align: align, ID: t.Rec.ID}
		return t, t.Rec
	}
	field := func(name string, t *ctype.Type, off int64) ctype.Field {
		return ctype.Field{Name: name, Type: t, Off: off}
	}
	file := u.NewRecord("_IO_FILE", false)
	un, ur := record("u", true, 16, 8, field("p", ptr(basic(ctype.Void)), 0), field("n", basic(ctype.Long), 0), field("text", u.Array(basic(ctype.Char), 16), 0))
	item, itemr := record("item", false, 16, 8, field("name", ptr(basic(ctype.Char)), 0), field("n", basic(ctype.Int), 8))
	conn := u.NewRecord("conn", false)
	*conn.Rec = ctype.Record{Tag: "conn", Complete: true, Size: 96, Align: 8, ID: conn.Rec.ID, Fields: []ctype.Field{
		field("next", ptr(conn), 0), field("prev", ptr(conn), 8), field("src", basic(ctype.UInt), 16), field("port", basic(ctype.UShort), 20),
		field("u", un, 24), field("pair", u.Array(item, 2), 40), field("call", ptr(u.Function(basic(ctype.Int), &ctype.FuncType{})), 72),
		field("log", ptr(file), 80), field("tail", u.Array(item, -1), 96),
	}}
	prog := &ir.Program{Name: "/somewhere/sample"}
	global := func(name string, l ir.Linkage, t *ctype.Type, size int64) persist.Var {
		id := ir.GlobalID(len(prog.Globals))
		prog.Globals = append(prog.Globals, &ir.Global{ID: id, Name: name, Link: name, Linkage: l, Type: t, Size: size, Proc: -1})
		return persist.Var{ID: persist.VarID(id), Name: name, Kind: persist.Global, Proc: -1, Global: id, Local: -1, Type: t, Size: size}
	}
	in := Input{Prog: prog, Persist: &persist.Result{}, Plan: &plan.Result{Opaque: map[string]bool{"_IO_FILE": true}}}
	in.Persist.Vars = []persist.Var{
		global("table", ir.External, u.Array(ptr(conn), 64), 512),
		global("counters", ir.External, u.Array(basic(ctype.ULong), 2), 16),
		global("last", ir.Internal, ptr(conn), 8),
		global("fixed", ir.External, u.Array(u.Qualified(item, ctype.Const), 3), 48),
	}
	prog.Globals[2].Pos.File = 1
	for i := range in.Persist.Vars {
		in.Plan.Vars = append(in.Plan.Vars, plan.Var{Var: persist.VarID(i), Root: in.Persist.Vars[i].Type})
	}
	in.Plan.Types = []*ctype.Record{ur, itemr, conn.Rec}
	prog.Funcs = []*ir.Func{{ID: 0, Name: "puts", Link: "puts", Linkage: ir.Undefined}}
	in.Plan.Funcs = []ir.FuncID{0}
	in.Containers = &container.Result{Containers: map[persist.VarID]*container.Container{0: {Var: 0, Shape: container.HashList, Entry: conn.Rec,
		Buckets: 64, BucketType: ptr(conn), Next: "next", Prev: "prev", PrevOff: 8, Tail: "last"}}}
	in.Containers.Containers[0].Tail = ""
	in.Spaces = &flowspace.Result{Spaces: map[persist.VarID]*flowspace.Space{0: {BothWays: true, Keys: []flowspace.Key{
		{Field: "src", Off: 16, Size: 4, Header: "nw_src", Net: true}, {Field: "port", Off: 20, Size: 2, Header: "tp_src"}, {Field: "", Header: "nw_dst"}}}}}
	in.Merge = &merge.Result{Rules: map[persist.VarID][]merge.Rule{1: {{Off: 0, Size: 8, Op: "add"}, {Off: 8, Size: 8, Op: "replace"}}}}
	in.Update = &update.Result{Ranges: map[persist.VarID][][2]int64{1: {{0, 16}}}}
	return in
}

func marks(always int) *track.Result { return &track.Result{Always: always, Threads: &track.Threads{}} }

func TestEmit(t *testing.T) {
	text, err := build(sample(), Options{Version: "test", Marks: marks(0)}).emit()
	if err != nil {
		t.Fatal(err)
	}
	again, err := build(sample(), Options{Version: "test", Marks: marks(0)}).emit()
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("not the same twice (%v)", err)
	}
	for _, want := range []string{
		`{ "union u", 16, saz_slots_2, 1, 0, 8 }`,
		"/* union u */\n\t{ 0, 1, 8, 0, SAZ_ANY },\n}",
		"/* struct item */\n\t{ 0, 1, 8, 0, SAZ_STR },\n}",
		"/* struct conn */\n\t{ 0, 1, 8, 4, SAZ_PTR },\n\t{ 8, 1, 8, 4, SAZ_PTR },\n\t{ 24, 1, 16, 2, SAZ_NEST },\n\t{ 40, 2, 16, 3, SAZ_NEST },\n" +
			"\t{ 72, 1, 8, 0, SAZ_FUN },\n\t{ 80, 1, 8, 0, SAZ_OPQ },\n\t{ 96, 0, 16, 3, SAZ_NEST },\n}",
		`{ "struct conn", 96, saz_slots_4, 7, SAZ_T_TAIL, 8 }`,
		`{ "table", saz_sym_0, 512, `,
		`{ "last", 0, 8, `,
		"{ 0, 0, 512, SAZ_LINKS, SAZ_RAW, 0 },\n\t{ 1, 0, 8, SAZ_ADD, SAZ_UNSIGNED, 8 },\n\t{ 1, 8, 8, SAZ_REPLACE, SAZ_RAW, 0 },\n\t{ 2, 0, 8, SAZ_MANUAL, SAZ_RAW, 0 },\n}",
		"{ 16, 4, SAZ_NW_SRC, 1 },\n\t{ 20, 2, SAZ_TP_SRC, 0 },\n}",
		`{ "table", 0, 0, 64, 8, 0, SAZ_PREV, 1, 0, 4, 0, 8, 0, saz_keys_0, 2 }`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("lacks %s", want)
		}
	}
	if s := build(sample(), Options{Marks: marks(0)}).statics; len(s) != 1 || s[0].ID != 2 || s[0].Global != 2 {
		t.Errorf("statics: %v", s)
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}

// What is generated compiles in any dialect, also when there is nothing to say.
func TestCompiles(t *testing.T) {
	empty := Input{Prog: &ir.Program{Name: `odd "name"??/`}, Persist: &persist.Result{}, Plan: &plan.Result{}}
	for name, in := range map[string]Input{"sample": sample(), "empty": empty, "announced": sample()} {
		dir := t.TempDir()
		always := 0
		if name == "announced" {
			always = 2
		}
		files, err := build(in, Options{Version: "test */", Marks: marks(always)}).files()
		if err != nil {
			t.Fatal(err)
		}
		for f, data := range files {
			p := filepath.Join(dir, f)
			if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		for _, std := range []string{"c89", "gnu17", "gnu2x"} {
			cmd := exec.Command("gcc", "-std="+std, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Isaz_rt", "-c", "-o", os.DevNull, "saz_glue.c")
			cmd.Dir = dir
			if msg, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", name, std, err, msg)
			}
		}
	}
}
