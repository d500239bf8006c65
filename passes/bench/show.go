package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
)

// table prints what was measured, at most 100 columns wide.
func table(w io.Writer, all []*measured) {
	fmt.Fprintln(w, "COST, seconds of processor time; × is in units of gcc -O2 -c")
	fmt.Fprintf(w, "%-14s %7s %5s %8s %7s %9s %6s %8s %6s %7s %8s\n", "program", "lines", "units", "gcc", "read", "pointers", "×", "graph", "×", "MB", "slice")
	for _, m := range all {
		gcc := fmt.Sprintf("%.1f", m.GCC)
		if m.Compiled < m.Units {
			gcc = "~" + gcc
		}
		fmt.Fprintf(w, "%-14s %7d %5d %8s %7.2f %9.2f %6.2f %8.2f %6.2f %7d %8.3f\n", m.Name, m.Lines, m.Units, gcc,
			m.Read, m.Pointer, m.Pointer/m.GCC, m.Ready, m.Ready/m.GCC, m.Peak>>20, m.Slowest)
	}
	fmt.Fprintln(w, "pointers: with the call graph; graph: everything up to the ready dependence graph, reading too;")
	fmt.Fprintf(w, "MB: the most up to there; slice: the slowest of about %d; gcc ~: reckoned from some of the units\n\n", 2*single+3)

	fmt.Fprintln(w, "POINTERS, at dereferences (loads, stores and copies through a pointer); indirect calls and their targets")
	fmt.Fprintf(w, "%-14s %9s %8s %8s %7s %7s %9s %9s %9s %9s\n", "program", "derefs", "objects", "places", "most", "nothing", "indirect", "targets", "most", "none")
	for _, m := range all {
		p := &m.Sets
		fmt.Fprintf(w, "%-14s %9d %8.1f %8.1f %7d %7d %9d %9d %9d %9d\n", m.Name, p.Derefs, p.DerefObjects, p.DerefPlaces, p.Largest, p.Empty,
			p.Indirect, p.Targets, p.Most, m.Unresolved)
	}
	fmt.Fprintln(w, "objects, places: on average; most: at one; nothing: dead code, or null; none: calls without a target")

	fmt.Fprintln(w, "\nSLICES, share of the program's instructions in %")
	fmt.Fprintf(w, "%-14s %12s %14s %14s %8s %14s %14s\n", "program", "instructions", "from packets", "to output", "chop", "from one", "to one")
	for _, m := range all {
		fmt.Fprintf(w, "%-14s %12d %14.1f %14.1f %8.1f %14.1f %14.1f\n", m.Name, m.Instrs, 100*m.Packet, 100*m.Output, 100*m.Chop, 100*m.One[0], 100*m.One[1])
	}
	fmt.Fprintf(w, "from one, to one: average of about %d instructions, evenly spread\n", single)
}

// A series is what is drawn over the lines of a program.
type series struct {
	name, colour string
	of           func(*measured) float64
}

var drawn = []series{
	{"everything up to the dependence graph", "#1f5fa8", func(m *measured) float64 { return m.Ready }},
	{"pointer analysis and call graph", "#c2571a", func(m *measured) float64 { return m.Pointer }},
	{"gcc -O2 -c", "#777777", func(m *measured) float64 { return m.GCC }},
}

