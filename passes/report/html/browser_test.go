package html_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"saz/passes/report"
	"saz/passes/report/html"
	"saz/passes/run"
)

// A browser is a headless Chromium that is spoken to over a pipe, in its
// DevTools protocol: JSON messages that end with a NUL.
type browser struct {
	t       *testing.T
	in      *os.File
	out     *bufio.Reader
	id      int
	session string
	errors  []string // what the page's script threw
}

// newBrowser starts Chromium, or skips the test where there is none.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("needs Chromium (Debian: chromium)")
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile := t.TempDir()
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	cmd.ExtraFiles = []*os.File{theirs, write}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	write.Close()
	b := &browser{t: t, in: ours, out: bufio.NewReader(read)}
	timer := time.AfterFunc(60*time.Second, func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		timer.Stop()
		b.call("Browser.close", nil, nil)
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
			<-done
		}
		ours.Close()
		read.Close()
		if t.Failed() {
			t.Logf("chromium: %s", log.Bytes())
		}
	})
	var target struct{ TargetID string }
	b.must("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.must("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.must("Page.enable", nil, nil)
	b.must("Runtime.enable", nil, nil)
	return b
}

// call makes one call and waits for its answer.
func (b *browser) call(method string, params any, result any) error {
	b.id++
	msg := map[string]any{"id": b.id, "method": method}
	if params != nil {
		msg["params"] = params
	}
	if b.session != "" && method != "Browser.close" {
		msg["sessionId"] = b.session
	}
	data, err := json.Marshal(msg)
	if err != nil {
		return err
	}
	if _, err := b.in.Write(append(data, 0)); err != nil {
		return err
	}
	for {
		data, err := b.out.ReadBytes(0)
		if err != nil {
			return err
		}
		var m struct {
			ID     int
			Method string
			Result json.RawMessage
			Error  *struct{ Message string }
			Params json.RawMessage
		}
		if err := json.Unmarshal(bytes.TrimSuffix(data, []byte{0}), &m); err != nil {
			return err
		}
		if m.Method == "Runtime.exceptionThrown" {
			b.errors = append(b.errors, string(m.Params))
		}
		if m.ID != b.id {
			continue
		}
		if m.Error != nil {
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			return json.Unmarshal(m.Result, result)
		}
		return nil
	}
}

func (b *browser) must(method string, params any, result any) {
	b.t.Helper()
	if err := b.call(method, params, result); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
}

