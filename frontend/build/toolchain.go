package build

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"saz/frontend/cpp"
)

// A ToolchainError says that the compiler could not be asked.
type ToolchainError struct {
	CC     string
	Flags  []string
	Stderr string // what the compiler said
	Err    error
}

func (e *ToolchainError) Error() string {
	msg := strings.TrimSpace(e.Stderr)
	if i := strings.IndexByte(msg, '\n'); i >= 0 {
		msg = msg[:i]
	}
	if msg == "" {
		msg = e.Err.Error()
	}
	if len(e.Flags) == 0 {
		return fmt.Sprintf("cannot ask the compiler %s for its predefined macros: %s", e.CC, msg)
	}
	return fmt.Sprintf("cannot ask the compiler %s for its predefined macros with %s: %s", e.CC, strings.Join(e.Flags, " "), msg)
}

func (e *ToolchainError) Unwrap() error { return e.Err }

// answers is what is remembered of a compiler for one set of flags, in memory
// and on disk.
type answers struct {
	Version string
	Predef  string
	System  []string
	Missing []string // directories that it would search if they existed
	Has     map[string]int
}

// probe is an answers with what is needed to ask further questions.
type probe struct {
	once sync.Once
	tc   *Toolchain
	err  error

	mu     sync.Mutex
	ans    answers
	cc     string
	flags  []string
	dir    string
	file   string // on disk; "" if there is no place for it
	spawns int
}

var (
	probesMu sync.Mutex
	probes   = map[string]*probe{}
)

// Probe asks the compiler cc for what it predefines and where it looks for
// headers, given the arguments of a compilation (argv without the compiler; the
// sources, -I, -D and so on are ignored). Relative names in cc and args are
// relative to dir.
//
// Starting a compiler takes as long as preprocessing a file, so the answers are
// kept: in this process, and in the user's cache directory for the next one,
// under the compiler's path, size and time stamp and the flags that matter.
func Probe(cc string, args []string, dir string) (*Toolchain, error) {
	o, err := ParseArgs(append([]string{cc}, args...), dir)
	if err != nil {
		return nil, err
	}
	return probeFor(cc, o, dir)
}

func probeFor(cc string, o *Options, dir string) (*Toolchain, error) {
	flags := o.Predef
	key := cc + "\x00" + strings.Join(flags, "\x00")
	if strings.ContainsRune(cc, filepath.Separator) && !filepath.IsAbs(cc) || relativeFlags(flags) {
		key += "\x00\x00" + dir
	}
	probesMu.Lock()
	p := probes[key]
	if p == nil {
		p = &probe{cc: cc, flags: flags, dir: dir}
		probes[key] = p
	}
	probesMu.Unlock()
	p.once.Do(p.run)
	return p.tc, p.err
}

// relativeFlags reports whether a flag names a file relative to the directory
// in which the compiler runs.
func relativeFlags(flags []string) bool {
	for i, f := range flags {
		for _, p := range []string{"-B", "-isysroot", "--sysroot", "-specs", "--specs", "--prefix", "--gcc-toolchain", "--config", "-resource-dir"} {
			v, ok := strings.CutPrefix(f, p)
			if !ok {
				continue
			}
			if v = strings.TrimPrefix(v, "="); v == "" && i+1 < len(flags) {
				v = flags[i+1]
			}
			if !filepath.IsAbs(v) {
				return true
			}
		}
	}
	return false
}

// resolve finds the compiler's file.
func resolve(cc, dir string) (string, error) {
	if strings.ContainsRune(cc, filepath.Separator) {
		if !filepath.IsAbs(cc) {
			cc = filepath.Join(dir, cc)
		}
		return cc, nil
	}
	return exec.LookPath(cc)
}

