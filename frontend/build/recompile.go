package build

import (
	"path/filepath"
	"strings"
)

// compileToo are options of the linker's that the compiler heeds as well.
var compileToo = map[string]bool{"-pg": true, "-p": true, "--coverage": true}

// Recompile returns the arguments, without compiler, source and output, with
// which the command would compile a source to an object, for a copy of the
// sources elsewhere: where gives for a file or directory that the command names its copy, "" if
// there is none. A copy is looked at first and the original behind it, so a
// copy need not be complete. By-products (dependency files) are left out, and so
// is what only the linker reads.
func (o *Options) Recompile(where func(string) string) []string {
	args := o.Args[len(o.Launcher)+1:]
	out, pre := o.recompile(args, where, false)
	rest, _ := o.recompile(pre, where, true)
	return append(out, rest...)
}

func (o *Options) recompile(args []string, where func(string) string, inner bool) (out, pre []string) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			break // operands only
		}
		if len(arg) < 2 || arg[0] != '-' {
			continue
		}
		if inner && (arg == "-MD" || arg == "-MMD") {
			i++
			continue
		}
		opt, value, has := lookup(arg)
		if opt == nil {
			out = append(out, arg)
			continue
		}
		spelled := args[i : i+1]
		if !has && opt.form != exact && i+1 < len(args) {
			i++
			value, spelled = args[i], args[i-1:i+1]
		}
		switch opt.what {
		case toPre:
			pre = append(pre, strings.Split(value, ",")...)
		case toPre1:
			pre = append(pre, value)
		case output, language, modeC, modeS, modeE, modeM, modeSyntax, modeInfo, relink:
		case linker:
			if compileToo[opt.name] {
				out = append(out, spelled...)
			}
		case include, imacros:
			// Where the compiler finds it beside the working directory; else
			// along the directories, which come with their copies.
			if c := where(value); c != "" {
				spelled = []string{opt.name, c}
			}
			out = append(out, spelled...)
		case quoteDir, angleDir, systemDir, afterDir:
			if c := where(value); c != "" && !strings.HasPrefix(value, "=") && !strings.HasPrefix(value, "$SYSROOT") {
				out = append(out, opt.name, c)
			}
			out = append(out, spelled...)
		default:
			if strings.HasPrefix(opt.name, "-M") || strings.HasSuffix(opt.name, "-dependencies") || strings.HasPrefix(opt.name, "-save-temps") ||
				strings.Contains(opt.name, "dumpbase") || strings.Contains(opt.name, "dumpdir") || strings.HasSuffix(opt.name, "serialize-diagnostics") ||
				opt.name == "-aux-info" || opt.name == "-emit-llvm" {
				continue
			}
			out = append(out, spelled...)
		}
	}
	return out, pre
}

// MachineArgs returns those arguments on which it depends whether an object fits
// to the others at all: for code that is to be linked to the command's.
func (o *Options) MachineArgs() []string {
	var out []string
	for i := 0; i < len(o.Predef); i++ {
		a := o.Predef[i]
		name, _, _ := strings.Cut(a, "=")
		switch name {
		case "--sysroot", "-isysroot", "-target", "--target", "--gcc-toolchain", "-specs", "--specs", "-B", "--prefix", "-arch":
			out = append(out, a)
			if opt, _, has := lookup(a); opt != nil && !has && opt.form != exact && i+1 < len(o.Predef) {
				i++
				out = append(out, o.Predef[i])
			}
			continue
		}
		if strings.HasPrefix(a, "-m") || strings.HasPrefix(a, "-B") || a == "-pthread" {
			out = append(out, a)
		}
	}
	return out
}

// A LinkEdit replaces what a link command reads. The functions get absolute
// names and return the file to link in its place, "" to leave it.
type LinkEdit struct {
	Source func(in Input) (string, error)    // a C source that the command compiles itself
	File   func(path string) (string, error) // an object or archive
}

