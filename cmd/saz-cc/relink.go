package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"saz/frontend/build"
)

// aliases makes names for the tree's directories under which the compiler sees
// the copies, so that one -ffile-prefix-map each brings back the names that the
// originals have in __FILE__ and debug information: "abs" for those that commands
// name by absolute paths, one more for each working directory.
func (in *instrumenter) aliases() error {
	return in.alias("abs", in.man.Root)
}

func (in *instrumenter) alias(name, dir string) error {
	rel, err := filepath.Rel(in.man.Root, dir)
	if err != nil || strings.HasPrefix(rel, "..") {
		return fmt.Errorf("%s is not below %s", dir, in.man.Root)
	}
	if err := os.MkdirAll(filepath.Join(in.tree, rel), 0o777); err != nil {
		return err
	}
	link := filepath.Join(in.side, name)
	to := filepath.Join("tree", rel)
	if have, err := os.Readlink(link); err == nil && have == to {
		return nil
	}
	os.Remove(link)
	return os.Symlink(to, link)
}

// working returns the alias of a command's working directory.
func (in *instrumenter) working(dir string) (string, error) {
	if a, ok := in.dirs[dir]; ok {
		return a, nil
	}
	name := "d" + strconv.Itoa(len(in.dirs))
	if err := in.alias(name, dir); err != nil {
		return "", err
	}
	a := filepath.Join(in.side, name)
	in.dirs[dir] = a
	return a, nil
}

// copyOf returns the tree's copy of a file or directory that a command in dir
// names, "" if there is none.
func (in *instrumenter) copyOf(dir, name string) string {
	path := ""
	if !filepath.IsAbs(name) {
		w, err := in.working(dir)
		if err != nil {
			return ""
		}
		path = w + "/" + name // as it is spelled: __FILE__ keeps ./ and ../
	} else {
		rel, err := filepath.Rel(in.man.Root, name)
		if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			return ""
		}
		path = in.side + "/abs/" + rel
	}
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// changed reports whether the source of a record was rewritten, or reads
// something that was.
func (in *instrumenter) changed(r *build.Record) bool {
	return r.Kind == build.KindCompile && in.patch[abs(r.Dir, filepath.Clean(r.File))]
}

// relink returns the arguments of the new link, and starts to gather what has to be
// made for it.
func (in *instrumenter) relink() ([]string, error) {
	rec, err := build.ReadRecords(in.out)
	if err != nil {
		return nil, err
	}
	argv, err := in.opt.Relinked(in.dir, build.LinkEdit{
		Source: func(input build.Input) (string, error) {
			for i := range rec.Records {
				r := &rec.Records[i]
				if r.Dir == in.dir && r.File == input.Name && abs(r.Dir, r.Output) == in.out && in.changed(r) {
					j, err := in.object(r, false)
					if err != nil {
						return "", err
					}
					return j.path, nil
				}
			}
			return "", nil
		},
		File: in.file,
	})
	if err != nil {
		return nil, err
	}
	for i := range rec.Records {
		if r := &rec.Records[i]; in.changed(r) && !in.replaced[sourceKey(r)] {
			return nil, fmt.Errorf("%s is in the program, and nothing on the link line holds its object", r.File)
		}
	}
	return argv, nil
}

func sourceKey(r *build.Record) string { return r.Dir + "\x00" + r.File }

// file returns what is linked in the place of an object or archive.
func (in *instrumenter) file(path string) (string, error) {
	if to, ok := in.seen[path]; ok {
		return to, nil
	}
	to, err := in.replace(path)
	if err == nil {
		in.seen[path] = to
	}
	return to, err
}

func (in *instrumenter) replace(path string) (string, error) {
	rec, err := build.ReadRecords(path)
	if err != nil || rec.Type == elf.ET_DYN || rec.Type == elf.ET_EXEC {
		return "", nil // not an object: none of the program's sources is in it
	}
	any := false
	for i := range rec.Records {
		any = any || in.changed(&rec.Records[i])
	}
	if !any {
		return "", nil
	}
	if rec.Type == elf.ET_REL {
		return in.replaceObject(path, rec.Objects[0].Records)
	}
	return in.replaceArchive(path, rec)
}

// replaceObject replaces an object in which a changed source is.
func (in *instrumenter) replaceObject(path string, records []build.Record) (string, error) {
	var compiles []*build.Record
	var link *build.Record
	for i := range records {
		switch r := &records[i]; r.Kind {
		case build.KindCompile:
			compiles = append(compiles, r)
		case build.KindLink:
			link = r
		case build.KindOther:
			link = nil
		}
	}
	if len(compiles) == 1 && len(records) == 1 {
		j, err := in.object(compiles[0], true)
		if err != nil {
			return "", err
		}
		return j.path, nil
	}
	// Objects that were linked to one: the same again with the new ones.
	last := &records[len(records)-1]
	if link == nil || link != last || link.What != "object" || link.CC == "" {
		return "", fmt.Errorf("%s was made of several objects by something else than saz-cc (ld -r): instrument the program with saz instrument -o", path)
	}
	inputs := make([]string, 0, len(link.Inputs))
	for _, name := range link.Inputs {
		p := abs(link.Dir, name)
		if _, err := os.Stat(p); err != nil {
			return "", fmt.Errorf("%s was linked of %s, which is gone", path, p)
		}
		rec, err := build.ReadRecords(p)
		if err != nil {
			return "", fmt.Errorf("%s was linked of %s, which has no object in it", path, p)
		}
		to := ""
		if rec.Type != elf.ET_DYN {
			if to, err = in.file(p); err != nil {
				return "", err
			}
		}
		if to == "" {
			to = p
		}
		inputs = append(inputs, to)
	}
	out := filepath.Join(in.side, "obj", fmt.Sprintf("r%d-%s", len(in.archives), filepath.Base(path)))
	cc, dir, args := link.CC, link.Dir, link.Args
	in.archives = append(in.archives, func() error {
		return quietly(dir, nil, cc, append(append(append([]string{}, args...), inputs...), "-o", out)...)
	})
	return out, nil
}

