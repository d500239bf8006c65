package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"saz/passes/config"
	"saz/passes/report"
)

// A small middlebox that counts, in one file.
const counter = `#include <sys/socket.h>
#include <stdio.h>

static unsigned packets;
static unsigned longest;
static int verbose;

static void count(const char *p, long n)
{
	packets++;
	if (n > longest)
		longest = n;
	if (verbose)
		printf("%c\n", p[0]);
}

int main(int argc, char **argv)
{
	char buf[2048];
	long n;
	verbose = argc > 1;
	while ((n = recv(0, buf, sizeof buf, 0)) > 0) {
		count(buf, n);
		send(1, &packets, sizeof packets, 0);
	}
	return 0;
}
`

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, what, s string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(s, w) {
			t.Errorf("%s lacks %q:\n%s", what, w, s)
		}
	}
}

// What changed since a baseline, whatever moved; what fails on it; baselines that are none.
func TestBaseline(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "box.c", counter)
	saz(t, dir, 0, "analyze", "-f", "json", "-o", "old.json", "box.c")
	r := saz(t, dir, 0, "analyze", "--baseline", "old.json", "--fail-on", "changes", "box.c")
	has(t, "no change", r.out, "0 new, 0 gone, 0 changed")

	// Lines move, a variable comes, one goes, one is no longer updated.
	text := "/* moved */\n\n" + strings.NewReplacer(
		"static unsigned longest;\n", "static unsigned shortest;\n",
		"if (n > longest)", "if (n < shortest)", "longest = n;", "shortest = n;",
		"packets++;", ";").Replace(counter)
	put(t, dir, "box.c", text)
	r = saz(t, dir, 0, "analyze", "--baseline", "old.json", "box.c")
	has(t, "the changes", r.out, "1 new, 1 gone, 2 changed", "+ shortest", "- longest", "~ packets", "all-flows → read-only", "updateable: yes → no")
	saz(t, dir, 1, "analyze", "--baseline", "old.json", "--fail-on", "changes", "box.c")
	saz(t, dir, 1, "analyze", "--baseline", "old.json", "--fail-on", "gone", "box.c")
	r = saz(t, dir, 1, "analyze", "--baseline", "old.json", "--fail-on", "new,changed", "-f", "json", "box.c")
	var d struct {
		Schema  string
		Changes []struct{ Kind, Name, Was, Is string }
	}
	if err := json.Unmarshal([]byte(r.out), &d); err != nil || d.Schema != "saz.diff/1" || len(d.Changes) != 4 || d.Changes[0].Name != "shortest" || d.Changes[2].Was != "all-flows" {
		t.Errorf("the changes as JSON: %+v (%v)", d, err)
	}
	// From another directory the paths differ and nothing else does.
	r = runIn(t, filepath.Dir(dir), filepath.Join(bin, "saz"), "analyze", "--baseline", filepath.Join(dir, "old.json"), filepath.Join(dir, "box.c"))
	has(t, "the changes from elsewhere", r.out, "1 new, 1 gone, 2 changed")

	has(t, "other settings", saz(t, dir, 0, "analyze", "--baseline", "old.json", "--skip", "packets", "box.c").out, "note: the baseline was made with other settings (none), now there are skip packets")

	old, err := os.ReadFile(filepath.Join(dir, "old.json"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "stale.json", strings.Replace(string(old), "saz.report/1", "saz.report/0", 1))
	put(t, dir, "foreign.json", strings.Replace(string(old), `"program": "box"`, `"program": "snort"`, 1))
	put(t, dir, "strange.json", strings.NewReplacer(`"name": "`, `"name": "x_`).Replace(string(old)))
	put(t, dir, "cut.json", string(old[:len(old)/2]))
	put(t, dir, "other.json", `{"schema": "coverage/3"}`)
	put(t, dir, "empty.json", "")
	for name, want := range map[string]string{
		"stale.json": "stale: it has schema saz.report/0", "foreign.json": "of another program: snort, not box", "strange.json": "no variable in common",
		"cut.json": "line ", "other.json": `schema "coverage/3"`, "empty.json": "is empty", "absent.json": "no such file",
	} {
		r := saz(t, dir, 2, "analyze", "--baseline", name, "box.c")
		has(t, name, r.err, want, "baseline")
		if r.out != "" {
			t.Errorf("%s: something on standard output: %s", name, r.out)
		}
	}
	saz(t, dir, 2, "analyze", "--fail-on", "changes", "box.c")
	has(t, "a wrong word", saz(t, dir, 2, "analyze", "--baseline", "old.json", "--fail-on", "chnages", "box.c").err, `did you mean "changes"?`)
}