// size sets the window.
func (b *browser) size(w, h int) {
	b.must("Emulation.setDeviceMetricsOverride", map[string]any{"width": w, "height": h, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// eval evaluates an expression in the page; the value of a promise is waited for.
func (b *browser) eval(js string) any {
	b.t.Helper()
	var r struct {
		Result struct{ Value any }

		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	b.must("Runtime.evaluate", map[string]any{"expression": js, "awaitPromise": true, "returnByValue": true}, &r)
	if e := r.ExceptionDetails; e != nil {
		b.t.Fatalf("%s: %s %s", js, e.Text, e.Exception.Description)
	}
	return r.Result.Value
}

// open loads a page from a file.
func (b *browser) open(file, hash string) {
	b.t.Helper()
	b.must("Page.navigate", map[string]any{"url": "file://" + file + hash}, nil)
	for i := 0; i < 200; i++ {
		if b.eval("document.readyState + location.protocol") == "completefile:" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.t.Fatal("the page does not load")
}

// settle waits for the page to have drawn.
func (b *browser) settle() {
	b.eval("new Promise(r => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(r)), 30))")
}

// shot writes a picture to $SAZ_SHOTS, if that is set.
func (b *browser) shot(name string) {
	dir := os.Getenv("SAZ_SHOTS")
	if dir == "" {
		return
	}
	b.settle()
	var r struct{ Data []byte }
	b.must("Page.captureScreenshot", map[string]any{"format": "png"}, &r)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), r.Data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// monitor analyses the example and writes its page.
func monitor(t *testing.T) (*report.Report, string) {
	t.Helper()
	sources, err := filepath.Glob("../../../examples/monitor/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	a, err := run.Load(run.Options{Target: sources})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Report("test")
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := html.Write(&page, r, html.Options{}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return r, file
}

// The page is driven as its reader does: filter, open a variable, follow its path, read the
// source line, go back. $SAZ_PAGE names another page to look at, $SAZ_SHOTS a directory for pictures.
func TestBrowser(t *testing.T) {
	b := newBrowser(t)
	r, file := monitor(t)
	if p := os.Getenv("SAZ_PAGE"); p != "" {
		pictures(b, p)
		return
	}
	index := -1
	for i := range r.Variables {
		if r.Variables[i].Name == "buckets" {
			index = i
		}
	}
	if index < 0 {
		t.Fatal("the monitor has no variable buckets")
	}
	v := &r.Variables[index]

	expect := func(what, js string, want any) {
		t.Helper()
		if n, ok := want.(int); ok {
			want = float64(n)
		}
		if got := b.eval(js); got != want {
			t.Errorf("%s: %s is %v, want %v", what, js, got, want)
		}
	}
	rows := "Array.from(document.querySelectorAll('#vars tbody tr')).filter(r => !r.hidden)"

	b.size(1280, 900)
	b.open(file, "")
	expect("all variables are listed", rows+".length", len(r.Variables))
	b.shot("list-1280")

	// Filter by verdict, then by text.
	perFlow := 0
	for i := range r.Variables {
		if r.Variables[i].Verdict() == report.PerFlow {
			perFlow++
		}
	}
	b.eval("document.querySelector('.chip[data-verdict=per-flow]').click()")
	expect("filter by verdict", rows+".length", perFlow)
	expect("the filter says so", "document.getElementById('shown').textContent", fmt.Sprintf("%d of %d", perFlow, len(r.Variables)))
	b.eval("document.getElementById('clear').click()")
	b.eval("(q => { q.value = 'buckets'; q.dispatchEvent(new Event('input')); })(document.getElementById('q'))")
	expect("filter by text", rows+".some(r => r.textContent.includes('buckets'))", true)
	expect("filter by text leaves others out", rows+".every(r => r.textContent.toLowerCase().includes('buckets'))", true)

	// Sort: the largest first.
	b.eval("document.getElementById('clear').click()")
	b.eval("document.querySelector('#vars button[data-sort=size]').click()")
	expect("sort by size", rows+".map(r => +r.dataset.size).every((n, i, a) => !i || a[i - 1] >= n)", true)

	// Open the variable, follow the path that its update comes by.
	b.eval(fmt.Sprintf("document.querySelector('#vars a[href=\"#/v/%d\"]').click()", index))
	b.settle()
	expect("the variable's page", "document.querySelector('#detail h1').textContent", "buckets")
	expect("its verdict", "document.querySelector('#detail .tag').textContent", v.Verdict())
	steps := v.Because("updateable")
	if len(steps) < 2 {
		t.Fatalf("buckets is updated because %v", steps)
	}
	path := "document.querySelectorAll('details[data-why=updateable] .step')"
	expect("its path", path+".length", len(steps))
	for i, s := range steps {
		b.eval(fmt.Sprintf("%s[%d].click()", path, i))
		b.settle()
		expect("the step is current", fmt.Sprintf("%s[%d].getAttribute('aria-current')", path, i), "step")
		expect("the file is open", "document.getElementById('file').selectedOptions[0].textContent", r.Sources.Name(s.File))
		expect("the line is marked", "document.querySelector('.ln.hit').dataset.l", fmt.Sprint(s.Line))
		expect("the line is in view", "(e => { const a = e.getBoundingClientRect(), b = document.getElementById('code').getBoundingClientRect(); return a.top >= b.top && a.bottom <= b.bottom; })(document.querySelector('.ln.hit'))", true)
		expect("the line's text", "document.querySelector('.ln.hit pre').textContent", string(r.Sources.Line(s.File, s.Line)))
	}
	// 1: a comment of several lines was coloured as code from its second line on.
	expect("a comment's later lines", `(l => l.length > 2 && l.every(p => p.children.length === 1 && p.firstChild.className === 'hc'))(Array.from(document.querySelectorAll('.ln pre')).filter(p => /^ \* [A-Za-z]/.test(p.textContent)))`, true)
	expect("the update has a mark", "!!document.querySelector('.ln.hit .mu')", true)
	b.eval("document.querySelector('.ln.hit .mm').click()")
	expect("the mark says what", "document.querySelector('.info').textContent.includes('buckets')", true)
	expect("the container is drawn", "!!document.querySelector('.drawing svg')", true)
	b.shot("variable-1280")

	// By keyboard: search, back along the path, the next variable, out.
	key := func(k string) {
		b.eval(fmt.Sprintf("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: %q, bubbles: true}))", k))
		b.settle()
	}
	key("p")
	expect("p goes a step back", "document.querySelector('.ln.hit').dataset.l", fmt.Sprint(steps[len(steps)-2].Line))
	key("j")
	expect("j leaves the variable", "document.querySelector('#detail h1').textContent != 'buckets'", true)
	key("Escape")
	expect("Esc ends at the table", "document.getElementById('list').hidden", false)
	key("/")
	expect("/ is for searching", "document.activeElement.id", "q")

	// Narrow: nothing is wider than the window, the source comes up below the path.
	b.size(400, 800)
	for _, hash := range []string{"#/", "#/packets", "#/todo", "#/about", fmt.Sprintf("#/v/%d", index)} {
		b.eval("location.hash = '" + hash + "'")
		b.settle()
		expect(hash+" fits 400 pixels", "document.documentElement.scrollWidth", 400)
		b.shot("narrow-" + map[byte]string{'/': "list", 'p': "packets", 't': "todo", 'a': "about", 'v': "variable"}[(hash + "/")[2]])
	}
	expect("nothing was loaded but the page", "performance.getEntriesByType('resource').length", 0)
	b.eval("location.hash = '#/packets'")
	b.settle()
	expect("packet code is listed", "document.querySelectorAll('#procs details').length", r.Counts.PacketProcedures)
	b.eval("(q => { q.value = 'conn_track'; q.dispatchEvent(new Event('input')); })(document.getElementById('pq'))")
	expect("and found by name", "document.querySelectorAll('#procs details').length", 1)
	b.eval("document.querySelector('#procs summary').click()")
	b.settle()
	expect("with its path", "document.querySelectorAll('#procs .step').length > 1", true)
	b.eval(fmt.Sprintf("location.hash = '#/v/%d'", index))
	b.settle()
	b.eval(path + "[0].click()")
	b.settle()
	expect("the source is open", "document.getElementById('source').hidden", false)
	expect("the step stays in view", "(e => e.getBoundingClientRect().bottom <= document.getElementById('source').getBoundingClientRect().top + 1)(document.querySelector('.step[aria-current]'))", true)
	b.shot("narrow-source")
	// 2: beside a step's number a line's number of four digits broke into a second row.
	b.eval("document.querySelector('.ln.hit .g').lastChild.data = '12345'")
	expect("a line with a step is as high as others", "document.querySelector('.ln.hit').getBoundingClientRect().height", 20)
	if b.errors != nil {
		t.Errorf("the page's script threw: %v", b.errors)
	}
}

// pictures takes pictures of a page for a person to look at.
func pictures(b *browser, page string) {
	for _, w := range []int{1280, 400} {
		b.size(w, 900)
		for _, hash := range []string{"#/", "#/packets", "#/todo", "#/about", "#/v/" + os.Getenv("SAZ_VAR")} {
			b.open("/dev/null", "")
			b.open(page, hash)
			b.t.Logf("%s at %d: loaded after %.0f ms", hash, w, b.eval("performance.now()"))
			b.shot(fmt.Sprintf("%d-%s", w, (hash + "list")[2:3]))
		}
		if w == 400 {
			b.eval("document.querySelector('.step').click()")
			b.shot("400-source")
		}
	}
	b.eval("document.getElementById('theme').click()")
	b.size(1280, 900)
	b.open(page, "#/v/"+os.Getenv("SAZ_VAR"))
	b.shot("dark")
}