// fit returns the line through the logarithms of s over lines: y = exp(c) * lines^slope.
func fit(all []*measured, s series) (slope, c float64) {
	var n, sx, sy, sxx, sxy float64
	for _, m := range all {
		x, y := math.Log(float64(m.Lines)), math.Log(s.of(m))
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	slope = (n*sxy - sx*sy) / (n*sxx - sx*sx)
	return slope, (sy - slope*sx) / n
}

// growth prints how each cost grows with the lines of the programs, which are in the order of
// their lines, and draws it.
func growth(w io.Writer, all []*measured) []byte {
	fmt.Fprintln(w, "\nGROWTH over the programs, by least squares of the logarithms")
	slopes := make([]float64, len(drawn))
	for i, s := range drawn {
		slopes[i], _ = fit(all, s)
		fmt.Fprintf(w, "%-40s lines^%.2f\n", s.name, slopes[i])
	}
	memory, _ := fit(all, series{of: func(m *measured) float64 { return float64(m.Peak) }})
	fmt.Fprintf(w, "%-40s lines^%.2f\n", "memory", memory)

	const width, height, left, right, top, bottom = 860.0, 520.0, 80.0, 30.0, 50.0, 70.0
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range drawn {
		for _, m := range all {
			lo, hi = min(lo, s.of(m)), max(hi, s.of(m))
		}
	}
	x0, x1 := math.Log10(float64(all[0].Lines))-0.08, math.Log10(float64(all[len(all)-1].Lines))+0.08
	y0, y1 := math.Log10(lo)-0.15, math.Log10(hi)+0.15
	x := func(v float64) float64 { return left + (math.Log10(v)-x0)/(x1-x0)*(width-left-right) }
	y := func(v float64) float64 { return height - bottom - (math.Log10(v)-y0)/(y1-y0)*(height-top-bottom) }

	var b bytes.Buffer
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p(`<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %g %g" font-family="sans-serif" font-size="12">`, width, height, width, height)
	p(`<rect width="100%%" height="100%%" fill="white"/>`)
	p(`<text x="%g" y="22" font-size="15">Processor time over the size of the program</text>`, left)
	for _, d := range ticks(x0, x1) {
		p(`<line x1="%.1f" y1="%g" x2="%.1f" y2="%g" stroke="#e4e4e4"/><text x="%.1f" y="%g" text-anchor="middle">%s</text>`, x(d), top, x(d), height-bottom, x(d), height-bottom+18, number(d))
	}
	for _, d := range ticks(y0, y1) {
		p(`<line x1="%g" y1="%.1f" x2="%g" y2="%.1f" stroke="#e4e4e4"/><text x="%g" y="%.1f" text-anchor="end">%s</text>`, left, y(d), width-right, y(d), left-8, y(d)+4, number(d))
	}
	p(`<rect x="%g" y="%g" width="%g" height="%g" fill="none" stroke="#444"/>`, left, top, width-left-right, height-top-bottom)
	p(`<text x="%g" y="%g" text-anchor="middle">lines of the program's own files</text>`, (left+width-right)/2, height-bottom+40)
	p(`<text transform="translate(22,%g) rotate(-90)" text-anchor="middle">seconds of processor time</text>`, (top+height-bottom)/2)
	for i, s := range drawn {
		slope, c := fit(all, s)
		at := func(l int) float64 { return math.Exp(c + slope*math.Log(float64(l))) }
		first, last := all[0].Lines, all[len(all)-1].Lines
		p(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-dasharray="5 4"/>`, x(float64(first)), y(at(first)), x(float64(last)), y(at(last)), s.colour)
		for _, m := range all {
			p(`<circle cx="%.1f" cy="%.1f" r="4" fill="%s"><title>%s: %.2f s, %d lines</title></circle>`, x(float64(m.Lines)), y(s.of(m)), s.colour, m.Name, s.of(m), m.Lines)
		}
		p(`<circle cx="%g" cy="%g" r="4" fill="%s"/><text x="%g" y="%g">%s: lines^%.2f</text>`, left+16, top+18+20*float64(i), s.colour, left+28, top+22+20*float64(i), s.name, slopes[i])
	}
	for _, m := range all { // a name stands beside its program's first point
		at, anchor := x(float64(m.Lines))+8, "start"
		if at > width-right-100 {
			at, anchor = at-16, "end"
		}
		p(`<text x="%.1f" y="%.1f" text-anchor="%s" fill="#444" font-size="11">%s</text>`, at, y(drawn[0].of(m))+4, anchor, m.Name)
	}
	p(`</svg>`)
	return b.Bytes()
}

// ticks are the round numbers, 1, 2 and 5 times a power of ten, between two powers.
func ticks(lo, hi float64) []float64 {
	var out []float64
	for e := math.Floor(lo); e <= hi; e++ {
		for _, d := range []float64{1, 2, 5} {
			if v := d * math.Pow(10, e); math.Log10(v) >= lo && math.Log10(v) <= hi {
				out = append(out, v)
			}
		}
	}
	return out
}

// number prints v short: 0.05, 20, 50,000.
func number(v float64) string {
	if v < 1000 {
		return fmt.Sprintf("%g", math.Round(v*1e6)/1e6)
	}
	return fmt.Sprintf("%d,%03d", int(v)/1000, int(v)%1000)
}