func TestExplain(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "box.c", counter)
	r := saz(t, dir, 0, "explain", "box.c", "longest")
	has(t, "longest", r.out, "all-flows", "updateable", "box.c:12", "     12 | longest = n;\n        | ^", "recv receives a packet")
	r = saz(t, dir, 0, "explain", "box.c", "box.c:12")
	has(t, "line 12", r.out, "in count, which may run while a packet is processed", "updates longest (all-flows)", "longest = n;", "^", "count runs while a packet is processed, because")
	r = saz(t, dir, 0, "explain", "box.c", "box.c:22")
	has(t, "line 22", r.out, "receives a packet: recv")
	r = saz(t, dir, 0, "explain", "box.c", "box.c:23")
	has(t, "line 23", r.out, "in main", "nothing here updates state")
	r = saz(t, dir, 0, "explain", "box.c", "box.c:4")
	has(t, "line 4", r.out, "declares packets: all-flows", "updateable")
	r = saz(t, dir, 0, "explain", "-f", "json", "box.c", "longest")
	var x struct {
		Variables []struct {
			Name, Verdict string
			Reasons       []report.Reason
		}
	}
	if err := json.Unmarshal([]byte(r.out), &x); err != nil || len(x.Variables) != 1 || x.Variables[0].Verdict != "all-flows" || len(x.Variables[0].Reasons) < 2 {
		t.Errorf("as JSON: %+v (%v)", x, err)
	}
	r = saz(t, dir, 0, "explain", "-f", "json", "box.c", "box.c:12")
	has(t, "line 12 as JSON", r.out, `"procedure": "count"`, `"packet_procedure": true`, `"longest"`)
	has(t, "a wrong name", saz(t, dir, 2, "explain", "box.c", "lognest").err, `did you mean "longest"?`)
	has(t, "a wrong file", saz(t, dir, 2, "explain", "box.c", "bxo.c:3").err, "did you mean box.c?")
	has(t, "a line too many", saz(t, dir, 2, "explain", "box.c", "box.c:999").err, "has 27 lines")
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Lines keep to the terminal's width, colours are asked for, pipes are quiet.
func TestTable(t *testing.T) {
	dir := example(t, "monitor")
	for _, width := range []string{"", "100", "80", "64", "50"} {
		t.Setenv("COLUMNS", width)
		r := saz(t, dir, 0, "analyze", "--only", "all", "--color", "always", "./monitor")
		limit := map[string]int{"": 100, "100": 100, "80": 80, "64": 64, "50": 50}[width]
		for _, l := range strings.Split(escape.ReplaceAllString(r.out, ""), "\n") {
			if n := utf8.RuneCountInString(l); n > limit {
				t.Errorf("COLUMNS=%s: %d columns: %s", width, n, l)
			}
		}
		if !strings.Contains(r.out, "\x1b[") {
			t.Error("--color always has no colour")
		}
		if r.err != "" {
			t.Errorf("standard error: %s", r.err)
		}
	}
	t.Setenv("COLUMNS", "")
	r := saz(t, dir, 0, "analyze", "./monitor")
	if strings.Contains(r.out, "\x1b") || r.err != "" {
		t.Errorf("a pipe gets colours, or words on standard error: %q", r.err)
	}
	col := func(r ran) []string {
		var out []string
		on := false
		for _, l := range strings.Split(r.out, "\n") {
			switch {
			case strings.HasPrefix(l, "VARIABLE"):
				on = true
			case l == "":
				on = false
			case on:
				out = append(out, strings.Fields(l)[0])
			}
		}
		return out
	}
	if got := col(saz(t, dir, 0, "analyze", "--only", "updateable,per-flow", "./monitor")); !cmp.Equal(got, []string{"buckets"}) {
		t.Errorf("updateable and per-flow: %v", got)
	}
	either := col(saz(t, dir, 0, "analyze", "--only", "per-flow,multi-flow", "--sort", "name", "./monitor"))
	if !cmp.Equal(either, []string{"buckets", "host_tab"}) {
		t.Errorf("per-flow or multi-flow: %v", either)
	}
	back := col(saz(t, dir, 0, "analyze", "--only", "per-flow,multi-flow", "--sort=-name", "./monitor"))
	if !cmp.Equal(back, []string{"host_tab", "buckets"}) {
		t.Errorf("the other way round: %v", back)
	}
	has(t, "a wrong word", saz(t, dir, 2, "analyze", "--only", "perflow", "./monitor").err, `did you mean "per-flow"?`)
	has(t, "a wrong order", saz(t, dir, 2, "analyze", "--sort", "szie", "./monitor").err, `did you mean "size"?`)
	for _, f := range []string{"json", "sarif", "html"} {
		if r := saz(t, dir, 0, "analyze", "-f", f, "-o", "x."+f, "./monitor"); r.out != "" || r.err != "" {
			t.Errorf("-o: %q %q", r.out, r.err)
		}
		if st, err := os.Stat(filepath.Join(dir, "x."+f)); err != nil || st.Size() < 1000 {
			t.Errorf("%s: %v", f, err)
		}
	}
	// What is no file is written to, and stays what it is: -o /dev/null as root replaced the device.
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan int)
	go func() {
		b, _ := os.ReadFile(pipe)
		read <- len(b)
	}()
	saz(t, dir, 0, "analyze", "-f", "json", "-o", "pipe", "./monitor")
	if st, err := os.Lstat(pipe); err != nil || st.Mode()&os.ModeNamedPipe == 0 {
		t.Fatalf("-o replaced the pipe: %v", err)
	}
	if n := <-read; n < 1000 {
		t.Errorf("%d bytes came through the pipe", n)
	}
	go func() {
		b, _ := os.ReadFile(pipe)
		read <- len(b)
	}()
	saz(t, dir, 0, "init", "--force", "-o", "pipe", "./monitor")
	if st, err := os.Lstat(pipe); err != nil || st.Mode()&os.ModeNamedPipe == 0 {
		t.Fatalf("init replaced the pipe: %v", err)
	}
	if n := <-read; n < 1000 {
		t.Errorf("%d bytes of settings came through the pipe", n)
	}
	page, _ := os.ReadFile(filepath.Join(dir, "x.html"))
	if m := regexp.MustCompile(`"marks":\[\[`).Find(page); m == nil {
		t.Error("the page has no marks")
	}
}

