package glue

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"text/template"

	"saz/rewrite/track"
	"saz/runtime_c"
)

// files returns saz_glue.c and the runtime's files, by their names in the output directory.
func (t *tables) files() (map[string][]byte, error) {
	text, err := t.emit()
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{"saz_glue.c": text}
	for name, data := range runtime_c.Files() {
		out["saz_rt/"+name] = data
	}
	header := string(out["saz_rt/saz_rt.h"])
	set := func(name string, value int) error {
		was := fmt.Sprintf("#define %s 0 ", name)
		if name == "SAZ_MARKED" {
			was = fmt.Sprintf("#define %s (SAZ_MARK_WORDS * 8) ", name)
		}
		if !strings.Contains(header, was) {
			return fmt.Errorf("glue: saz_rt.h has no %q", was)
		}
		header = strings.Replace(header, was, fmt.Sprintf("#define %s %d ", name, value), 1)
		return nil
	}
	if err := set("SAZ_MARK_WORDS", t.Bytes()/8); err != nil {
		return nil, err
	}
	if err := set("SAZ_ALWAYS", t.Always); err != nil {
		return nil, err
	}
	if err := set("SAZ_MARKED", track.Cleared(t.Always, t.Nvars)); err != nil {
		return nil, err
	}
	if len(t.Groups) > 0 {
		if err := set("SAZ_GROUPS", len(t.Groups)); err != nil {
			return nil, err
		}
	}
	if t.opt.Marks.Threads.Several {
		if err := set("SAZ_THREADS", 1); err != nil {
			return nil, err
		}
	}
	if t.Verify {
		if err := set("SAZ_VERIFY", 1); err != nil {
			return nil, err
		}
	}
	out["saz_rt/saz_rt.h"] = []byte(header)
	return out, nil
}

// emit writes the tables. The fingerprint covers all of them and nothing else, so that two builds
// of one program understand each other's images whenever their state is laid out alike.
func (t *tables) emit() ([]byte, error) {
	var body bytes.Buffer
	if err := glueText.Execute(&body, t); err != nil {
		return nil, fmt.Errorf("glue: %w", err)
	}
	sum := sha256.Sum256(body.Bytes())
	var out bytes.Buffer
	fmt.Fprintf(&out, "/* Written by saz %s. The tables' meaning: saz_rt/saz_tables.h. */\n", strings.ReplaceAll(t.opt.Version, "*/", ""))
	if err := marksText.Execute(&out, t); err != nil {
		return nil, fmt.Errorf("glue: %w", err)
	}
	fmt.Fprintf(&out, "#define SAZ_FINGERPRINT 0x%016xu\n", binary.LittleEndian.Uint64(sum[:8]))
	out.Write(body.Bytes())
	return out.Bytes(), nil
}

// cString is a C string literal; trigraphs can't arise, as ? is escaped.
func cString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '?':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Bytes is the size of saz_updated, in whole words for the runtime's sake; the last is the groups'.
func (t *tables) Bytes() int {
	n := track.GroupByte(t.Always, t.Nvars)
	if len(t.Groups) > 0 {
		n += 8
	}
	return n
}

// Initial is the initialiser of the marks.
func (t *tables) Initial() string {
	if t.Always == 0 {
		return ""
	}
	return fmt.Sprintf(" = { [0 ... %d] = 1 }", t.Always-1)
}

// Mask is a group's members as bytes of saz_updated.
func (t *tables) Mask(members []int) string {
	mask := bytes.Repeat([]byte("0,"), track.GroupByte(t.Always, t.Nvars))
	for _, v := range members {
		mask[2*v] = '1'
	}
	return string(mask[:len(mask)-1])
}

// How a program is marked is no part of what its images are known by.
var marksText = template.Must(template.New("marks").Parse(`#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Wpedantic"
#endif
#include "saz_tables.h"

#if SAZ_THREADS
__thread unsigned char saz_own_marks[{{.Bytes}}] __attribute__((__aligned__(8))){{.Initial}};
#undef saz_updated
#endif
unsigned char saz_updated[{{.Bytes}}] __attribute__((__aligned__(8))){{.Initial}};	/* whole words: saz_packet.c */
const unsigned saz_nvars = {{.Nvars}};
{{- if .Groups}}

/* Variables that one mark stands for. */
{{- range $i, $g := .Groups}}
static const unsigned char saz_group_{{$i}}[] __attribute__((__aligned__(8))) = { {{$.Mask $g}} };
{{- end}}
const unsigned char *const saz_groups[] = { {{range $i, $g := .Groups}}{{if $i}}, {{end}}saz_group_{{$i}}{{end}} };
{{- end}}
`))

