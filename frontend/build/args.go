package build

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"saz/frontend/cpp"
)

// Mode is how far the compiler driver goes. The order is the driver's own
// precedence, weakest first: `gcc -c -E` preprocesses.
type Mode uint8

const (
	Link       Mode = iota // compile what needs it and link
	Compile                // -c
	Assembly               // -S
	SyntaxOnly             // -fsyntax-only
	Preprocess             // -E
	Depend                 // -M, -MM: print a make rule
	Info                   // --version, -print-*, -###: nothing is compiled
)

func (m Mode) String() string {
	return [...]string{"link", "-c", "-S", "-fsyntax-only", "-E", "-M", "print only"}[m]
}

// Lang is the language of an input as the driver sees it.
type Lang string

// The languages that saz tells apart. LangLink is everything that the driver
// hands to the linker untouched: objects, archives, linker scripts.
const (
	LangC      Lang = "c"
	LangCpp    Lang = "cpp-output" // C that is preprocessed already (.i)
	LangHeader Lang = "c-header"
	LangAsm    Lang = "assembler"
	LangAsmCpp Lang = "assembler-with-cpp"
	LangOther  Lang = "other" // C++, Objective-C, Fortran, ...
	LangLink   Lang = ""
)

// IsC reports whether a translation unit of language l is C.
func (l Lang) IsC() bool { return l == LangC || l == LangCpp }

// An Input is one file operand.
type Input struct {
	Name string
	Lang Lang
}

// Source reports whether the driver compiles the input.
func (in Input) Source() bool { return in.Lang != LangLink }

// Options is a compiler command line, understood.
type Options struct {
	Launcher []string // ccache, distcc, ... with which Compiler was started
	Compiler string   // argv[0] after the launchers
	Args     []string // the whole argv with response files expanded

	Inputs []Input // in command line order
	Mode   Mode
	Output string // -o; "" if absent

	Std      string     // value of the last -std=; -ansi is "c90"
	Pre      cpp.Config // Defines, Quote, Angle, System, After, Imacros, Includes
	Predef   []string   // the flags on which predefined macros and system directories depend
	Sysroot  string     // --sysroot or -isysroot
	LinkArgs []string   // what only the linker cares about, in order
	Relink   bool       // -r: the output of the link is an object again
	Shared   bool       // -shared
	LTO      bool       // -flto in some form
	unknown  []string   // -Wp and -Xpreprocessor arguments, parsed after the rest
	iprefix  string     // -iprefix
}

// Sources returns the C inputs.
func (o *Options) Sources() []Input {
	var out []Input
	for _, in := range o.Inputs {
		if in.Lang.IsC() {
			out = append(out, in)
		}
	}
	return out
}

// ObjectFor returns the name of the file into which source is compiled: for -c
// that of the object, for a link that of the program.
func (o *Options) ObjectFor(source string) string {
	if o.Output != "" {
		return o.Output
	}
	if o.Mode == Link {
		return "a.out"
	}
	base := path.Base(source)
	return strings.TrimSuffix(base, path.Ext(base)) + ".o"
}

// form says how an option takes its argument.
type form uint8

const (
	exact  form = iota // takes none
	sep                // -opt ARG
	joined             // -optARG
	both               // -optARG or -opt ARG
	long               // --opt ARG or --opt=ARG
)

// meaning says what is done with an option. The zero meaning is for options
// that change neither preprocessing nor linking: it is enough to know that
// they swallow an argument.
type meaning uint8

const (
	ignored meaning = iota
	output
	define
	undef
	include
	imacros
	quoteDir
	angleDir
	systemDir
	afterDir
	prefix
	withPrefix
	withPrefixBefore
	sysroot
	std
	ansi
	language
	toPre    // -Wp,A,B
	toPre1   // -Xpreprocessor A
	predef   // changes predefined macros or include directories
	linker   // changes the link only
	pdLinker // both
	modeC
	modeS
	modeE
	modeM
	modeSyntax
	modeInfo
	relink
	shared
)

type option struct {
	name string
	form form
	what meaning
}