// Relinked returns the arguments, without compiler, of the link command with e
// applied: to the operands, to files among the linker's own arguments (-Wl,
// -Xlinker), and to archives that -l finds along -L.
func (o *Options) Relinked(dir string, e LinkEdit) ([]string, error) {
	args := o.Args[len(o.Launcher)+1:]
	var dirs []string // -L so far does not matter: all of them count for all -l
	for i := 0; i < len(o.LinkArgs); i++ {
		a := o.LinkArgs[i]
		switch {
		case (a == "-L" || a == "--library-directory") && i+1 < len(o.LinkArgs):
			i++
			dirs = append(dirs, absIn(dir, o.LinkArgs[i]))
		case strings.HasPrefix(a, "-L"):
			dirs = append(dirs, absIn(dir, a[2:]))
		case strings.HasPrefix(a, "--library-directory="):
			dirs = append(dirs, absIn(dir, a[len("--library-directory="):]))
		case strings.HasPrefix(a, "-Wl,-L"):
			for _, p := range strings.Split(a[4:], ",") {
				if v, ok := strings.CutPrefix(p, "-L"); ok && v != "" {
					dirs = append(dirs, absIn(dir, v))
				}
			}
		}
	}
	static := false
	for _, a := range args {
		static = static || a == "-static" || a == "-static-pie"
	}
	everStatic := static
	// library replaces the archive that -lNAME means, if it means one in the
	// given directories.
	library := func(name string) (string, error) {
		var names []string
		if exact, ok := strings.CutPrefix(name, ":"); ok {
			names = []string{exact}
		} else {
			if !static {
				names = []string{"lib" + name + ".so"}
			}
			names = append(names, "lib"+name+".a")
		}
		for _, d := range dirs {
			for _, n := range names {
				path := filepath.Join(d, n)
				if !exists(path) {
					continue
				}
				if filepath.Ext(n) != ".a" {
					return "", nil
				}
				return e.File(path)
			}
		}
		return "", nil
	}
	var out []string
	lang, operands := "", false
	input := func(arg string) error {
		in := Input{arg, langOf(arg, lang)}
		var to string
		var err error
		switch {
		case in.Lang.IsC():
			to, err = e.Source(in)
		case in.Lang == LangLink && exists(absIn(dir, arg)):
			to, err = e.File(absIn(dir, arg))
		}
		if err != nil {
			return err
		}
		switch {
		case to == "":
			out = append(out, arg)
		case lang != "" && lang != "none" && in.Source():
			out = append(out, "-x", "none", to, "-x", lang)
		default:
			out = append(out, to)
		}
		return nil
	}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if operands || len(arg) < 2 || arg[0] != '-' {
			if err := input(arg); err != nil {
				return nil, err
			}
			continue
		}
		if arg == "--" {
			operands = true
			out = append(out, arg)
			continue
		}
		opt, value, has := lookup(arg)
		spelled := args[i : i+1]
		if opt != nil && !has && opt.form != exact && i+1 < len(args) {
			i++
			value, spelled = args[i], args[i-1:i+1]
		}
		if opt == nil {
			out = append(out, arg)
			continue
		}
		var to string
		var err error
		switch opt.name {
		case "-x", "--language":
			lang = value
		case "-l":
			to, err = library(value)
			if to != "" {
				spelled = []string{to}
				if lang != "" && lang != "none" {
					spelled = []string{"-x", "none", to, "-x", lang}
				}
			}
		case "-Xlinker", "--for-linker":
			if value != "" && value[0] != '-' && exists(absIn(dir, value)) {
				if to, err = e.File(absIn(dir, value)); to != "" {
					spelled = []string{"-Xlinker", to}
				}
			}
		case "-Wl,":
			pieces := strings.Split(value, ",")
			changed := false
			for j, p := range pieces {
				switch {
				case p == "-Bstatic" || p == "-dn" || p == "-static" || p == "-non_shared":
					static = true
				case p == "-Bdynamic" || p == "-dy" || p == "-call_shared":
					static = everStatic
				case strings.HasPrefix(p, "-l"):
					to, err = library(p[2:])
				case p != "" && p[0] != '-' && (j == 0 || !valued(pieces[j-1])) && exists(absIn(dir, p)):
					to, err = e.File(absIn(dir, p))
				}
				if err != nil {
					return nil, err
				}
				if to != "" {
					pieces[j], to, changed = to, "", true
				}
			}
			if changed {
				spelled = []string{"-Wl," + strings.Join(pieces, ",")}
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, spelled...)
	}
	return out, nil
}

// valued reports whether a linker option takes the next argument, of those that
// take a file to write or to read other than an input.
func valued(opt string) bool {
	switch strings.TrimLeft(opt, "-") {
	case "Map", "o", "T", "script", "version-script", "dynamic-list", "soname", "h", "rpath", "rpath-link", "e", "u", "R", "just-symbols", "default-script":
		return true
	}
	return false
}