var glueText = template.Must(template.New("saz_glue.c").Funcs(template.FuncMap{
	"c": cString,
	"or1": func(n int) int { // C has no empty arrays
		return max(n, 1)
	},
}).Parse(`{{range $i, $s := .Symbols}}{{if $s.Link}}
extern char saz_sym_{{$i}}[] __asm__({{c $s.Link}}) __attribute__((__weak__));{{end}}{{end}}
{{range $i, $f := .Functions}}{{if $f.Link}}
extern void saz_fn_{{$i}}(void) __asm__({{c $f.Link}}) __attribute__((__weak__));{{end}}{{end}}

/* saz_vars_view, but the runtime fills in the addresses of static variables. */
extern struct saz_var_view saz_view[{{or1 .Nvars}}] __asm__("saz_vars_view");
struct saz_var_view saz_view[{{or1 .Nvars}}] = {
{{- range $i, $s := .Symbols}}{{if lt $i $.Nvars}}
	{ {{c $s.Name}}, 0, {{$s.Size}} },{{end}}{{end}}
{{- if eq .Nvars 0}}
	{ "", 0, 0 }
{{- end}}
};
{{range $i, $t := .Types}}{{if $t.Slots}}
static const struct saz_slot saz_slots_{{$i}}[] = {	/* {{$t.Name}} */
{{- range $t.Slots}}
	{ {{.Off}}, {{.Count}}, {{.Stride}}, {{.Type}}, {{.Kind}} },{{end}}
};
{{end}}{{end}}
static const struct saz_type saz_types[] = {
{{- range $i, $t := .Types}}
	/* {{$i}} */ { {{c $t.Name}}, {{$t.Size}}, {{if $t.Slots}}saz_slots_{{$i}}{{else}}0{{end}}, {{len $t.Slots}}, {{if $t.Tail}}SAZ_T_TAIL{{else}}0{{end}}, {{$t.Align}} },{{end}}
};

static struct saz_symbol saz_symbols[] = {
{{- range $i, $s := .Symbols}}
	/* {{$i}} */ { {{c $s.Name}}, {{if $s.Link}}saz_sym_{{$i}}{{else}}0{{end}}, {{$s.Size}}, {{$s.Type}} },{{end}}
{{- if not .Symbols}}
	{ "", 0, 0, 0 }
{{- end}}
};

static struct saz_function saz_functions[] = {
{{- range $i, $f := .Functions}}
	{ {{c $f.Name}}, {{if $f.Link}}saz_fn_{{$i}}{{else}}0{{end}} },{{end}}
{{- if not .Functions}}
	{ "", 0 }
{{- end}}
};

static const struct saz_site saz_sites[] = {
{{- range $i, $s := .Sites}}
	/* {{$i}} */ { {{$s.Type}}, {{c $s.Where}} },{{end}}
};

static const struct saz_range saz_ranges[] = {
{{- range .Ranges}}
	{ {{.Symbol}}, {{.Off}}, {{.Len}}, {{.Op}}, {{.Num}}, {{.Width}} },{{end}}
{{- if not .Ranges}}
	{ 0, 0, 0, SAZ_MANUAL, SAZ_RAW, 0 }
{{- end}}
};
{{range $i, $b := .Containers}}{{if $b.Keys}}
static const struct saz_key saz_keys_{{$i}}[] = {	/* {{$b.Name}} */
{{- range $b.Keys}}
	{ {{.Off}}, {{.Size}}, {{.Header}}, {{.Net}} },{{end}}
};
{{end}}{{end}}
static const struct saz_container saz_containers[] = {
{{- range $i, $b := .Containers}}
	{ {{c $b.Name}}, {{$b.Symbol}}, {{$b.Head}}, {{$b.Buckets}}, {{$b.Stride}}, {{$b.Indirect}}, {{$b.Prev}}, {{$b.BothWays}}, {{$b.Tail}}, {{$b.Entry}}, {{$b.NextOff}}, {{$b.PrevOff}}, {{$b.TailSymbol}}, {{if $b.Keys}}saz_keys_{{$i}}{{else}}0{{end}}, {{len $b.Keys}} },{{end}}
{{- if not .Containers}}
	{ "", 0, 0, 0, 8, 0, SAZ_NO_PREV, 0, 0, 0, 0, 0, 0, 0, 0 }
{{- end}}
};

const struct saz_program saz_program = {
	{{c .Name}}, SAZ_FINGERPRINT, saz_types, {{len .Types}}, saz_symbols, {{len .Symbols}}, saz_functions, {{len .Functions}},
	saz_sites, {{len .Sites}}, saz_ranges, {{len .Ranges}}, saz_containers, {{len .Containers}},
	saz_updated, saz_view, {{.Nvars}}, {{.KeepBlocks}}
};
{{- if .Verify}}

static const struct saz_watch saz_watches[] = {
{{- range .Watches}}
	{ {{.Symbol}}, {{.Claim}} },{{end}}
{{- if not .Watches}}
	{ 0, SAZ_BORROWED }
{{- end}}
};

static const struct saz_field saz_fields[] = {
{{- range .Fields}}
	{ {{c .Name}}, {{.Type}}, {{.Sub}}, {{.Off}}, {{.Size}} },{{end}}
{{- if not .Fields}}
	{ "", 0, 0, 0, 0 }
{{- end}}
};

const struct saz_verify_tables saz_verify_tables = {
	saz_watches, {{len .Watches}}, {{.Hidden}}, saz_fields, {{len .Fields}}, {{.WholeRun}}
};
{{- end}}
`))
