package lower_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saz/frontend"
	"saz/frontend/build"
	"saz/frontend/source"
	"saz/ir"
	"saz/ir/link"
)

// TestGolden compares the text form of the IR of testdata/*.c, in memory form
// and lifted, with the .ir file beside each. UPDATE_SNAPSHOTS=1 writes them.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.c"))
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata: ", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			sink := new(source.Sink)
			p, err := build.Load([]string{path}, nil)
			if err != nil {
				t.Skip(err)
			}
			f, err := frontend.Load(p, sink, 1)
			if err != nil {
				t.Fatal(err)
			}
			prog := link.Link("golden", f.Units, f.Files, sink, 1)
			for _, d := range sink.Sorted(f.Files) {
				t.Error(d.Msg)
			}
			if err := ir.Verify(prog); err != nil {
				t.Error(err)
			}
			var b bytes.Buffer
			b.WriteString("==== memory\n")
			ir.Print(&b, prog, "")
			ir.LiftAll(prog, 1)
			if err := ir.Verify(prog); err != nil {
				t.Error(err)
			}
			b.WriteString("==== lifted\n")
			ir.Print(&b, prog, "")
			checkPositions(t, prog)
			golden := strings.TrimSuffix(path, ".c") + ".ir"
			if os.Getenv("UPDATE_SNAPSHOTS") != "" {
				if err := os.WriteFile(golden, b.Bytes(), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			got, exp := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
			for i := range got {
				if i >= len(exp) || got[i] != exp[i] {
					t.Fatalf("%s:%d: got\n%s", golden, i+1, strings.Join(got[i:min(i+5, len(got))], "\n"))
				}
			}
		})
	}
}

// checkPositions checks that every instruction but phis lies inside the tokens
// of its statement.
func checkPositions(t *testing.T, p *ir.Program) {
	t.Helper()
	for _, f := range p.Funcs {
		for i := range f.Instrs {
			in := &f.Instrs[i]
			if in.Pos.Tok < 0 {
				if in.Op != ir.Phi {
					t.Errorf("%s: %s has no position", f.Name, ir.FormatInstr(p, f, in))
				}
				continue
			}
			s := f.StmtAt(in)
			if s == nil {
				t.Errorf("%s: %s has no statement", f.Name, ir.FormatInstr(p, f, in))
			} else if s.Tok < s.End && (in.Pos.Tok < s.Tok || in.Pos.End > s.End) {
				t.Errorf("%s: %s at tokens [%d,%d), its statement is [%d,%d)", f.Name, ir.FormatInstr(p, f, in), in.Pos.Tok, in.Pos.End, s.Tok, s.End)
			}
		}
	}
}