// options are the driver options that take an argument, and those without one
// that mean something to saz. An option that is not here takes no argument:
// the -f, -m, -W, -O and -g families, of which -f, -m and -O are handled by
// their first letter.
//
// Longest name first is how the driver chooses between -include and -i..., or
// -undef and -u; lookup does the same.
var options = []option{
	{"-o", both, output}, {"--output", long, output},

	{"-D", both, define}, {"--define-macro", long, define},
	{"-U", both, undef}, {"--undefine-macro", long, undef},
	{"-include", both, include}, {"--include", long, include},
	{"-imacros", both, imacros}, {"--imacros", long, imacros},
	{"-iquote", both, quoteDir},
	{"-I", both, angleDir}, {"--include-directory", long, angleDir},
	{"-isystem", both, systemDir}, {"-isystem-after", both, afterDir}, {"-iwithsysroot", both, ignored},
	{"-idirafter", both, afterDir}, {"--include-directory-after", long, afterDir},
	{"-iprefix", both, prefix}, {"--include-prefix", long, prefix},
	{"-iwithprefix", both, withPrefix}, {"--include-with-prefix", long, withPrefix},
	{"--include-with-prefix-after", long, withPrefix},
	{"-iwithprefixbefore", both, withPrefixBefore},
	{"--include-with-prefix-before", long, withPrefixBefore},
	{"-include-pch", sep, ignored},
	{"-A", both, ignored}, {"--assert", long, ignored},
	{"-Wp,", joined, toPre}, {"-Xpreprocessor", sep, toPre1},

	{"-x", both, language}, {"--language", long, language},
	{"-std", long, std}, {"--std", long, std},
	{"-ansi", exact, ansi}, {"--ansi", exact, ansi},

	{"-isysroot", both, sysroot}, {"--sysroot", long, sysroot},
	{"-nostdinc", exact, predef}, {"--no-standard-includes", exact, predef}, {"-undef", exact, predef},
	{"-traditional", exact, predef}, {"-traditional-cpp", exact, predef},
	{"-trigraphs", exact, predef}, {"--trigraphs", exact, predef},
	{"-imultilib", both, predef}, {"-imultiarch", both, predef},
	{"-B", both, pdLinker}, {"--prefix", long, pdLinker},
	{"-specs", long, pdLinker}, {"--specs", long, pdLinker},
	{"-target", sep, pdLinker}, {"--target", long, pdLinker}, {"-arch", sep, pdLinker},
	{"--gcc-toolchain", long, pdLinker}, {"-Xclang", sep, predef},
	{"-pthread", exact, pdLinker}, {"-pthreads", exact, pdLinker},
	// With compilers that make position independent executables by default
	// these change __PIC__ and __PIE__ of a plain compilation, too.
	{"-pie", exact, pdLinker}, {"-no-pie", exact, pdLinker}, {"-nopie", exact, pdLinker},
	{"-static", exact, pdLinker}, {"-static-pie", exact, pdLinker},

	{"-MF", both, ignored}, {"-MT", both, ignored}, {"-MQ", both, ignored}, {"-MJ", both, ignored},
	{"-MD", exact, ignored}, {"-MMD", exact, ignored}, {"-MG", exact, ignored}, {"-MP", exact, ignored},
	{"--write-dependencies", exact, ignored}, {"--write-user-dependencies", exact, ignored},
	{"-M", exact, modeM}, {"-MM", exact, modeM}, {"--dependencies", exact, modeM}, {"--user-dependencies", exact, modeM},
	{"-E", exact, modeE}, {"--preprocess", exact, modeE},
	{"-S", exact, modeS}, {"--assemble", exact, modeS},
	{"-c", exact, modeC}, {"--compile", exact, modeC},
	{"-fsyntax-only", exact, modeSyntax},
	{"-###", exact, modeInfo}, {"--version", exact, modeInfo}, {"--help", exact, modeInfo}, {"--help=", joined, modeInfo},
	{"--target-help", exact, modeInfo}, {"-dumpversion", exact, modeInfo}, {"-dumpfullversion", exact, modeInfo},
	{"-dumpmachine", exact, modeInfo}, {"-dumpspecs", exact, modeInfo},
	{"-print-", joined, modeInfo}, {"--print-", joined, modeInfo},

	{"-l", both, linker}, {"-L", both, linker}, {"--library-directory", long, linker},
	{"-Wl,", joined, linker}, {"-Xlinker", sep, linker}, {"--for-linker", long, linker},
	{"-T", both, linker}, {"-u", both, linker}, {"-z", both, linker}, {"-e", both, linker},
	{"--entry", long, linker}, {"-s", exact, linker}, {"-rdynamic", exact, linker}, {"-export-dynamic", exact, linker},
	{"-Tbss", long, linker}, {"-Tdata", long, linker}, {"-Ttext", long, linker},
	{"-static-lib", joined, linker}, {"-shared-libgcc", exact, linker},
	{"-nostdlib", exact, linker}, {"-nodefaultlibs", exact, linker}, {"-nostartfiles", exact, linker}, {"-nolibc", exact, linker},
	{"-fuse-ld=", joined, linker}, {"-pg", exact, linker}, {"-p", exact, linker}, {"--coverage", exact, linker},
	{"-rpath", sep, linker}, {"-framework", sep, linker}, {"-F", both, linker}, {"-install_name", sep, linker},
	{"-r", exact, relink}, {"-shared", exact, shared}, {"--shared", exact, shared},

	{"-Wa,", joined, ignored}, {"-Xassembler", sep, ignored}, {"--for-assembler", long, ignored},
	{"--param", long, ignored}, {"-aux-info", sep, ignored}, {"-wrapper", sep, ignored}, {"-G", both, ignored},
	{"-dumpbase", sep, ignored}, {"-dumpbase-ext", sep, ignored}, {"-dumpdir", sep, ignored},
	{"--dumpbase", long, ignored}, {"--dumpbase-ext", long, ignored}, {"--dumpdir", long, ignored},
	{"-mllvm", sep, ignored}, {"-serialize-diagnostics", sep, ignored}, {"--serialize-diagnostics", sep, ignored},
	{"-iframework", both, ignored}, {"-ivfsoverlay", both, ignored}, {"-working-directory", long, ignored},
	{"-current_version", sep, ignored}, {"-compatibility_version", sep, ignored}, {"-dylib_install_name", sep, ignored},
	{"-Xanalyzer", sep, ignored}, {"-Xcuda-ptxas", sep, ignored}, {"-foffload", long, ignored},
	{"-Xarch_", joined, ignored}, {"-save-temps", exact, ignored}, {"-save-temps=", joined, ignored},
	// clang's rarer ones
	{"--config", long, predef}, {"-resource-dir", long, predef}, {"-ccc-gcc-name", sep, ignored}, {"-ccc-install-dir", sep, ignored},
	{"-ccc-arcmt-migrate", sep, ignored}, {"-ccc-objcmt-migrate", sep, ignored}, {"-arcmt-migrate-report-output", sep, ignored},
	{"--analyzer-output", sep, ignored}, {"-gen-cdb-fragment-path", sep, ignored}, {"-cxx-isystem", both, ignored}, {"-stdlib++-isystem", both, ignored},
	{"-dependency-file", sep, ignored}, {"-dependency-dot", sep, ignored}, {"-dsym-dir", sep, ignored}, {"-module-dependency-dir", sep, ignored},
	{"-fmodules-user-build-path", sep, ignored}, {"-meabi", sep, predef}, {"-mthread-model", sep, predef}, {"-b", sep, linker},
	{"-Xarch_device", sep, ignored}, {"-Xarch_host", sep, ignored}, {"-Xopenmp-target", sep, ignored}, {"-Xcuda-fatbinary", sep, ignored},
	{"-emit-llvm", exact, ignored}, {"-symbolic", exact, linker},
}

