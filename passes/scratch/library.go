package scratch

import (
	"strings"

	"saz/frontend/ctype"
	"saz/ir/models"
)

// cell returns the bytes of t that an access of size bytes at off is about:
// those of the outermost array around it if there is one, since the pointer analysis
// takes all elements for the first.
func cell(t *ctype.Type, off, size, total int64) (int64, int64) {
	if size < 0 {
		return off, total
	}
	lo := int64(0)
	for t != nil {
		switch t.Kind {
		case ctype.Array:
			n := ctype.SizeOf(t)
			if n < 0 {
				n = total - lo
			}
			return lo, lo + n
		case ctype.Struct:
			if t.Rec == nil || !t.Rec.Complete {
				return off, off + size
			}
			var in *ctype.Field
			for i := range t.Rec.Fields {
				fl := &t.Rec.Fields[i]
				if n := ctype.SizeOf(fl.Type); fl.Off <= off-lo && off-lo < fl.Off+max(n, 1) && !fl.BitField {
					in = fl
				}
			}
			if in == nil || off+size > lo+in.Off+max(ctype.SizeOf(in.Type), 0) {
				return off, off + size
			}
			lo += in.Off
			t = in.Type
		case ctype.Union:
			// Some member may be an array whose elements are one.
			return lo, lo + max(ctype.SizeOf(t), size)
		default:
			return off, off + size
		}
	}
	return off, off + size
}

// nofail reports whether a library function that writes a string always does.
func nofail(name string) bool {
	for _, p := range []string{"str", "stp", "mem", "wcs", "bcopy", "sprintf", "snprintf", "vsprintf", "vsnprintf",
		"__builtin_", "__sprintf", "__snprintf", "__str", "__mem", "__vs"} {
		if strings.HasPrefix(name, p) {
			return name != "strerror_r" && name != "strftime"
		}
	}
	return false
}

// contains reports whether list has k.
func contains(list []int, k int) bool {
	for _, x := range list {
		if x == k {
			return true
		}
	}
	return false
}

// readsArg reports whether a library function reads what argument k points at.
func readsArg(m *models.Model, k int) bool {
	if contains(m.Reads, k) || m.Varargs > 0 && k >= m.Varargs {
		return true
	}
	for _, p := range m.Copies {
		if p[1] == k {
			return true
		}
	}
	return false
}