// Flags go before the environment, that before saz.yaml, that before the default.
func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "box.c", counter)
	show := func(args ...string) string { return saz(t, dir, 0, append([]string{"config"}, args...)...).out }
	has(t, "defaults", show(), "no saz.yaml here", "only   updateable  default")
	put(t, dir, "saz.yaml", "only: [persistent]\nsort: size\nskip: [verbose]\n")
	has(t, "the file", show("box.c"), "saz.yaml", "persistent  saz.yaml:1", "size        saz.yaml:2", "verbose     saz.yaml:3")
	t.Setenv("SAZ_SORT", "name")
	t.Setenv("SAZ_SKIP", "longest,x")
	has(t, "the environment", show(), "name        $SAZ_SORT", "verbose     saz.yaml:3", "longest     $SAZ_SKIP")
	has(t, "a flag", show("--skip", "packets"), "packets     --skip")
	has(t, "--config none", show("--config", "none"), "name        $SAZ_SORT", "default")
	r := saz(t, dir, 0, "analyze", "box.c")
	has(t, "only persistent", r.out, "verbose")
	r = saz(t, dir, 0, "analyze", "--only", "scratch", "box.c")
	if strings.Contains(r.out, "verbose") {
		t.Error("the file goes before a flag")
	}
	t.Setenv("SAZ_SORT", "nmae")
	has(t, "a wrong value in the environment", saz(t, dir, 2, "analyze", "box.c").err, "$SAZ_SORT", `did you mean "name"?`)
	t.Setenv("SAZ_SORT", "")
	put(t, dir, "saz.yaml", "skip: [verbose]\nonly: [updatable]\n")
	has(t, "a wrong value in the file", saz(t, dir, 2, "analyze", "box.c").err, "saz.yaml:2", `did you mean "updateable"?`)
	put(t, dir, "saz.yaml", "skip: [verbose]\nopaqe: [x]\n")
	has(t, "a wrong key", saz(t, dir, 2, "analyze", "box.c").err, "saz.yaml:2:1", "opaqe: [x]\n       | ^", `did you mean "opaque"?`, "1 mistake")
	has(t, "a wrong key, for saz config", saz(t, dir, 2, "config").err, `did you mean "opaque"?`)
	has(t, "a file that is not there", saz(t, dir, 2, "analyze", "--config", "none.yaml", "box.c").err, "none.yaml")
}