func (p *probe) run() {
	path, err := resolve(p.cc, p.dir)
	if err == nil {
		var st os.FileInfo
		if st, err = os.Stat(path); err == nil {
			p.file = p.cacheFile(path, st)
		}
	}
	if err != nil {
		p.err = &ToolchainError{CC: p.cc, Err: err}
		return
	}
	p.cc = path
	if !p.read() {
		if p.err = p.ask(); p.err != nil {
			return
		}
		p.write()
	}
	if p.ans.Has == nil {
		p.ans.Has = map[string]int{}
	}
	p.tc = &Toolchain{
		CC: path, Version: p.ans.Version, Predef: []byte(p.ans.Predef), System: p.ans.System, Builtins: p.has,
	}
}

func (p *probe) cacheFile(path string, st os.FileInfo) string {
	base, err := CacheDir()
	if err != nil {
		return ""
	}
	h := sha256.New()
	fmt.Fprintf(h, "1\x00%s\x00%d\x00%d\x00%q", path, st.Size(), st.ModTime().UnixNano(), p.flags)
	if relativeFlags(p.flags) {
		fmt.Fprintf(h, "\x00%s", p.dir)
	}
	for _, n := range []string{"GCC_EXEC_PREFIX", "COMPILER_PATH"} {
		fmt.Fprintf(h, "\x00%s", os.Getenv(n))
	}
	return filepath.Join(base, "toolchain", hex.EncodeToString(h.Sum(nil)[:12])+".json")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// read takes the answers from disk. A directory that has come or gone since
// they were given makes them void.
func (p *probe) read() bool {
	if p.file == "" {
		return false
	}
	data, err := os.ReadFile(p.file)
	if err != nil || json.Unmarshal(data, &p.ans) != nil || p.ans.Predef == "" {
		p.ans = answers{}
		return false
	}
	at := func(d string) string {
		if filepath.IsAbs(d) {
			return d
		}
		return filepath.Join(p.dir, d)
	}
	for _, d := range p.ans.System {
		if !exists(at(d)) {
			p.ans = answers{}
			return false
		}
	}
	for _, d := range p.ans.Missing {
		if exists(at(d)) {
			p.ans = answers{}
			return false
		}
	}
	return true
}

// write keeps the answers. That it fails (read-only home, full disk) costs the
// next run some milliseconds and is nobody's business.
func (p *probe) write() {
	if p.file == "" {
		return
	}
	data, err := json.Marshal(&p.ans)
	if err != nil {
		return
	}
	writeAtomic(p.file, data)
}

var tempSerial atomic.Int64

// writeAtomic makes data the content of path in one step.
func writeAtomic(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	// Not os.CreateTemp, whose files only the owner may read.
	name := fmt.Sprintf("%s.%d.%d.tmp", path, os.Getpid(), tempSerial.Add(1))
	tmp, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// env is the environment of a question: messages in English, and none of the
// variables that add include directories, which belong to a Command.
func env() []string {
	var out []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "CPATH", "C_INCLUDE_PATH", "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES", "LANG", "LC_ALL", "LC_MESSAGES", "SAZ_LOG":
			continue
		}
		out = append(out, kv)
	}
	return append(out, "LC_ALL=C", "SAZ_DISABLE=1")
}

func (p *probe) compiler(stdin string, args ...string) (stdout, stderr []byte, err error) {
	cmd := exec.Command(p.cc, args...)
	cmd.Dir, cmd.Env = p.dir, env()
	cmd.Stdin = strings.NewReader(stdin)
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	p.spawns++
	if err = cmd.Run(); err != nil {
		err = &ToolchainError{CC: p.cc, Flags: p.flags, Stderr: msg.String(), Err: err}
	}
	return out.Bytes(), msg.Bytes(), err
}

// ask gets macros and directories with one start of the compiler.
func (p *probe) ask() error {
	args := append(append([]string(nil), p.flags...), "-v", "-E", "-dM", "-x", "c", "-")
	out, msg, err := p.compiler("", args...)
	if err != nil {
		return err
	}
	p.ans.Predef = string(out)
	p.ans.System, p.ans.Missing = searchList(msg)
	if out, _, err := p.compiler("", "--version"); err == nil {
		line, _, _ := bytes.Cut(out, []byte("\n"))
		p.ans.Version = string(line)
	}
	return nil
}

