package flowspace

import (
	"strings"

	"saz/frontend/ctype"
	"saz/ir"
)

// Headers in the order of a report.
var order = []string{"nw_src", "nw_dst", "tp_src", "tp_dst", "nw_proto", "dl_type", "dl_src", "dl_dst", "dl_vlan",
	"icmp_type", "icmp_code", "icmp_id", "gre_key", "dns_id"}

func rank(h string) int {
	for i, x := range order {
		if x == h {
			return i
		}
	}
	return len(order)
}

// opposite is the same field of the other end.
var opposite = map[string]string{"nw_src": "nw_dst", "nw_dst": "nw_src", "tp_src": "tp_dst", "tp_dst": "tp_src", "dl_src": "dl_dst", "dl_dst": "dl_src"}

// A part is a header field in a header: where it starts and how long it is.
type part struct {
	off, size int64
	header    string
}

// A layout says where the fields of a protocol's header are. need are scalars
// (or arrays of bytes) that a record of that shape has; names says that this
// is weak evidence, and field names must agree.
type layout struct {
	need     [][2]int64
	min, max int64
	names    bool
	first    []string // that the field at 0 may have; sourceNames if none
	second   []string // and that at at
	at       int64    // 2 if 0
	parts    []part
}

var layouts = []layout{
	{ // IPv4
		need: [][2]int64{{2, 2}, {8, 1}, {9, 1}, {12, 4}, {16, 4}}, min: 20, max: 64,
		parts: []part{{12, 4, "nw_src"}, {16, 4, "nw_dst"}, {9, 1, "nw_proto"}},
	},
	{ // IPv6
		need: [][2]int64{{4, 2}, {6, 1}, {8, 16}, {24, 16}}, min: 40, max: 40,
		parts: []part{{8, 16, "nw_src"}, {24, 16, "nw_dst"}, {6, 1, "nw_proto"}},
	},
	{ // TCP, SCTP
		need: [][2]int64{{0, 2}, {2, 2}, {4, 4}, {8, 4}}, min: 12, max: 64, names: true,
		parts: []part{{0, 2, "tp_src"}, {2, 2, "tp_dst"}},
	},
	{ // UDP
		need: [][2]int64{{0, 2}, {2, 2}, {4, 2}, {6, 2}}, min: 8, max: 8, names: true,
		parts: []part{{0, 2, "tp_src"}, {2, 2, "tp_dst"}},
	},
	{ // ICMP
		need: [][2]int64{{0, 1}, {1, 1}, {2, 2}}, min: 8, max: 64, names: true, first: []string{"type"}, second: []string{"code"}, at: 1,
		parts: []part{{0, 1, "icmp_type"}, {1, 1, "icmp_code"}, {4, 2, "icmp_id"}},
	},
	{ // GRE, with a key
		need: [][2]int64{{2, 2}, {4, 4}}, min: 8, max: 16, names: true, first: []string{"flag"}, second: []string{"key"}, at: 4,
		parts: []part{{4, 4, "gre_key"}},
	},
	{ // DNS
		need: [][2]int64{{0, 2}, {4, 2}, {6, 2}, {8, 2}, {10, 2}}, min: 12, max: 16, names: true, first: []string{"id"}, second: []string{"qd", "quest", "query"}, at: 4,
		parts: []part{{0, 2, "dns_id"}},
	},
	{ // Ethernet
		need: [][2]int64{{0, 6}, {6, 6}, {12, 2}}, min: 14, max: 32,
		parts: []part{{0, 6, "dl_dst"}, {6, 6, "dl_src"}, {12, 2, "dl_type"}},
	},
	{ // to whom a datagram was sent, as recvmsg says (IP_PKTINFO)
		need: [][2]int64{{0, 4}, {4, 4}, {8, 4}}, min: 12, max: 12, names: true, first: []string{"ipi_ifindex"}, second: []string{"ipi_addr"}, at: 8,
		parts: []part{{4, 4, "nw_dst"}, {8, 4, "nw_dst"}},
	},
	{ // ... and IPV6_PKTINFO
		need: [][2]int64{{0, 16}, {16, 4}}, min: 20, max: 20, names: true, first: []string{"ipi6_addr"}, second: []string{"ipi6_ifindex"}, at: 16,
		parts: []part{{0, 16, "nw_dst"}},
	},
	{ // ARP for IPv4 over Ethernet
		need: [][2]int64{{6, 2}, {8, 6}, {14, 4}, {18, 6}, {24, 4}}, min: 28, max: 32,
		parts: []part{{8, 6, "dl_src"}, {14, 4, "nw_src"}, {24, 4, "nw_dst"}},
	},
}

// frame is an Ethernet frame that holds IPv4 without options, for programs
// that count bytes from its start.
var frame = []part{{0, 6, "dl_dst"}, {6, 6, "dl_src"}, {12, 2, "dl_type"}, {23, 1, "nw_proto"}, {26, 4, "nw_src"},
	{30, 4, "nw_dst"}, {34, 2, "tp_src"}, {36, 2, "tp_dst"}}