// Each setting acts.
func TestSettings(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "box.c", `#include <stdlib.h>
struct ring; struct ring *ring_open(void);
int ring_take(struct ring *, void *, int);
void emit(const void *, int);
struct item { struct item *next; int n; };
static struct item *items; static int high, total, level;
struct handle { int fd; struct handle *peer; };
struct conn { struct conn *next; struct handle *h; };
static struct conn *conns;
static void item_add(struct item *i) { i->next = items; items = i; }
static int own_take(char *p) { static int k; if (k++ > 9) return 0; p[0] = k; return 1; }
int main(void) {
	struct ring *r = ring_open();
	char p[64];
#ifdef OWN
	while (own_take(p)) {
#else
	while (ring_take(r, p, sizeof p) > 0) {
#endif
		struct item *i = malloc(sizeof *i);
		struct conn *c = malloc(sizeof *c);
		i->n = p[0];
		item_add(i);
		c->h = malloc(sizeof *c->h); c->h->fd = p[1]; c->h->peer = 0;
		c->next = conns; conns = c;
		if (p[0] > high) high = p[0];
		total += p[1];
		level = p[2];
		emit(p, total);
	}
	return 0;
}
`)
	run := func(yaml string, args ...string) (*report.Report, string) {
		t.Helper()
		put(t, dir, "saz.yaml", yaml)
		r := saz(t, dir, 0, append(append([]string{"analyze", "-f", "json", "box.c"}, args...), "--")...)
		var rep report.Report
		if err := json.Unmarshal([]byte(r.out), &rep); err != nil {
			t.Fatal(err)
		}
		return &rep, r.err
	}
	rep, _ := run("")
	if len(rep.ReceiveSites) != 0 || rep.Counts.Updateable != 0 {
		t.Fatalf("without settings there are %d receive sites and %d updateable variables", len(rep.ReceiveSites), rep.Counts.Updateable)
	}
	const recv = "receive:\n  - {function: ring_take, buffers: [1]}\n"
	rep, errs := run(recv)
	if len(rep.ReceiveSites) != 1 || !variable(t, rep, "total").Updateable || errs != "" {
		t.Errorf("receive: %+v, total %+v (%s)", rep.ReceiveSites, variable(t, rep, "total"), errs)
	}
	for _, u := range rep.Unmodelled {
		if u.Function == "ring_take" {
			t.Error("ring_take is still without a model")
		}
	}
	if v := variable(t, rep, "high"); len(v.Merge) != 1 || v.Merge[0].Op == "min" {
		t.Errorf("merge of high: %+v", v.Merge)
	}
	rep, _ = run(recv + "output: {packet: [emit]}\n")
	if v := variable(t, rep, "total"); !cmp.Equal(v.Impacts, []string{"packet"}) {
		t.Errorf("output: total impacts %v", v.Impacts)
	}
	rep, _ = run(recv + "models:\n  - {name: emit, reads: [0], output: log}\n  - {name: ring_open, static: true}\n")
	if v := variable(t, rep, "total"); !cmp.Equal(v.Impacts, []string{"log"}) || len(rep.Unmodelled) != 0 {
		t.Errorf("models: total impacts %v, without a model are %v", v.Impacts, rep.Unmodelled)
	}
	rep, _ = run(recv + "merge:\n  - {variable: high, op: min}\n")
	if v := variable(t, rep, "high"); !cmp.Equal(v.Merge, []report.Merge{{Op: "min"}}) {
		t.Errorf("merge: %+v", v.Merge)
	}
	rep, _ = run(recv + "skip: [level]\n")
	if v := variable(t, rep, "level"); v.Tracked || v.Skipped != "saz.yaml:3" || !v.Updateable || !variable(t, rep, "total").Tracked {
		t.Errorf("skip: %+v", v)
	}
	rep, _ = run(recv + "containers:\n  - {variable: items, shape: none}\n  - {variable: conns, insert: item_add}\n")
	if v := variable(t, rep, "items"); v.Container != nil {
		t.Errorf("shape none: %+v", v.Container)
	}
	if v := variable(t, rep, "conns"); v.Container == nil || v.Container.Insert != "item_add" {
		t.Errorf("insert: %+v", v.Container)
	}
	before, _ := run(recv)
	rep, _ = run(recv + "opaque: [struct handle]\n")
	if rep.Counts.Serialize >= before.Counts.Serialize {
		t.Errorf("opaque: %d types, %d without", rep.Counts.Serialize, before.Counts.Serialize)
	}
	// Where the packets' loop is, by the environment and by a flag; one that is not there is a warning.
	put(t, dir, "saz.yaml", recv)
	t.Setenv("SAZ_PACKET_LOOPS", "main")
	if r := saz(t, dir, 0, "config"); !strings.Contains(r.out, "packet_loops") || !strings.Contains(r.out, "$SAZ_PACKET_LOOPS") {
		t.Errorf("packet_loops of the environment: %s", r.out)
	}
	has(t, "a loop that is not there", saz(t, dir, 0, "analyze", "--packet-loop", "mian", "box.c").err, `no function "mian"`, `did you mean "main"?`, "--packet-loop")
	t.Setenv("SAZ_PACKET_LOOPS", "")
	// Settings without effect are warnings, too.
	_, errs = run(recv + "merge:\n  - {variable: items, op: add}\n  - {variable: r, op: add}\ncontainers:\n  - {variable: total, insert: item_add}\nmodels:\n  - {name: item_add}\n")
	has(t, "settings without effect", errs, "saz.yaml:4:16", "the entries of items are replaced whole", "there is nothing to merge", "total leads to no entries", "the program defines item_add itself", "config-no-effect")
	// A comment says it too, where the variable is declared.
	text := readFile(t, dir, "box.c")
	put(t, dir, "box.c", strings.Replace(text, "static int high, total, level;", "static int high, total; static int level; /* for people only; saz: skip */", 1))
	put(t, dir, "saz.yaml", recv)
	has(t, "a comment", saz(t, dir, 0, "analyze", "box.c").out, "left out by the project's word, and not moved: 3 variables")
	put(t, dir, "box.c", strings.Replace(text, "static int high, total, level;", "static int high, total;\nstatic int level; /* for people only; saz: skip */", 1))
	rep, _ = run(recv)
	if v := variable(t, rep, "level"); v.Tracked || v.Skipped == "" || !variable(t, rep, "total").Tracked {
		t.Errorf("skip by a comment: %+v", v)
	}
	has(t, "explain", saz(t, dir, 0, "explain", "box.c", "level").out, "not tracked: a comment beside its declaration")
	put(t, dir, "box.c", text)
	// A receive function of the program's own.
	put(t, dir, "box.c", strings.Replace(readFile(t, dir, "box.c"), "#ifdef OWN", "#if 1", 1))
	rep, _ = run("receive:\n  - {function: own_take, buffers: [0]}\n")
	if len(rep.ReceiveSites) != 1 || rep.ReceiveSites[0].Function != "own_take" || !variable(t, rep, "total").Updateable || !variable(t, rep, "items").Updateable {
		t.Errorf("the program's own receive function: %+v", rep.ReceiveSites)
	}
	// Names that the program does not have are warnings, with a caret.
	_, errs = run("skip: [levle]\nopaque: [struct handel]\nreceive:\n  - {function: own_taek, buffers: [0]}\n")
	has(t, "wrong names", errs, "saz.yaml:1:8", `no persistent variable "levle"`, `did you mean "level"?`, `no record type "handel"`, `did you mean "handle"?`, `no function "own_taek"`, "config-unknown-name", "^")
}

