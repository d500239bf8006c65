package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"

	"saz/passes/config"
	"saz/passes/report"
	"saz/passes/report/text"
)

func initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a commented saz.yaml with what was found in a program",
		ArgsUsage: targetHelp,
		Flags: commonFlags(
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: config.Name, Usage: "write to `FILE`"},
			&cli.BoolFlag{Name: "force", Usage: "overwrite FILE"},
		),
		Action: func(c *cli.Context) error {
			file := c.String("output")
			st, err := os.Stat(file)
			regular := err != nil || st.Mode().IsRegular()
			if _, err := os.Lstat(file); err == nil && !c.Bool("force") && regular {
				return usage("%s exists; --force overwrites it, -o names another file", file)
			}
			a, err := load(c)
			if err != nil {
				return err
			}
			r, err := reportOf(c, a)
			if err != nil {
				return err
			}
			code := complain(c, a)
			if err := emit(c, func(w io.Writer) error { writeSettings(w, r); return nil }); err != nil {
				return usage("%v", err)
			}
			if !c.Bool("quiet") && regular {
				fmt.Printf("%s written; every setting in it is a comment until you take the # away\n", file)
			}
			return exit(code)
		},
	}
}

// writeSettings writes what is known of the program as comments (# text), and settings to start from
// as comments that begin with # and no space.
func writeSettings(w io.Writer, r *report.Report) {
	say := func(format string, args ...any) {
		s := strings.TrimRight(fmt.Sprintf(format, args...), "\n")
		for _, l := range strings.Split(text.Wrap(s, 96), "\n") {
			fmt.Fprintln(w, strings.TrimRight("# "+l, " "))
		}
	}
	item := func(format string, args ...any) { fmt.Fprintf(w, "#   "+format+"\n", args...) }
	set := func(format string, args ...any) {
		for _, l := range strings.Split(fmt.Sprintf(format, args...), "\n") {
			fmt.Fprintln(w, "#"+l)
		}
	}
	at := func(file string, line int) string { return fmt.Sprintf("%s:%d", path.Base(file), line) }

	say("Settings of saz for %s. Written by saz init. Whatever is said here goes before what saz finds; every setting is optional. saz config prints what is in force.", r.Program)
	fmt.Fprintln(w)

	say("---- Where packets come in")
	if len(r.ReceiveSites) == 0 {
		say("No known receive function is called, so nothing counts as packet processing: name one here.")
	} else {
		say("Found:")
		for _, s := range short(len(r.ReceiveSites)) {
			if s < 0 {
				item("and %d more", len(r.ReceiveSites)-20)
				break
			}
			x := r.ReceiveSites[s]
			item("%s in %s, %s", x.Function, x.Procedure, at(x.File, x.Line))
		}
	}
	say("A function that hands over a packet, of a library or of the program itself. Arguments count from 0: buffers point at where the packet is put, out at a pointer to it, vectors at iovecs; or the result points at it.")
	set("receive:\n  - {function: ring_next, result: true}\n  - {function: ring_read, buffers: [1]}")
	fmt.Fprintln(w)

	say("Where a receive function is also called to set something up, the procedures whose loop is the packets' can be named: then only what runs in these loops processes packets.")
	set("packet_loops: [event_loop]")
	fmt.Fprintln(w)

	say("---- What goes out")
	kinds := map[string]map[string]int{"packet": {}, "log": {}}
	for _, s := range r.OutputSites {
		kinds[s.Kind][s.Function]++
	}
	for _, k := range []string{"packet", "log"} {
		var names []string
		for f, n := range kinds[k] {
			names = append(names, fmt.Sprintf("%s (%s)", f, count(n, "call")))
		}
		sort.Strings(names)
		if names == nil {
			names = []string{"none"}
		}
		say("Found, %s: %s.", map[string]string{"packet": "packets", "log": "logs"}[k], strings.Join(names, ", "))
	}
	say("data says which arguments are emitted; all, if it is left out.")
	set("output:\n  packet: [ring_send]\n  log:\n    - {function: audit, data: [0, 1]}")
	fmt.Fprintln(w)

	say("---- Allocation")
	say("Functions of libraries that allocate (size: the arguments whose product is the size) or release. A wrapper that the program itself defines needs none: saz follows it to malloc.")
	set("allocation:\n  - {function: pool_get, size: [0], zero: true}\n  - {function: pool_put, frees: [0]}")
	fmt.Fprintln(w)

	say("---- Library functions")
	if len(r.Unmodelled) == 0 {
		say("All that are called have a model.")
	} else {
		say("%s without a model. saz takes each to write all that its arguments reach; a model makes verdicts sharper. In a model what is not said does not happen: {name: f} is a function without effect. The lines below are drafts to be corrected from the functions' manuals; the whole format is in ir/models/README.md.", count(len(r.Unmodelled), "function"))
	}
	set("models:")
	if len(r.Unmodelled) == 0 {
		set("  - {name: mystery, reads: [0]}")
	}
	for _, u := range r.Unmodelled {
		set("  - {name: %s, reads: [0, 1], writes: [0]}  # %s, the first at %s", u.Function, count(u.Calls, "call"), at(u.File, u.Line))
	}
	say("Models may also stand in files of their own:")
	set("model_files: [library.yaml]")
	fmt.Fprintln(w)

	say("---- Types that belong to libraries")
	if len(r.Decisions) > 0 {
		say("Left to you before state can be moved:")
		for _, d := range r.Decisions {
			item("%s: %s", at(d.File, d.Line), d.Message)
		}
	}
	say("A pointer to an object of such a type stays the receiver's own when state is moved, and what is behind it is not followed.")
	set("opaque: [struct ssl_st, regex_t]")
	fmt.Fprintln(w)

	say("---- Containers")
	var unclear []string
	found := 0
	for i := range r.Variables {
		v := &r.Variables[i]
		if v.Container == nil {
			continue
		}
		if v.Container.Shape == "unknown" {
			unclear = append(unclear, v.Name)
		}
		if found++; found == 1 {
			say("Found:")
		}
		s := v.Container.Shape
		if v.Container.EntryType != "" {
			s += " of " + v.Container.EntryType
		}
		if len(v.Flowspace) > 0 {
			s += " by " + strings.Join(v.Flowspace, " ")
		}
		for _, x := range [][2]string{{"insert", v.Container.Insert}, {"remove", v.Link.Remove}, {"lookup", v.Link.Lookup}} {
			if x[1] != "" {
				s += ", " + x[0] + " " + x[1]
			}
		}
		item("%s (%s): %s", v.Name, at(v.File, v.Line), s)
	}
	if found == 0 {
		say("None were found.")
	}
	say("The program's own procedures that put an entry in, take one out, find one; what links the entries; where they keep header fields; shape: none for what is no container.")
	set("containers:")
	if unclear == nil {
		unclear = []string{"sessions"}
	}
	for _, n := range unclear {
		set("  - {variable: %s, insert: %s_add, remove: %s_del, lookup: %s_find}", n, n, n, n)
	}
	set("  - {variable: sessions, next: link.next, keys: [{field: src, header: nw_src}, {field: port, header: tp_src, host: true}], both_ways: true}")
	fmt.Fprintln(w)

	say("---- Merging")
	say("How a field of two instances becomes one: %s. Containers' entries are replaced whole.", strings.Join(config.Ops, ", "))
	var rules []string
	for i := range r.Variables {
		v := &r.Variables[i]
		by := map[string]int{}
		for _, m := range v.Merge {
			by[m.Op]++
		}
		var s []string
		for _, op := range config.Ops {
			if by[op] > 0 && (op != "replace" || len(by) > 1) {
				s = append(s, fmt.Sprintf("%s %d", op, by[op]))
			}
		}
		if s != nil && !v.Scratch {
			rules = append(rules, fmt.Sprintf("%s (%s): fields: %s", v.FullName(), at(v.File, v.Line), strings.Join(s, ", ")))
		}
	}
	if rules != nil {
		say("Found:")
		for i, s := range rules {
			if i == 30 {
				item("and %d more", len(rules)-30)
				break
			}
			item("%s", s)
		}
	}
	set("merge:\n  - {variable: stats, field: len.longest, op: max}\n  - {variable: started, op: min}")
	fmt.Fprintln(w)

	say("---- Variables that need not be moved")
	say("By NAME, PROCEDURE.NAME or FILE:NAME. Their verdicts stay; they are not tracked. Per-packet scratch is left out by itself.")
	set("skip: [debug_level, \"util.c:buffer\"]")
	fmt.Fprintln(w)

	say("---- saz itself")
	say("What saz analyze shows and in which order, what makes it fail, how many units at a time.")
	set("only: [updateable]\nsort: file\nfail_on: [changes]\njobs: 2\nmarks: exact")
}

// short are the indexes of a list of n to show, the last -1 if there are more.
func short(n int) []int {
	var out []int
	for i := 0; i < n && i < 20; i++ {
		out = append(out, i)
	}
	if n > 20 {
		out = append(out, -1)
	}
	return out
}