// replaceArchive replaces the members of an archive in which changed sources are.
func (in *instrumenter) replaceArchive(path string, rec *build.Recorded) (string, error) {
	members := map[int64]string{} // by place
	var files []string            // of a thin archive
	thin := false
	for _, o := range rec.Objects {
		to := ""
		any := false
		for i := range o.Records {
			any = any || in.changed(&o.Records[i])
		}
		if any {
			var err error
			if to, err = in.replaceObject(path+"("+filepath.Base(o.Name)+")", o.Records); err != nil {
				return "", err
			}
			members[o.Offset] = to
		}
		if o.Offset < 0 {
			thin = true
			if to == "" {
				to = o.Name
			}
			files = append(files, to)
		}
	}
	out := filepath.Join(in.side, "obj", fmt.Sprintf("a%d", len(in.archives)), filepath.Base(path))
	in.archives = append(in.archives, func() error {
		if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
			return err
		}
		os.Remove(out)
		ar := in.tool("ar")
		if thin {
			return quietly(in.dir, nil, ar, append([]string{"qcs", out}, files...)...)
		}
		if err := build.ReplaceMembers(path, out, members); err != nil {
			return err
		}
		return quietly(in.dir, nil, ar, "s", out)
	})
	return out, nil
}

// tool finds one of the compiler's binutils; for objects of intermediate code,
// the one that can read them.
func (in *instrumenter) tool(name string) string {
	if in.opt.LTO {
		base := filepath.Base(in.opt.Compiler)
		for _, n := range []string{base + "-" + name, "gcc-" + name, "llvm-" + name} {
			if p, err := exec.LookPath(n); err == nil {
				return p
			}
		}
	}
	cmd := exec.Command(in.compilerPath(), "-print-prog-name="+name)
	cmd.Env = toolEnv()
	if out, err := cmd.Output(); err == nil {
		if p := strings.TrimSpace(string(out)); p != "" {
			return p
		}
	}
	return name
}

// toolEnv is the environment of saz-cc's own compiler runs: a saz-cc among them
// steps aside.
func toolEnv() []string {
	return append(os.Environ(), "SAZ_DISABLE=1", "SAZ_INSTRUMENT=0")
}

// quietly runs a command, whose words matter only when it fails: the first run of
// its like has said them.
func quietly(dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(children, name, args...)
	cmd.Dir, cmd.Env = dir, append(toolEnv(), env...)
	var msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &msg, &msg
	if err := cmd.Run(); err != nil {
		var ee *exec.ExitError
		if !errors.As(err, &ee) {
			return err
		}
		line := strings.Join(append([]string{name}, args...), " ")
		if len(line) > 2000 {
			line = line[:2000] + " ..."
		}
		return fmt.Errorf("%w\n%s\n%s", err, line, bytes.TrimSpace(msg.Bytes()))
	}
	return nil
}

// link runs the link command again.
func (in *instrumenter) link(argv []string) error {
	// -pthread goes first: behind -- it would be a file.
	argv = append([]string{"-pthread"}, argv...)
	for _, a := range in.opt.Args {
		if a == "-x" || strings.HasPrefix(a, "-x") && len(a) > 2 || strings.HasPrefix(a, "--language") {
			argv = append(argv, "-x", "none")
			break
		}
	}
	argv = append(argv, in.bare...)
	size := 0
	for _, a := range argv {
		size += len(a) + 1
	}
	if size > 100_000 {
		// An argument list has its limits, and theirs may have come from a file.
		rsp := filepath.Join(in.side, "link.rsp")
		if err := os.WriteFile(rsp, responseText(argv), 0o666); err != nil {
			return err
		}
		argv = []string{"@" + rsp}
	}
	argv = append(append([]string{}, in.given()...), argv...)
	in.touched = true
	os.Remove(in.out)
	if err := quietly(in.dir, nil, in.compiler, argv...); err != nil {
		return err
	}
	in.recorder.instrumented = true
	in.recorder.link()
	return nil
}

// given are the words between the program that is run and the compiler's own
// arguments: a compiler behind a cache.
func (in *instrumenter) given() []string {
	if n := len(in.opt.Launcher); n > 0 {
		return append(append([]string{}, in.opt.Launcher[1:]...), in.opt.Compiler)
	}
	return nil
}

// responseText quotes arguments as the compiler unquotes them.
func responseText(args []string) []byte {
	var b bytes.Buffer
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`, " ", `\ `, "\t", "\\\t", "\n", "\\\n", "\r", "\\\r", "\f", "\\\f", "\v", "\\\v")
	for _, a := range args {
		if a == "" {
			b.WriteString("''\n")
			continue
		}
		b.WriteString(quote.Replace(a))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// runtime lists the tree's glue and runtime sources.
func (in *instrumenter) runtimeSources() ([]string, error) {
	list, err := filepath.Glob(filepath.Join(in.tree, "saz_rt", "*.c"))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, &fs.PathError{Op: "open", Path: filepath.Join(in.tree, "saz_rt"), Err: errors.New("no runtime in the tree")}
	}
	sort.Strings(list)
	return append([]string{filepath.Join(in.tree, "saz_glue.c")}, list...), nil
}