var byName = func() map[string]*option {
	m := make(map[string]*option, len(options))
	for i := range options {
		m[options[i].name] = &options[i]
	}
	return m
}()

// lookup finds the option that arg spells and its joined argument.
func lookup(arg string) (o *option, value string, hasValue bool) {
	if o := byName[arg]; o != nil && o.form != joined {
		return o, "", false
	}
	if eq := strings.IndexByte(arg, '='); eq > 0 {
		if o := byName[arg[:eq]]; o != nil && o.form == long {
			return o, arg[eq+1:], true
		}
	}
	for n := len(arg); n >= 2; n-- {
		if o := byName[arg[:n]]; o != nil && (o.form == joined || o.form == both) {
			return o, arg[n:], true
		}
	}
	return nil, "", false
}

// quiet are the -f options that reach no predefined macro. They often name
// files, or differ from object to object, and would defeat the memory of what
// the compiler said.
var quiet = []string{
	"-fdump", "-fdiagnostics", "-fno-diagnostics", "-fcolor", "-fplugin", "-fprofile-use", "-fprofile-dir", "-fauto-profile", "-fdebug", "-fno-debug",
	"-ffile-prefix-map", "-fmacro-prefix-map", "-frandom-seed", "-fstack-usage", "-fcallgraph-info", "-fmax-errors",
	"-fmessage-length", "-flto", "-fno-lto", "-ffat-lto", "-fno-fat-lto", "-fuse-linker-plugin", "-fopt-info",
	"-fverbose-asm", "-fident", "-fno-ident", "-fvisibility", "-ftime-", "-fmem-report", "-fsave-optimization",
	"-fcommon", "-fno-common", "-ffunction-sections", "-fdata-sections", "-ftemplate", "-fpch", "-fpreprocessed",
	"-fdirectives-only", "-fworking-directory", "-fno-working-directory", "-finput-charset", "-fsyntax-only",
	"-fomit-frame-pointer", "-fno-omit-frame-pointer", "-ftree", "-fno-tree", "-finline-limit",
}