func readFile(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// saz init writes a file that is right as it is and with every setting turned on, and overwrites none.
func TestInit(t *testing.T) {
	dir := example(t, "monitor")
	r := saz(t, dir, 0, "init", "./monitor")
	has(t, "init", r.out, "saz.yaml written")
	text := readFile(t, dir, "saz.yaml")
	has(t, "saz.yaml", text, "pcap_", "buckets", "#receive:", "#opaque:")
	if _, err := config.Parse("saz.yaml", []byte(text)); err != nil {
		t.Error(err)
	}
	on := regexp.MustCompile(`(?m)^#(\S| )`).ReplaceAllStringFunc(text, func(s string) string {
		if s == "# " {
			return s
		}
		return s[1:]
	})
	on = regexp.MustCompile(`(?m)^#(  +[-a-z{])`).ReplaceAllString(on, "$1") // items of a list
	var lines []string
	for _, l := range strings.Split(on, "\n") { // findings are indented prose
		if !strings.HasPrefix(l, "   ") || strings.HasPrefix(strings.TrimSpace(l), "- ") {
			lines = append(lines, l)
		}
	}
	c, err := config.Parse("saz.yaml", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatalf("with every setting on: %v\n%s", err, strings.Join(lines, "\n"))
	}
	if len(c.Settings()) < 15 {
		t.Errorf("with every setting on there are %d", len(c.Settings()))
	}
	has(t, "the second time", saz(t, dir, 2, "init", "./monitor").err, "saz.yaml exists", "--force")
	put(t, dir, "saz.yaml", "# mine\n")
	saz(t, dir, 2, "init", "./monitor")
	if readFile(t, dir, "saz.yaml") != "# mine\n" {
		t.Error("init has overwritten saz.yaml")
	}
	saz(t, dir, 0, "init", "-q", "--force", "./monitor")
	if readFile(t, dir, "saz.yaml") != text {
		t.Error("init --force writes something else")
	}
}

func TestAbout(t *testing.T) {
	dir := t.TempDir()
	var v struct{ Schema, Version, Go string }
	if err := json.Unmarshal([]byte(saz(t, dir, 0, "version", "--json").out), &v); err != nil || v.Schema != "saz.version/1" || v.Version == "" || v.Go == "" {
		t.Errorf("version: %+v (%v)", v, err)
	}
	has(t, "the manual", saz(t, dir, 0, "man").out, ".TH saz 1", "analyze", "baseline")
	for _, sh := range []string{"bash", "zsh", "fish"} {
		has(t, sh, saz(t, dir, 0, "completion", sh).out, "saz")
	}
	saz(t, dir, 2, "completion", "tcsh")
	script := `source <(saz completion bash); COMP_WORDS=(saz expl); COMP_CWORD=1; _saz; echo "${COMPREPLY[@]}"; COMP_WORDS=(saz analyze --base); COMP_CWORD=2; _saz; echo "${COMPREPLY[@]}"`
	cmd := exec.Command("bash", "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "explain\n--baseline\n" {
		t.Errorf("completion in bash: %q (%v)", out, err)
	}
}
