package torture

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTests(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.c":               "/* { dg-options \"-O1 -fno-common\" } */\n/* { dg-additional-options \"-mavx\" { target i?86-*-* x86_64-*-* } } */\n",
		"b.c":               "/* { dg-additional-options \"-mieee\" { target alpha*-*-* } } */\n/* { dg-options \"-m96\" { target { x86_64-*-* && ia32 } } } */\n",
		"c/d.c":             "",
		"c/d.x":             "set additional_flags -fone\nlappend additional_flags \"-ftwo\" \"-fthree\"\nif { [istarget x] } {\n    lappend additional_flags \"-ffour\"\n}\nreturn 0\n",
		"c/e.c":             "",
		"c/e-lib.c":         "",
		"c/lib/main.c":      "",
		"c/lib/not/a-test":  "",
		"c/not-a-test.h":    "",
		"c/lib/no-test-2.c": "",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	want := []Test{
		{Name: "a.c", Files: []string{at("a.c")}, Flags: []string{"-O1", "-fno-common", "-mavx"}},
		{Name: "b.c", Files: []string{at("b.c")}},
		{Name: "d.c", Files: []string{at("c/d.c")}, Flags: []string{"-fone", "-ftwo", "-fthree"}},
		{Name: "e.c", Files: []string{at("c/e.c"), at("c/e-lib.c"), at("c/lib/main.c")}},
	}
	if diff := cmp.Diff(want, Tests(dir)); diff != "" {
		t.Error(diff)
	}
}