// transport is the start of a TCP, UDP or SCTP header.
var transport = []part{{0, 2, "tp_src"}, {2, 2, "tp_dst"}}

// recognise returns the layout of a record, nil if it is no packet header.
func recognise(p *ir.Program, rec *ctype.Record) *layout {
	if rec == nil || !rec.Complete {
		return nil
	}
	for i := range layouts {
		l := &layouts[i]
		if rec.Size < l.min || rec.Size > l.max {
			continue
		}
		ok := true
		for _, n := range l.need {
			ok = ok && has(p, rec, n[0], n[1])
		}
		if ok && l.names {
			first, second, at := sourceNames, destNames, int64(2)
			if l.first != nil {
				first, second, at = l.first, l.second, l.at
			}
			ok = named(p, rec, 0, first) && named(p, rec, at, second)
		}
		if ok {
			return l
		}
	}
	return nil
}

// has reports whether a record has a scalar, a record or an array of bytes of
// exactly size bytes at off.
func has(p *ir.Program, rec *ctype.Record, off, size int64) bool {
	for i := range rec.Fields {
		f := &rec.Fields[i]
		n := ctype.SizeOf(f.Type)
		if f.BitField || off < f.Off || off >= f.Off+n {
			continue
		}
		if f.Off == off && n == size && f.Type.Kind != ctype.Pointer && !f.Type.IsFloat() {
			return true
		}
		if f.Type.IsRecord() && has(p, p.Record(f.Type.Rec), off-f.Off, size) {
			return true
		}
		if !rec.Union {
			return false
		}
	}
	return false
}

// named reports whether some field that starts at off has one of the words in its name.
func named(p *ir.Program, rec *ctype.Record, off int64, words []string) bool {
	for i := range rec.Fields {
		f := &rec.Fields[i]
		if f.BitField || off < f.Off || off >= f.Off+ctype.SizeOf(f.Type) {
			continue
		}
		if f.Off == off && matches(f.Name, words) {
			return true
		}
		if f.Type.IsRecord() && named(p, p.Record(f.Type.Rec), off-f.Off, words) {
			return true
		}
	}
	return false
}

var (
	sourceNames = []string{"src", "source", "sport", "saddr", "sip", "s_ip", "s_port", "client", "local", "from"}
	destNames   = []string{"dst", "dest", "dport", "daddr", "dip", "d_ip", "d_port", "server", "remote", "to_"}
)

func matches(name string, words []string) bool {
	name = strings.ToLower(name)
	for _, w := range words {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}

// layoutOf is recognise, remembered.
func (e *engine) layoutOf(rec *ctype.Record) *layout {
	rec = e.c.Prog.Record(rec)
	l, ok := e.layouts[rec]
	if !ok {
		l = recognise(e.c.Prog, rec)
		e.layouts[rec] = l
	}
	return l
}

// inRecord returns the header field that an access of size bytes at off of a
// record is in.
func (e *engine) inRecord(rec *ctype.Record, off, size int64) (part, bool) {
	rec = e.c.Prog.Record(rec)
	l := e.layoutOf(rec)
	if l == nil {
		return part{}, false
	}
	if x, ok := inParts(l.parts, off, size); ok {
		return x, true
	}
	if l.parts[0].header == "dl_dst" && off >= 14 && off < rec.Size && named(e.c.Prog, rec, off, []string{"vid", "vlan", "tci"}) {
		return part{off, size, "dl_vlan"}, true
	}
	return part{}, false
}

func inParts(parts []part, off, size int64) (part, bool) {
	for _, x := range parts {
		if x.off <= off && off+max(size, 1) <= x.off+x.size {
			return x, true
		}
	}
	return part{}, false
}

// inType descends from a type to the record around off that is a header.
func (e *engine) inType(t *ctype.Type, off, size int64) (part, int64, bool) {
	for t != nil {
		switch t.Kind {
		case ctype.Array:
			n := ctype.SizeOf(t.Elem)
			if n <= 0 {
				return part{}, 0, false
			}
			off %= n
			t = t.Elem
		case ctype.Struct, ctype.Union:
			if t.Rec == nil {
				return part{}, 0, false
			}
			if x, ok := e.inRecord(t.Rec, off, size); ok {
				return x, off, true
			}
			var in *ctype.Field
			r := e.c.Prog.Record(t.Rec)
			for i := range r.Fields {
				f := &r.Fields[i]
				if f.BitField || off < f.Off || off >= f.Off+ctype.SizeOf(f.Type) || !f.Type.IsRecord() {
					continue
				}
				if r.Union { // whichever member is a header
					if x, o, ok := e.inType(f.Type, off-f.Off, size); ok {
						return x, o, true
					}
					continue
				}
				in = f
			}
			if in == nil {
				return part{}, 0, false
			}
			off -= in.Off
			t = in.Type
		default:
			return part{}, 0, false
		}
	}
	return part{}, 0, false
}
