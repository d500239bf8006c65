package html

import (
	"fmt"
	"html"
	"strings"

	"saz/passes/report"
)

// headers in the order in which a packet has them; those that no key uses are drawn
// faint, so that one sees at a glance by how much of the header a container is keyed.
var headers = []string{"dl_type", "nw_src", "nw_dst", "nw_proto", "tp_src", "tp_dst"}

// Measures of the drawing, in pixels; char is the width of a character of the 12 pixel
// monospaced font.
const (
	char    = 7.25
	cellH   = 24
	pad     = 10
	gap     = 34
	minWide = 96
)

// Draw draws a container: the header fields that select an entry, the
// buckets, an entry with the fields that hold the key, its links. It returns "" if there is nothing to draw.
func Draw(v *report.Variable) string {
	c := v.Container
	if c == nil || c.Shape == "unknown" && len(c.Keys) == 0 {
		return ""
	}
	var b strings.Builder
	link := v.Link
	if link == nil {
		link = &report.Link{}
	}
	wide := func(s string) float64 { return float64(len([]rune(s)))*char + 2*pad }
	text := func(x, y float64, class, s string) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" class="%s">%s</text>`, x, y, class, html.EscapeString(s))
	}
	box := func(x, y, w, h float64, class string) {
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3" class="%s"/>`, x, y, w, h, class)
	}
	// Row 1: the packet's header.
	used := map[string]bool{}
	for _, h := range v.Flowspace {
		used[h] = true
	}
	names := append([]string(nil), headers...)
	for _, h := range v.Flowspace {
		if !has(names, h) {
			names = append(names, h)
		}
	}
	at := map[string]float64{} // middle of a header field
	x, y := 1.0, 1.0
	width := 0.0
	if len(v.Flowspace) > 0 {
		text(x, y+12, "dim", "packet header")
		y += 20
		for _, h := range names {
			w := wide(h)
			class := "off"
			if used[h] {
				class = "key"
			}
			box(x, y, w, cellH, class)
			text(x+pad, y+16, class+"t", h)
			at[h] = x + w/2
			x += w + 4
		}
		width = x
		y += cellH + 46
	} else {
		y += 4
	}
	top := y
	// The variable: buckets, or a head.
	head := v.Name
	n := link.Buckets
	label := ""
	switch {
	case c.Shape == "hash-list" && n > 1:
		label = number(n) + " buckets"
	case c.Shape == "hash-list":
		label = "buckets"
	case c.Shape == "list":
		label = "head"
	case c.Shape == "tree":
		label = "root"
	case c.Shape == "array":
		label = "elements"
	default:
		label = c.Shape
	}
	hw := max(minWide, wide(head), wide(label))
	rows := 2
	if c.Shape == "hash-list" || c.Shape == "array" {
		rows = 4
	}
	box(1, top, hw, float64(rows)*cellH, "box")
	text(1+pad, top+16, "strong", Short(head, 40))
	text(1+pad, top+cellH+16, "dim", label)
	for i := 1; i < rows; i++ {
		fmt.Fprintf(&b, `<line x1="1" y1="%.1f" x2="%.1f" y2="%.1f" class="rule"/>`, top+float64(i)*cellH, 1+hw, top+float64(i)*cellH)
	}
	if rows > 2 {
		text(1+pad, top+float64(rows-1)*cellH+16, "dim", "⋮")
	}
	// Two entries.
	type line struct{ text, note, header string }
	var lines []line
	seen := map[string]bool{}
	for _, k := range c.Keys {
		if seen[k.Field] || k.Field == "" {
			continue
		}
		seen[k.Field] = true
		lines = append(lines, line{k.Field, k.Header, k.Header})
	}
	tree := c.Shape == "tree"
	next, prev := "next", "previous"
	if tree {
		next, prev = "child", "child"
	}
	for _, l := range []struct{ f, note string }{{link.Next, next}, {link.Prev, prev}} {
		if l.f != "" && !seen[l.f] {
			seen[l.f] = true
			lines = append(lines, line{l.f, l.note, ""})
		}
	}
	for _, f := range link.Nested {
		lines = append(lines, line{f, "goes along", ""})
	}
	entry := c.EntryType
	if entry == "" {
		entry = "entry"
	}
	fieldW, noteW := 0.0, 0.0
	for _, l := range lines {
		fieldW, noteW = max(fieldW, wide(Short(l.text, 26))), max(noteW, wide(l.note))
	}
	ew := max(minWide, wide(entry), fieldW+noteW)
	ex := 1 + hw + gap
	eh := float64(len(lines)+1) * cellH
	box(ex, top, ew, eh, "box")
	text(ex+pad, top+16, "strong", entry)
	arrow := func(x1, y1, x2, y2 float64, class string) {
		fmt.Fprintf(&b, `<path d="M%.1f %.1f L%.1f %.1f" class="%s"/>`, x1, y1, x2, y2, class)
		d := 5.0
		if x2 < x1 {
			d = -5
		}
		fmt.Fprintf(&b, `<path d="M%.1f %.1f l%.1f -3.5 v7 z" class="tip"/>`, x2, y2, -d)
	}
	keyY := map[string]float64{}
	for i, l := range lines {
		if _, ok := keyY[l.header]; !ok && l.header != "" {
			keyY[l.header] = top + float64(i+1)*cellH + cellH/2
		}
	}
	// Header fields that no field of an entry holds select its place: they lead to the variable.
	into := 0
	for _, h := range names {
		if _, held := keyY[h]; held || !used[h] {
			continue
		}
		x := 1 + hw/2 + 5*float64(into)
		if x > 1+hw-8 {
			x = 1 + hw - 8
		}
		my := top - 26 + 4*float64(into%4)
		fmt.Fprintf(&b, `<path d="M%.1f %.1f V%.1f H%.1f V%.1f" class="bind place"/>`, at[h], top-46, my, x, top)
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="2.5" class="dot"/>`, x, top)
		into++
	}
	// From the header to the fields that hold it, down a lane at the left of the entry. Those from the right
	// come in above each other, those from the left likewise, so that no two lanes cross.
	lane, left := 0, 0
	for _, h := range names {
		if at[h] < ex && keyY[h] > 0 {
			left++
		}
	}
	for i := len(names) - 1; i >= 0; i-- {
		h := names[i]
		ty, ok := keyY[h]
		if !ok {
			continue
		}
		my := top - 12 - 4*float64(lane)
		if at[h] < ex {
			left--
			my = top - 12 - 4*float64(left)
		}
		fmt.Fprintf(&b, `<path d="M%.1f %.1f V%.1f H%.1f V%.1f H%.1f" class="bind"/>`, at[h], top-46, my, ex-7-3*float64(lane), ty, ex)
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="2.5" class="dot"/>`, ex, ty)
		lane++
	}
	arrow(1+hw, top+12, ex-1, top+12, "halo")
	arrow(1+hw, top+12, ex-1, top+12, "link")
	for i, l := range lines {
		ly := top + float64(i+1)*cellH
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="rule"/>`, ex, ly, ex+ew, ly)
		class := "plain"
		if l.header != "" {
			class = "keyt"
		}
		text(ex+pad, ly+16, class, Short(l.text, 26))
		note := l.note
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" class="dim" text-anchor="end">%s</text>`, ex+ew-pad, ly+16, html.EscapeString(note))
	}
	right := ex + ew
	bottom := top + max(eh, float64(rows)*cellH)
	// The next entry, or the children, in outline.
	if link.Next != "" && tree {
		nx, nw := right+gap, 62.0
		for k := 0; k < 2; k++ {
			gy := top + float64(k)*2.5*cellH
			fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3" class="ghost"/>`, nx, gy, nw, 2.0*cellH)
			text(nx+pad, gy+16, "dim", "…")
			ny := top + cellH/2
			for i, l := range lines {
				if l.text == link.Next && k == 0 || l.text == link.Prev && k == 1 {
					ny = top + float64(i+1)*cellH + cellH/2
				}
			}
			mid := right + gap/2 - 4 + 8*float64(k)
			fmt.Fprintf(&b, `<path d="M%.1f %.1f H%.1f V%.1f H%.1f" class="link"/><path d="M%.1f %.1f l-5 -3.5 v7 z" class="tip"/>`, right, ny, mid, gy+cellH, nx-1, nx-1, gy+cellH)
		}
		right = nx + nw
		bottom = max(bottom, top+4.5*cellH)
	} else if link.Next != "" {
		nx := right + gap
		nw := 62.0
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3" class="ghost"/>`, nx, top, nw, eh)
		text(nx+pad, top+16, "dim", "…")
		ny := top + cellH/2
		for i, l := range lines {
			if l.text == link.Next {
				ny = top + float64(i+1)*cellH + 12
			}
		}
		arrow(right, ny, nx-1, ny, "link")
		if link.Prev != "" {
			for i, l := range lines {
				if l.text == link.Prev {
					py := top + float64(i+1)*cellH + 12
					arrow(nx, py, right+1, py, "link")
				}
			}
		}
		right = nx + nw
	}
	width = max(width, right) + 2
	height := bottom + 4
	say := "Drawing: " + v.Name + " is a " + c.Shape + " of " + entry
	if len(v.Flowspace) > 0 {
		say += ", selected by " + strings.Join(v.Flowspace, ", ")
	}
	return fmt.Sprintf(`<svg viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="%s">`, width, height, width, height, html.EscapeString(say)) + b.String() + `</svg>`
}

// Short cuts s to n characters.
func Short(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
