package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"saz/frontend/build"
)

// A job is one source to compile for the instrumented program.
type job struct {
	dir     string
	cc      string
	args    []string // without -c, output and dependency file
	source  string
	env     []string
	records []build.Record // what the object is to say of itself
	path    string         // of the object
	hit     bool           // it was there from an earlier build
}

// object makes a job of a record. carry says that the new object has the record
// of the old one; what the link command compiles itself is recorded at the link.
func (in *instrumenter) object(r *build.Record, carry bool) (*job, error) {
	in.replaced[sourceKey(r)] = true
	opt, err := build.ParseArgs(r.Args, r.Dir)
	if err != nil {
		return nil, err
	}
	w, err := in.working(r.Dir)
	if err != nil {
		return nil, err
	}
	src := in.copyOf(r.Dir, r.File)
	if src == "" {
		return nil, fmt.Errorf("%s is not in the tree", r.File)
	}
	if _, err := os.Stat(r.Dir); err != nil {
		return nil, fmt.Errorf("%s was compiled in a directory that is gone: %w", r.File, err)
	}
	cc := r.CC
	if cc == "" {
		cc = in.compilerPath()
	}
	where := func(name string) string { return in.copyOf(r.Dir, name) }
	args := opt.Recompile(where)
	// The user has seen this source's warnings when it was compiled first.
	args = append(args, "-w", "-I"+filepath.Join(in.tree, "saz_rt"),
		"-ffile-prefix-map="+in.side+"/abs/="+strings.TrimSuffix(in.man.Root, "/")+"/", "-ffile-prefix-map="+w+"/=")
	for _, i := range opt.Inputs {
		if i.Name == r.File && filepath.Ext(i.Name) != ".c" && filepath.Ext(i.Name) != ".i" {
			args = append(args, "-x", string(i.Lang))
		}
	}
	env := []string{"CPATH=", "C_INCLUDE_PATH="}
	for _, kv := range r.Env {
		name, v, _ := strings.Cut(kv, "=")
		var list []string
		for _, d := range filepath.SplitList(v) {
			if c := where(d); c != "" && name != "SOURCE_DATE_EPOCH" {
				list = append(list, c)
			}
			list = append(list, d)
		}
		env = append(env, name+"="+strings.Join(list, string(filepath.ListSeparator)))
	}
	j := &job{dir: r.Dir, cc: cc, args: args, source: src, env: env}
	if carry {
		j.records = []build.Record{*r}
	}
	return in.add(j), nil
}

// add numbers a job, or finds the one that does the same.
func (in *instrumenter) add(j *job) *job {
	key := strings.Join(append([]string{j.dir, j.cc, j.source}, append(j.args, j.env...)...), "\x00")
	if have := in.objects[key]; have != nil {
		return have
	}
	base := filepath.Base(j.source)
	j.path = filepath.Join(in.side, "obj", fmt.Sprintf("%d-%s.o", len(in.jobs), strings.TrimSuffix(base, filepath.Ext(base))))
	in.objects[key] = j
	in.jobs = append(in.jobs, j)
	return j
}

