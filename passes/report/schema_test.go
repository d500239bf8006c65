package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/xeipuuv/gojsonschema"

	"saz/passes/run"
)

// closed forbids in a schema all properties that it does not name: outside readers must put up
// with fields that are added later, our own reports have none that the schema does not describe.
func closed(v any) {
	switch v := v.(type) {
	case map[string]any:
		if v["properties"] != nil && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, x := range v {
			closed(x)
		}
	case []any:
		for _, x := range v {
			closed(x)
		}
	}
}

// Reports follow docs/report.schema.json.
func TestSchema(t *testing.T) {
	data, err := os.ReadFile("../../docs/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	closed(doc)
	schema, err := gojsonschema.NewSchema(gojsonschema.NewGoLoader(doc))
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, sources ...string) []byte {
		t.Helper()
		a, err := run.Load(run.Options{Target: sources})
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Report("test")
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := json.NewEncoder(&b).Encode(r); err != nil {
			t.Fatal(err)
		}
		res, err := schema.Validate(gojsonschema.NewBytesLoader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range res.Errors() {
			if i == 10 {
				break
			}
			t.Errorf("%s: %v", name, e)
		}
		return b.Bytes()
	}
	examples, _ := filepath.Glob("../../examples/monitor/*.c")
	data = check("monitor", examples...)
	check("figure3", "../../examples/figure3/figure3.c")
	odd := filepath.Join(t.TempDir(), "odd.c")
	if err := os.WriteFile(odd, []byte("#include <unistd.h>\nint a[3]; int mystery(void *);\nint f( { }\nint main(void) { mystery(a); return read(0, a, 9); }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	check("one with errors", odd)

	// The check itself can fail: a renamed field, a verdict that is none.
	for _, change := range [][2]string{{`"updateable":`, `"updatable":`}, {`"kind":"global"`, `"kind":"extern"`}, {`"schema":"saz.report/1"`, `"schema":"saz.report/2"`}} {
		bad := bytes.ReplaceAll(data, []byte(change[0]), []byte(change[1]))
		if bytes.Equal(bad, data) {
			t.Errorf("no %s in the report", change[0])
		}
		if res, err := schema.Validate(gojsonschema.NewBytesLoader(bad)); err != nil || res.Valid() {
			t.Errorf("a report with %s passes (%v)", change[1], err)
		}
	}
}
