package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

const filterHelp = `Filters say which flows: "all", or terms joined by commas, all of which must hold:

   nw_src=ADDRESS[/BITS]  nw_dst=ADDRESS[/BITS]  tp_src=PORT  tp_dst=PORT  nw_proto=NUMBER

   Of several filters, one must hold. An instance is named by its name or its socket's path.`

func ctlCommand() *cli.Command {
	from := &cli.StringFlag{Name: "from", Usage: "the `INSTANCE` that has the state"}
	to := &cli.StringFlag{Name: "to", Usage: "the `INSTANCE` that gets it"}
	state := &cli.BoolFlag{Name: "all-state", Usage: "with the filter all: variables too, to be merged"}
	return &cli.Command{
		Name:        "ctl",
		Usage:       "look at running instances and move their state",
		Description: filterHelp,
		Action: func(c *cli.Context) error {
			return ctlUsage("ctl needs one of list, export, import, move, stats; see saz ctl --help")
		},
		Subcommands: []*cli.Command{
			{Name: "list", Usage: "all instances, or one instance's variables and containers", ArgsUsage: "[INSTANCE]", Action: ctlList},
			{Name: "export", Usage: "write a state image; without a filter, of everything", ArgsUsage: "[FILTER...]",
				Description: filterHelp, Action: ctlExport,
				Flags: []cli.Flag{from, state, &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, not to standard output"}}},
			{Name: "import", Usage: "read a state image; one of everything takes the place of what is there", ArgsUsage: "FILE", Action: ctlImport,
				Flags: []cli.Flag{to}},
			{Name: "move", Usage: "move flows from one instance to another, whole or not at all", ArgsUsage: "FILTER...",
				Description: filterHelp, Action: ctlMove, Flags: []cli.Flag{from, to, state}},
			{Name: "stats", Usage: "an instance's counters", ArgsUsage: "INSTANCE", Action: ctlStats,
				Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "as one JSON object"}}},
		},
	}
}

func ctlError(err error) error {
	if err == nil {
		return nil
	}
	return cli.Exit(err.Error(), 1)
}

func ctlUsage(format string, args ...any) error {
	return cli.Exit(fmt.Sprintf(format, args...), 2)
}

func ctlList(c *cli.Context) error {
	if c.NArg() > 1 {
		return ctlUsage("list takes one instance or none")
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 8, 2, ' ', 0)
	if c.NArg() == 1 {
		return ctlError(listOne(c.Args().First(), w))
	}
	dir, err := socketDir()
	if err != nil {
		return ctlError(err)
	}
	sockets, err := socketsIn(dir)
	if err != nil {
		return ctlError(err)
	}
	fmt.Fprintln(w, "NAME\tPROGRAM\tPID\tPHASE\tPACKETS\tFINGERPRINT")
	for _, path := range sockets {
		hello, err := ask(path, "HELLO")
		if err != nil {
			continue // left over from one that died
		}
		f := fields(hello)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", f["name"], f["program"], f["pid"], f["phase"], f["packets"], f["fingerprint"])
	}
	return ctlError(w.Flush())
}

func listOne(name string, w *tabwriter.Writer) error {
	body, err := ask(name, "LIST")
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "KIND\tNAME\tSIZE OR ENTRY\tUPDATED OR ENTRIES")
	for line := range strings.Lines(string(body)) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		_, rest, _ = strings.Cut(rest, " ") // its number
		name, rest, _ := strings.Cut(rest, " ")
		what, last := rest, ""
		if i := strings.LastIndexByte(rest, ' '); i >= 0 {
			what, last = rest[:i], rest[i+1:]
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", kind, name, what, last)
	}
	return w.Flush()
}

// exportRequest is the request for an image; hold is "hold " or nothing.
func exportRequest(c *cli.Context, hold string) (string, error) {
	filters := c.Args().Slice()
	for _, f := range filters {
		if f == "" || f[0] == '-' || strings.ContainsAny(f, " \t\r\n\x00") || f == "state" || f == "hold" || f == "snapshot" {
			return "", ctlUsage("bad filter %q", f)
		}
	}
	request := "EXPORT " + hold
	switch {
	case len(filters) == 0 && c.Bool("all-state"):
		return request + "state all", nil
	case len(filters) == 0:
		return request + "snapshot", nil
	case c.Bool("all-state"):
		if len(filters) != 1 || filters[0] != "all" {
			return "", ctlUsage("--all-state goes with the filter all only")
		}
		request += "state "
	}
	return request + strings.Join(filters, " "), nil
}