// searchList reads the include directories out of what -v prints.
func searchList(msg []byte) (dirs, missing []string) {
	const absent = `ignoring nonexistent directory "`
	in := false
	sc := bufio.NewScanner(bytes.NewReader(msg))
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		line := sc.Text()
		switch {
		case strings.HasPrefix(line, absent):
			missing = append(missing, strings.TrimSuffix(line[len(absent):], `"`))
		case strings.HasPrefix(line, "#include <...> search starts here"):
			in = true
		case strings.HasPrefix(line, "End of search list"):
			in = false
		case in && !strings.HasSuffix(line, " (framework directory)"):
			dirs = append(dirs, strings.TrimPrefix(line, " "))
		}
	}
	return dirs, missing
}

// has answers __has_attribute and its like. The compiler is asked about all of
// the common names at once, and about any other one when it comes up; both are
// remembered.
func (p *probe) has(kind, arg string) int {
	arg = strings.ReplaceAll(arg, " ", "")
	key := kind + " " + arg
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.ans.Has[key]; ok {
		return v
	}
	names := []string{key}
	if _, asked := p.ans.Has[""]; !asked {
		p.ans.Has[""] = 1
		names = append(names, commonQuestions()...)
	}
	p.question(names)
	p.write()
	return p.ans.Has[key]
}

// question asks the compiler for the value of each "kind arg". An operator
// that it does not know answers 0.
func (p *probe) question(keys []string) {
	var src strings.Builder
	for i, k := range keys {
		kind, arg, _ := strings.Cut(k, " ")
		if !plain(kind) || strings.ContainsAny(arg, "\n()#\"'\\") {
			continue
		}
		// The value is read from text, where it is what #if would see; the
		// #if alone would only tell zero from not zero.
		fmt.Fprintf(&src, "#ifdef %s\nsaz@%d@ %s(%s)\n#endif\n", kind, i, kind, arg)
	}
	// An argument that is a macro would be replaced: it is in the program's
	// own context, too, but only by the program's macros.
	args := append(append([]string(nil), p.flags...), "-E", "-P", "-x", "c", "-")
	out, _, _ := p.compiler(src.String(), args...)
	for _, k := range keys {
		p.ans.Has[k] = 0
	}
	text := string(out)
	for {
		_, rest, ok := strings.Cut(text, "saz@")
		if !ok {
			return
		}
		text = rest
		num, rest, ok := strings.Cut(rest, "@")
		i, err := strconv.Atoi(strings.TrimSpace(num))
		if !ok || err != nil || i < 0 || i >= len(keys) {
			continue
		}
		value, _, _ := strings.Cut(rest, "saz@")
		v, err := strconv.Atoi(strings.TrimRight(strings.TrimSpace(value), "uUlL"))
		if err == nil {
			p.ans.Has[keys[i]] = v
		}
	}
}

func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		if s[i] != '_' && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != ""
}

// Toolchain asks the command's compiler. Commands with the same relevant flags
// share one answer.
func (c *Command) Toolchain() (*Toolchain, error) {
	o, err := ParseArgs(c.Args, c.Dir)
	if err != nil {
		return nil, err
	}
	cc := o.Compiler
	if c.CC != "" && exists(c.CC) {
		cc = c.CC
	}
	return probeFor(cc, o, c.Dir)
}