func isQuiet(arg string) bool {
	for _, p := range quiet {
		if strings.HasPrefix(arg, p) {
			return true
		}
	}
	return false
}

// launchers are programs that take a compiler command as their arguments.
var launchers = map[string]bool{
	"ccache": true, "sccache": true, "distcc": true, "icecc": true, "gomacc": true, "buildcache": true, "saz-cc": true,
}

// IsLauncher reports whether the file at path is such a program, by its own name
// or by that of the file that a link leads to (/usr/lib/ccache/gcc).
func IsLauncher(path string) bool {
	if launchers[filepath.Base(path)] {
		return true
	}
	real, err := filepath.EvalSymlinks(path)
	return err == nil && launchers[filepath.Base(real)]
}

// An ArgsError is a command line that the compiler itself would not accept.
type ArgsError struct{ Msg string }

func (e *ArgsError) Error() string { return e.Msg }

// ParseArgs understands argv, argv[0] being the compiler. Response files are
// read relative to dir.
func ParseArgs(argv []string, dir string) (*Options, error) {
	argv, err := expand(argv, dir)
	if err != nil {
		return nil, err
	}
	o := &Options{Args: argv}
	for len(argv) > 1 && launchers[path.Base(argv[0])] {
		if argv[1] == "--instrument" && len(argv) > 2 { // saz-cc's own
			o.Launcher = append(o.Launcher, argv[0])
			argv = argv[1:]
		} else if strings.HasPrefix(argv[1], "-") {
			break
		}
		o.Launcher = append(o.Launcher, argv[0])
		argv = argv[1:]
	}
	if len(argv) == 0 {
		return nil, &ArgsError{"empty command"}
	}
	o.Compiler = argv[0]
	if err := o.parse(argv[1:], false); err != nil {
		return nil, err
	}
	// The driver puts what -Wp and -Xpreprocessor collected after its own
	// options, wherever they stood.
	pre := o.unknown
	o.unknown = nil
	if err := o.parse(pre, true); err != nil {
		return nil, err
	}
	if len(o.Inputs) == 0 {
		o.Mode = Info
	}
	return o, nil
}

func (o *Options) raise(m Mode) {
	if m > o.Mode {
		o.Mode = m
	}
}

// parse reads args. In the preprocessor's own command language (inner), which
// -Wp and -Xpreprocessor speak, -MD and -MMD name their file.
func (o *Options) parse(args []string, inner bool) error {
	lang := ""
	operandsOnly := false
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if operandsOnly || len(arg) < 2 || arg[0] != '-' {
			if arg != "" && !inner {
				o.Inputs = append(o.Inputs, Input{arg, langOf(arg, lang)})
			}
			continue
		}
		if arg == "--" {
			operandsOnly = true
			continue
		}
		if inner && (arg == "-MD" || arg == "-MMD") {
			i++
			continue
		}
		opt, value, has := lookup(arg)
		if opt == nil {
			o.family(arg)
			continue
		}
		spelled := args[i : i+1]
		if !has && opt.form != exact {
			if i+1 >= len(args) {
				return &ArgsError{fmt.Sprintf("missing argument to %q", arg)}
			}
			i++
			value, spelled = args[i], args[i-1:i+1]
		}
		switch opt.what {
		case language:
			lang = value
		case toPre:
			o.unknown = append(o.unknown, strings.Split(value, ",")...)
		case toPre1:
			o.unknown = append(o.unknown, value)
		case sysroot:
			o.Sysroot = value
			o.Predef = append(o.Predef, spelled...)
			o.LinkArgs = append(o.LinkArgs, spelled...)
		default:
			o.apply(opt.what, value, spelled)
		}
	}
	return nil
}