func ctlExport(c *cli.Context) error {
	if c.String("from") == "" {
		return ctlUsage("export needs --from INSTANCE")
	}
	request, err := exportRequest(c, "")
	if err != nil {
		return err
	}
	image, err := ask(c.String("from"), request)
	if err != nil {
		return ctlError(err)
	}
	if name := c.String("output"); name != "" && name != "-" {
		return ctlError(writeWhole(name, image))
	}
	_, err = c.App.Writer.Write(image)
	return ctlError(err)
}

// writeWhole leaves no half image behind.
func writeWhole(name string, data []byte) error {
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	if err := os.Rename(tmp, name); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return nil
}

func ctlImport(c *cli.Context) error {
	if c.String("to") == "" || c.NArg() != 1 {
		return ctlUsage("import needs --to INSTANCE and one FILE")
	}
	var image []byte
	var err error
	if name := c.Args().First(); name == "-" {
		image, err = io.ReadAll(c.App.Reader)
	} else {
		image, err = os.ReadFile(name)
	}
	if err != nil {
		return ctlError(err)
	}
	p, err := dial(c.String("to"))
	if err != nil {
		return ctlError(err)
	}
	defer p.Close()
	body, err := p.do(fmt.Sprintf("IMPORT %d", len(image)), image)
	if err != nil {
		return ctlError(err)
	}
	fmt.Fprintln(c.App.Writer, summary("imported", fields(body), len(image), 0))
	return nil
}

func ctlMove(c *cli.Context) error {
	if c.String("from") == "" || c.String("to") == "" || c.NArg() == 0 {
		return ctlUsage("move needs --from INSTANCE, --to INSTANCE and a FILTER (or all)")
	}
	request, err := exportRequest(c, "hold ")
	if err != nil {
		return err
	}
	line, err := move(c.String("from"), c.String("to"), request)
	if err != nil {
		return ctlError(err)
	}
	fmt.Fprintln(c.App.Writer, line)
	return nil
}

// move pauses the one that has the state, stages it at the other, and then lets first the
// other and then the one commit. Whatever fails before, or if this process dies, both
// go on as they were. Only if the first instance dies or is out of time in the
// instant between the two commits is the state at both, and that is said.
func move(from, to, request string) (string, error) {
	if same, err := sameSocket(from, to); err != nil || same {
		if err == nil {
			err = fmt.Errorf("%s and %s are one instance", from, to)
		}
		return "", err
	}
	a, err := dial(from)
	if err != nil {
		return "", err
	}
	defer a.Close()
	b, err := dial(to)
	if err != nil {
		return "", err
	}
	defer b.Close()
	image, err := a.do(request, nil)
	if err != nil {
		return "", err
	}
	if _, err := b.do(fmt.Sprintf("IMPORT hold %d", len(image)), image); err != nil {
		return "", err
	}
	if _, err := a.do("RENEW", nil); err != nil {
		return "", err
	}
	put, err := b.do("COMMIT", nil)
	if err != nil {
		return "", err
	}
	got, err := a.do("COMMIT", nil)
	if err != nil {
		return "", fmt.Errorf("the state is at %s and still at %s: %w", to, from, err)
	}
	held, _ := strconv.Atoi(fields(got)["paused_us"])
	return summary("moved", fields(put), len(image), held), nil
}

func summary(verb string, f map[string]string, size, held int) string {
	line := fmt.Sprintf("%s %s entries, %s variables, %d bytes", verb, f["entries"], f["variables"], size)
	for _, k := range []string{"replaced", "shared"} {
		if n := f[k]; n != "" && n != "0" {
			line += fmt.Sprintf(", %s %s", n, k)
		}
	}
	if held == 0 {
		held, _ = strconv.Atoi(f["paused_us"])
	}
	return line + fmt.Sprintf(", held %.1f ms", float64(held)/1000)
}

func ctlStats(c *cli.Context) error {
	args, asJSON := c.Args().Slice(), c.Bool("json")
	if n := len(args); n == 2 && args[1] == "--json" { // after the name it is not parsed as a flag
		args, asJSON = args[:1], true
	}
	if len(args) != 1 {
		return ctlUsage("stats needs an INSTANCE")
	}
	body, err := ask(args[0], "STATS")
	if err != nil {
		return ctlError(err)
	}
	f := fields(body)
	if asJSON {
		out := map[string]uint64{}
		for k, v := range f {
			if n, err := strconv.ParseUint(v, 10, 64); err == nil {
				out[k] = n
			}
		}
		e := json.NewEncoder(c.App.Writer)
		e.SetIndent("", "  ")
		return ctlError(e.Encode(out))
	}
	names := make([]string, 0, len(f))
	for k := range f {
		names = append(names, k)
	}
	sort.Strings(names)
	w := tabwriter.NewWriter(c.App.Writer, 0, 8, 2, ' ', 0)
	for _, k := range names {
		fmt.Fprintf(w, "%s\t%s\n", k, f[k])
	}
	return ctlError(w.Flush())
}
