package witness

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"saz/passes/run"
	"saz/passes/scratch"
	"saz/passes/update"
)

// TestProgram compares a program that the user names with the tables of its runs: see the package comment.
func TestProgram(t *testing.T) {
	program, tables := os.Getenv("SAZ_WITNESS_PROGRAM"), os.Getenv("SAZ_WITNESS_TABLES")
	if program == "" || tables == "" {
		t.Skip("SAZ_WITNESS_PROGRAM and SAZ_WITNESS_TABLES name no program and no runs")
	}
	paths, err := filepath.Glob(tables)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no table matches %s (%v)", tables, err)
	}
	var verdicts []Verdict
	if r := os.Getenv("SAZ_WITNESS_REPORT"); r != "" {
		if verdicts, err = OfReport(r); err != nil {
			t.Fatal(err)
		}
	} else {
		a, err := run.Load(run.Options{Target: []string{program}})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Need(update.Pass); err != nil {
			t.Fatal(err)
		}
		if err := a.Need(scratch.Pass); err != nil {
			t.Fatal(err)
		}
		verdicts = OfContext(a.Context)
	}
	seen, err := Tables(program, paths)
	if err != nil {
		t.Fatal(err)
	}
	o := Check(verdicts, seen)
	t.Logf("%d tables: %d variables changed; %d are called updateable and not scratch", len(paths), o.Changed, o.Carrying)
	for _, x := range o.Wrong {
		t.Errorf("not called updateable: %s", x)
	}
	for _, x := range o.Unknown {
		if strings.Contains(x, "(.:0)") { // nothing says where it was defined
			t.Logf("not the program's, a library that was linked in without debug information: %s", x)
			continue
		}
		t.Errorf("not in the report: %s", x)
	}
	for _, x := range o.Reach {
		t.Logf("not called updateable, and what it seems to reach changed: %s", x)
	}
	for _, v := range o.Quiet {
		t.Logf("updateable, not seen to change: %s %s (%s:%d)", v.Name, v.Procedure, filepath.Base(v.File), v.Line)
	}
}

// Two statics of one name in one procedure, and one in another, are told apart.
func TestTables(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "a.c")
	if err := os.WriteFile(src, []byte(`int g = 1;
static int f(int x)
{
	static int n = 1;
	{
		static int n = 2;
		x += n++;
	}
	return x + n++;
}
static int h(void)
{
	static int n = 3;
	return n++;
}
int main(void) { return g++ + f(1) + h(); }
`), 0o666); err != nil {
		t.Fatal(err)
	}
	prog := filepath.Join(dir, "a")
	if out, err := exec.Command("gcc", "-g", "-O0", "-o", prog, src).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	nm, err := exec.Command("nm", "-n", prog).Output()
	if err != nil {
		t.Fatal(err)
	}
	var tsv strings.Builder
	tsv.WriteString("# packets 3\n")
	for _, line := range strings.Split(string(nm), "\n") {
		if col := strings.Fields(line); len(col) == 3 && (col[2] == "g" || strings.HasPrefix(col[2], "n.")) {
			tsv.WriteString(col[2] + "\t4\t1\t0\n")
		}
	}
	table := filepath.Join(dir, "t.tsv")
	if err := os.WriteFile(table, []byte(tsv.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	seen, err := Tables(prog, []string{table, table})
	if err != nil {
		t.Fatal(err)
	}
	verdicts := []Verdict{
		{Name: "g", File: "a.c", Line: 1, Updateable: true},
		{Name: "n", Procedure: "f", File: "a.c", Line: 4, Updateable: true, Scratch: true},
		{Name: "n", Procedure: "f", File: "a.c", Line: 6},
		{Name: "n", Procedure: "h", File: "a.c", Line: 13, Updateable: true},
		{Name: "q", File: "a.c", Line: 20, Updateable: true},
	}
	o := Check(verdicts, seen)
	if len(o.Wrong) != 1 || !strings.Contains(o.Wrong[0], "a.c:6), own bytes in 2 packets") {
		t.Errorf("wrong: %q", o.Wrong)
	}
	if o.Changed != 4 || o.Carrying != 3 || len(o.Quiet) != 1 || o.Quiet[0].Name != "q" || o.Unknown != nil {
		t.Errorf("%+v", o)
	}
	if o := Check(verdicts[:1], seen); len(o.Unknown) != 3 {
		t.Errorf("unknown: %q", o.Unknown)
	}
}
