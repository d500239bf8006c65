package sarif_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"

	official "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/xeipuuv/gojsonschema"

	"saz/passes/report"
	"saz/passes/report/sarif"
	"saz/passes/run"
)

func analyse(t *testing.T, sources ...string) *report.Report {
	t.Helper()
	a, err := run.Load(run.Options{Target: sources})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Report("1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t *testing.T, r *report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := sarif.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// officialSchema is OASIS's schema of SARIF 2.1.0. The library go-sarif brings it, as a constant that it
// does not export, and checks only what its own types keep of a document.
var officialSchema = sync.OnceValues(func() (*gojsonschema.Schema, error) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", reflect.TypeOf(official.Report{}).PkgPath()).Output()
	if err != nil {
		return nil, err
	}
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(out)), "schema.go"), nil, 0)
	if err != nil {
		return nil, err
	}
	text, err := strconv.Unquote(f.Scope.Objects["schema"].Decl.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value)
	if err != nil {
		return nil, err
	}
	return gojsonschema.NewSchema(gojsonschema.NewStringLoader(text))
})

func valid(t *testing.T, data []byte) {
	t.Helper()
	schema, err := officialSchema()
	if err != nil {
		t.Fatal(err)
	}
	res, err := schema.Validate(gojsonschema.NewBytesLoader(data))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range res.Errors() {
		if i == 20 {
			break
		}
		t.Error(e)
	}
}

// The check fails on what is no SARIF.
func TestInvalid(t *testing.T) {
	schema, err := officialSchema()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`{}`,
		`{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [{}]}]}`,
		`{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x", "rulez": []}}}]}`,
	} {
		if res, err := schema.Validate(gojsonschema.NewStringLoader(text)); err != nil || res.Valid() {
			t.Errorf("%s passes (%v)", text, err)
		}
	}
}

type document struct {
	Runs []struct {
		Tool struct {
			Driver struct{ Rules []struct{ ID string } }
		}
		Results []struct {
			RuleID, Level string
			RuleIndex     int
			Message       struct{ Text string }
			Locations     []place
			CodeFlows     []struct {
				Message     struct{ Text string }
				ThreadFlows []struct{ Locations []struct{ Location place } }
			}
			PartialFingerprints map[string]string
		}
	}
}

type place struct {
	PhysicalLocation struct {
		ArtifactLocation struct{ URI, URIBaseID string }
		Region           struct{ StartLine, StartColumn int }
	}
}

func TestMonitor(t *testing.T) {
	sources, _ := filepath.Glob("../../../examples/monitor/*.c")
	r := analyse(t, sources...)
	data := write(t, r)
	valid(t, data)
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	results := d.Runs[0].Results
	want := 0
	for i := range r.Variables {
		if r.Variables[i].Updateable {
			want++
		}
	}
	if want += len(r.Decisions) + len(r.Unmodelled) + len(r.Diagnostics); len(results) != want {
		t.Errorf("%d results, want %d", len(results), want)
	}
	seen := map[string]bool{}
	found := false
	for _, x := range results {
		if id := d.Runs[0].Tool.Driver.Rules[x.RuleIndex].ID; id != x.RuleID {
			t.Errorf("rule %d is %s, the result says %s", x.RuleIndex, id, x.RuleID)
		}
		for k, f := range x.PartialFingerprints {
			if seen[k+f] {
				t.Errorf("two results have fingerprint %s: %s", k, x.Message.Text)
			}
			seen[k+f] = true
		}
		for _, l := range x.Locations {
			if a := l.PhysicalLocation.ArtifactLocation; a.URIBaseID != "SRCROOT" || strings.Contains(a.URI, "..") || filepath.IsAbs(a.URI) {
				t.Errorf("URI %q of %q is not relative", a.URI, a.URIBaseID)
			}
			if l.PhysicalLocation.Region.StartLine < 1 {
				t.Errorf("%s has no line", x.Message.Text)
			}
		}
		if !strings.HasPrefix(x.Message.Text, "buckets ") {
			continue
		}
		found = true
		if x.RuleID != "state-per-flow" || x.Level != "note" {
			t.Errorf("buckets is %s, %s", x.RuleID, x.Level)
		}
		flows := map[string]int{}
		for _, f := range x.CodeFlows {
			flows[f.Message.Text] = len(f.ThreadFlows[0].Locations)
		}
		if flows["updateable"] < 2 || flows["flowspace"] == 0 || flows["top-level"] == 0 {
			t.Errorf("code flows of buckets: %v", flows)
		}
	}
	if !found {
		t.Error("no result for buckets")
	}
}

// Lines that move leave fingerprints alone; columns count characters, not bytes.
func TestStable(t *testing.T) {
	const src = "#include <sys/socket.h>\nextern int helper(int *); int /* ä€ */ hits;\nint main(void) { char p[9]; while (recv(0, p, 9, 0) > 0) { hits++; helper(&hits); } return 0; }\n"
	file := filepath.Join(t.TempDir(), "a b.c")
	prints := map[string]bool{}
	for i, text := range []string{src, "\n\n" + src} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		data := write(t, analyse(t, file))
		valid(t, data)
		var d document
		if err := json.Unmarshal(data, &d); err != nil {
			t.Fatal(err)
		}
		rules := map[string]int{}
		for _, x := range d.Runs[0].Results {
			rules[x.RuleID]++
			for k, f := range x.PartialFingerprints {
				prints[k+f] = true
			}
			l := x.Locations[0].PhysicalLocation
			if l.ArtifactLocation.URI != "a%20b.c" {
				t.Errorf("URI %q", l.ArtifactLocation.URI)
			}
			if x.RuleID == "state-all-flows" && strings.HasPrefix(x.Message.Text, "hits") && (l.Region.StartLine != 2+2*i || l.Region.StartColumn != 40) {
				t.Errorf("hits is at %+v", l.Region)
			}
		}
		if rules["unmodelled-function"] != 1 || rules["state-all-flows"] == 0 {
			t.Errorf("results: %v", rules)
		}
		if i == 1 && len(prints) != len(d.Runs[0].Results) {
			t.Errorf("%d fingerprints of %d results in two versions whose lines differ", len(prints), len(d.Runs[0].Results))
		}
	}
}

// What could not be read is an error with a rule of its own.
func TestBroken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broken.c")
	if err := os.WriteFile(file, []byte("int a;\nint f( { return ; }\nint main(void) { return a; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	data := write(t, analyse(t, file))
	valid(t, data)
	if !bytes.Contains(data, []byte(`"ruleId": "input-parse-error"`)) || !bytes.Contains(data, []byte(`"level": "error"`)) {
		t.Errorf("no parse error in\n%s", data)
	}
}