// family handles the options that are told by their first letter.
func (o *Options) family(arg string) {
	switch {
	case strings.HasPrefix(arg, "-flto") || arg == "-fno-lto":
		o.LTO = arg != "-fno-lto"
		o.LinkArgs = append(o.LinkArgs, arg)
	case strings.HasPrefix(arg, "-fsanitize") || strings.HasPrefix(arg, "-fopenmp") || strings.HasPrefix(arg, "-fprofile") ||
		arg == "-ftest-coverage" || strings.HasPrefix(arg, "-m"):
		o.LinkArgs = append(o.LinkArgs, arg)
	}
	if len(arg) > 2 || arg == "-O" {
		switch arg[1] {
		case 'f', 'm', 'O':
			if !isQuiet(arg) {
				o.Predef = append(o.Predef, arg)
			}
		}
	}
}

func (o *Options) apply(what meaning, value string, spelled []string) {
	p := &o.Pre
	switch what {
	case output:
		o.Output = value
	case define:
		p.Defines = append(p.Defines, cpp.Define{Text: value})
	case undef:
		p.Defines = append(p.Defines, cpp.Define{Text: value, Undef: true})
	case include:
		p.Includes = append(p.Includes, value)
	case imacros:
		p.Imacros = append(p.Imacros, value)
	case quoteDir:
		p.Quote = append(p.Quote, value)
	case angleDir:
		p.Angle = append(p.Angle, value)
	case systemDir:
		p.System = append(p.System, value)
	case afterDir:
		p.After = append(p.After, value)
	case prefix:
		o.iprefix = value
	case withPrefix:
		p.After = append(p.After, o.iprefix+value)
	case withPrefixBefore:
		p.Angle = append(p.Angle, o.iprefix+value)
	case std:
		o.Std = value
		o.Predef = append(o.Predef, "-std="+value)
	case ansi:
		o.Std = "c90"
		o.Predef = append(o.Predef, "-ansi")
	case predef:
		o.Predef = append(o.Predef, spelled...)
	case linker:
		o.LinkArgs = append(o.LinkArgs, spelled...)
	case pdLinker:
		o.Predef = append(o.Predef, spelled...)
		o.LinkArgs = append(o.LinkArgs, spelled...)
	case relink:
		o.Relink = true
		o.LinkArgs = append(o.LinkArgs, spelled...)
	case shared:
		o.Shared = true
		o.Predef = append(o.Predef, spelled...)
		o.LinkArgs = append(o.LinkArgs, spelled...)
	case modeC:
		o.raise(Compile)
	case modeS:
		o.raise(Assembly)
	case modeE:
		o.raise(Preprocess)
	case modeM:
		o.raise(Depend)
	case modeSyntax:
		o.raise(SyntaxOnly)
	case modeInfo:
		o.raise(Info)
	}
}

var extensions = map[string]Lang{
	".c": LangC, ".i": LangCpp, ".h": LangHeader, ".s": LangAsm, ".S": LangAsmCpp, ".sx": LangAsmCpp,
	".cc": LangOther, ".cp": LangOther, ".cxx": LangOther, ".cpp": LangOther, ".CPP": LangOther, ".c++": LangOther,
	".C": LangOther, ".ii": LangOther, ".m": LangOther, ".mi": LangOther, ".mm": LangOther, ".M": LangOther,
	".mii": LangOther, ".hh": LangOther, ".H": LangOther, ".hp": LangOther, ".hxx": LangOther, ".hpp": LangOther,
	".f": LangOther, ".for": LangOther, ".ftn": LangOther, ".f90": LangOther, ".f95": LangOther, ".F": LangOther,
	".FOR": LangOther, ".F90": LangOther, ".go": LangOther, ".d": LangOther, ".adb": LangOther, ".ads": LangOther,
	".cu": LangOther,
}

func langOf(name, x string) Lang {
	switch x {
	case "", "none":
		return extensions[path.Ext(name)]
	case "c", "cpp-output", "c-header", "assembler", "assembler-with-cpp":
		return Lang(x)
	case "c-cpp-output":
		return LangCpp
	}
	return LangOther
}