// compileAll compiles the gathered sources, the glue and the runtime.
func (in *instrumenter) compileAll() error {
	sources, err := in.runtimeSources()
	if err != nil {
		return err
	}
	machine := in.opt.MachineArgs()
	for _, s := range sources {
		args := append(append([]string{}, machine...), "-O2", "-g", "-std=gnu11", "-fPIE", "-pthread", "-w", "-I"+filepath.Join(in.tree, "saz_rt"),
			"-ffile-prefix-map="+in.tree+"=saz")
		j := in.add(&job{dir: in.tree, cc: in.compilerPath(), args: args, source: s})
		in.bare = append(in.bare, j.path)
	}
	hashes := &hashes{known: map[string]string{}}
	errs := make([]error, len(in.jobs))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, j := range in.jobs {
		wg.Add(1)
		slots <- struct{}{}
		go func() {
			defer wg.Done()
			errs[i] = in.compile(j, hashes)
			<-slots
		}()
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// kept is an object of an earlier build and all that it was made from.
type kept struct {
	Deps   []dep  `json:"deps"`
	Object string `json:"object"`
}

type dep struct {
	Path string `json:"path"` // in the side directory: $SIDE/...
	Sum  string `json:"sum"`
}

const keptMax = 4 // versions of one source

// compile makes the object of one job, or takes it from an earlier build: the one
// with the same command, whose every source and header has the same content.
func (in *instrumenter) compile(j *job, h *hashes) error {
	store := filepath.Join(filepath.Dir(in.side), "objects")
	if err := os.MkdirAll(store, 0o777); err != nil {
		return err
	}
	index := filepath.Join(store, in.key(j)+".json")
	var list []kept
	if data, err := os.ReadFile(index); err == nil {
		json.Unmarshal(data, &list)
	}
	for _, k := range list {
		if !in.current(k, h) {
			continue
		}
		if copyFile(filepath.Join(store, k.Object), j.path) == nil {
			j.hit = true
			return in.label(j)
		}
	}
	deps := j.path + ".d"
	args := append(append([]string{}, j.args...), "-MD", "-MF", deps, "-MT", "x", "-c", j.source, "-o", j.path)
	os.Remove(j.path)
	if err := quietly(j.dir, j.env, j.cc, args...); err != nil {
		return err
	}
	// To remember it is a help for the next build and may fail.
	if k, err := in.keep(j, deps, store, h); err == nil {
		list = append([]kept{k}, list...)
		list = list[:min(len(list), keptMax)]
		if data, err := json.Marshal(list); err == nil {
			tmp := fmt.Sprintf("%s.%d.tmp", index, os.Getpid())
			if os.WriteFile(tmp, data, 0o666) == nil {
				os.Rename(tmp, index)
			}
		}
	}
	return in.label(j)
}

func (in *instrumenter) label(j *job) error {
	if len(j.records) == 0 {
		return nil
	}
	return build.AddRecords(j.path, j.records)
}

// key is the command, the compiler and the place.
func (in *instrumenter) key(j *job) string {
	s := sha256.New()
	write := func(list ...string) {
		for _, a := range list {
			fmt.Fprintf(s, "%s\x00", strings.ReplaceAll(a, in.side, "$SIDE"))
		}
	}
	write(j.dir, j.cc, j.source)
	write(j.args...)
	write(j.env...)
	if st, err := os.Stat(j.cc); err == nil {
		write(fmt.Sprint(st.Size(), st.ModTime().UnixNano()))
	}
	return hex.EncodeToString(s.Sum(nil)[:16])
}

func (in *instrumenter) current(k kept, h *hashes) bool {
	for _, d := range k.Deps {
		if h.of(strings.Replace(d.Path, "$SIDE", in.side, 1)) != d.Sum {
			return false
		}
	}
	return len(k.Deps) > 0
}

func (in *instrumenter) keep(j *job, rule, store string, h *hashes) (kept, error) {
	data, err := os.ReadFile(rule)
	if err != nil {
		return kept{}, err
	}
	var k kept
	for _, name := range build.RuleSources(string(data)) {
		path := abs(j.dir, name)
		sum := h.of(path)
		if sum == "" {
			return kept{}, os.ErrNotExist
		}
		k.Deps = append(k.Deps, dep{strings.Replace(path, in.side, "$SIDE", 1), sum})
	}
	obj, err := os.ReadFile(j.path)
	if err != nil {
		return kept{}, err
	}
	sum := sha256.Sum256(obj)
	k.Object = hex.EncodeToString(sum[:16]) + ".o"
	return k, copyFile(j.path, filepath.Join(store, k.Object))
}

// hashes remembers what is in files.
type hashes struct {
	mu    sync.Mutex
	known map[string]string
}

func (h *hashes) of(path string) string {
	h.mu.Lock()
	sum, ok := h.known[path]
	h.mu.Unlock()
	if ok {
		return sum
	}
	sum = build.SourceSum(path)
	h.mu.Lock()
	h.known[path] = sum
	h.mu.Unlock()
	return sum
}