// Config returns the preprocessing configuration of the command.
//
// The directories are those that the compiler would search, after its own
// rules for double ones: directories that do not exist are left out, a -I that
// is also a system directory is searched only at its place among those (and as
// one), otherwise the first mention of a directory counts.
func (c *Command) Config(tc *Toolchain) (*cpp.Config, error) {
	o, err := ParseArgs(c.Args, c.Dir)
	if err != nil {
		return nil, err
	}
	cfg := o.Pre
	cfg.Dir = c.Dir
	cfg.Builtins = tc.Builtins
	for _, in := range o.Inputs {
		if in.Name == c.File && in.Lang == LangCpp {
			// Preprocessed text is only cut into tokens.
			cfg.Defines, cfg.Imacros, cfg.Includes = nil, nil, nil
			return &cfg, nil
		}
	}
	cfg.Predef = tc.Predef
	for _, kv := range c.Env {
		name, value, _ := strings.Cut(kv, "=")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && name == "SOURCE_DATE_EPOCH" {
			cfg.Now = time.Unix(n, 0).UTC()
			continue
		}
		for _, d := range filepath.SplitList(value) {
			if d == "" {
				d = "."
			}
			switch name {
			case "CPATH":
				cfg.Angle = append(cfg.Angle, d)
			case "C_INCLUDE_PATH":
				cfg.System = append(cfg.System, d)
			}
		}
	}
	root := func(dirs []string) []string {
		out := make([]string, len(dirs))
		for i, d := range dirs {
			if v, ok := strings.CutPrefix(d, "="); ok {
				d = o.Sysroot + v
			} else if v, ok := strings.CutPrefix(d, "$SYSROOT"); ok {
				d = o.Sysroot + v
			}
			out[i] = d
		}
		return out
	}
	s := search{dir: c.Dir}
	system := root(cfg.System)
	before := len(system) + len(tc.System)
	system = append(append(system, tc.System...), root(cfg.After)...)
	kept, infos := s.unique(system, nil)
	cfg.System, cfg.After = nil, nil
	for _, i := range kept {
		if i < before {
			cfg.System = append(cfg.System, system[i])
		} else {
			cfg.After = append(cfg.After, system[i])
		}
	}
	cfg.Angle = s.pick(root(cfg.Angle), infos)
	cfg.Quote = s.pick(root(cfg.Quote), infos)
	return &cfg, nil
}

// search tells directories apart by what they are, not by their names.
type search struct{ dir string }

func (s *search) pick(dirs []string, other []os.FileInfo) []string {
	kept, _ := s.unique(dirs, other)
	var out []string
	for _, i := range kept {
		out = append(out, dirs[i])
	}
	return out
}

// unique returns the indices of those directories that exist, are not in
// other, and come for the first time.
func (s *search) unique(dirs []string, other []os.FileInfo) (kept []int, infos []os.FileInfo) {
next:
	for i, d := range dirs {
		if !filepath.IsAbs(d) {
			d = filepath.Join(s.dir, d)
		}
		st, err := os.Stat(d)
		if err != nil || !st.IsDir() {
			continue
		}
		for _, list := range [][]os.FileInfo{other, infos} {
			for _, o := range list {
				if os.SameFile(o, st) {
					continue next
				}
			}
		}
		kept = append(kept, i)
		infos = append(infos, st)
	}
	return kept, infos
}

// commonQuestions are the names that headers of C libraries and kernels, and
// portability layers, ask about.
func commonQuestions() []string {
	attributes := `access alias aligned alloc_align alloc_size always_inline artificial assume_aligned cleanup cold common
		const constructor copy deprecated designated_init destructor error externally_visible fallthrough flatten format
		format_arg gnu_inline hot ifunc leaf malloc may_alias mode naked no_icf no_instrument_function no_reorder
		no_sanitize no_sanitize_address no_sanitize_memory no_sanitize_thread no_sanitize_undefined no_split_stack
		no_stack_limit no_stack_protector no_profile_instrument_function noclone nocommon noinline noipa nonnull nonstring
		noplt noreturn nothrow optimize packed patchable_function_entry pure returns_nonnull returns_twice
		scalar_storage_order section sentinel simd stack_protect symver target target_clones tls_model transparent_union
		unavailable uninitialized unused used vector_size visibility warn_if_not_aligned warn_unused warn_unused_result
		warning weak weakref zero_call_used_regs btf_type_tag counted_by counted_by_ptr diagnose_as_builtin disable_tail_calls
		enable_if not_tail_called nodebug noescape overloadable pass_object_size pass_dynamic_object_size require_constant_initialization
		retain suppress swift_name unsequenced reproducible musttail guarded_by nomerge ms_struct gcc_struct
		availability address_space fd_arg fd_arg_read fd_arg_write null_terminated_string_arg cdecl stdcall fastcall regparm
		interrupt ms_abi sysv_abi force_align_arg_pointer nocf_check cf_check indirect_return function_return`
	cAttributes := `deprecated fallthrough maybe_unused nodiscard noreturn _Noreturn unsequenced reproducible gnu::unused
		gnu::fallthrough gnu::format clang::fallthrough clang::noescape gnu::nonstring gnu::noreturn gnu::const gnu::pure`
	builtins := `__builtin_expect __builtin_expect_with_probability __builtin_unreachable __builtin_trap __builtin_bswap16 __builtin_bswap32
		__builtin_bswap64 __builtin_bswap128 __builtin_clz __builtin_clzl __builtin_clzll __builtin_ctz __builtin_ctzl __builtin_ctzll __builtin_ffs
		__builtin_ffsl __builtin_ffsll __builtin_popcount __builtin_popcountl __builtin_popcountll __builtin_parity
		__builtin_add_overflow __builtin_sub_overflow __builtin_mul_overflow __builtin_add_overflow_p __builtin_uadd_overflow
		__builtin_sadd_overflow __builtin_umul_overflow __builtin_mul_overflow_p
		__builtin_types_compatible_p __builtin_choose_expr __builtin_constant_p __builtin_object_size
		__builtin_dynamic_object_size __builtin_prefetch __builtin_assume __builtin_assume_aligned __builtin_alloca
		__builtin_alloca_with_align __builtin_offsetof __builtin_memcpy __builtin_memcpy_inline __builtin_memcmp
		__builtin_memset __builtin_strlen __builtin_frame_address __builtin_return_address __builtin_va_list
		__builtin_has_attribute __builtin_speculation_safe_value __builtin_shuffle __builtin_shufflevector
		__builtin_convertvector __builtin_isnan __builtin_isinf_sign __builtin_isfinite __builtin_signbit __builtin_huge_val
		__builtin_huge_valf __builtin_nan __builtin_nanf __builtin_inf __builtin_inff __builtin_rotateleft32 __builtin_rotateright32
		__builtin_rotateleft64 __builtin_rotateright64 __builtin_bitreverse32 __builtin_cpu_supports __builtin_cpu_init
		__builtin_debugtrap __builtin_readcyclecounter __builtin_clear_padding __builtin_launder __builtin_classify_type
		__builtin_counted_by_ref __builtin_va_arg_pack __builtin_va_arg_pack_len __builtin___clear_cache
		__builtin_nontemporal_load __builtin_nontemporal_store __builtin_fpclassify __builtin_isgreater __builtin_stdc_rotate_left
		__builtin_ia32_pause __atomic_load_n __atomic_store_n __atomic_exchange_n __atomic_compare_exchange_n
		__atomic_fetch_add __sync_synchronize __sync_fetch_and_add __sync_bool_compare_and_swap
		__sync_val_compare_and_swap`
	features := `address_sanitizer memory_sanitizer thread_sanitizer undefined_behavior_sanitizer hwaddress_sanitizer
		c_alignas c_alignof c_atomic c_generic_selections c_static_assert c_thread_local attribute_deprecated_with_message
		blocks nullability modules cxx_rtti cxx_exceptions cxx_attributes cxx_variadic_templates enumerator_attributes
		attribute_unavailable_with_message bounds_safety objc_arc ptrauth_calls statement_attributes_with_gnu_syntax
		gnu_asm_goto_with_outputs pragma_clang_attribute_namespaces safe_stack realtime_sanitizer dataflow_sanitizer coverage_sanitizer
		type_sanitizer cfi shadow_call_stack`
	seen := map[string]bool{}
	add := func(names string, kinds ...string) {
		for _, n := range strings.Fields(names) {
			for _, k := range kinds {
				seen[k+" "+n] = true
			}
		}
	}
	add(attributes, "__has_attribute")
	for _, n := range strings.Fields(attributes) {
		add("__"+n+"__", "__has_attribute")
	}
	add(cAttributes, "__has_c_attribute")
	add(builtins, "__has_builtin")
	add(features, "__has_feature", "__has_extension")
	out := make([]string, 0, len(seen))
	for k := range seen {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
