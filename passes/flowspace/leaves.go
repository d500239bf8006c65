package flowspace

import (
	"slices"
	"sort"
)

// What the leaves of traces say together.

func headersOf(leaves map[leaf]bool) []string {
	set := map[string]bool{}
	for l := range leaves {
		if l.kind == fromHeader {
			set[l.header] = true
		}
	}
	return sorted(set)
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for h := range set {
		out = append(out, h)
	}
	sort.Slice(out, func(i, j int) bool { return rank(out[i]) < rank(out[j]) })
	return out
}

// family reports whether c is an address family.
func family(c int64) bool { return c == 2 || c == 10 }

// pure returns the header fields of which some leaf is a whole copy (of at most size bytes).
func pure(leaves map[leaf]bool, size int64) (headers map[string]bool, mixed bool) {
	headers = map[string]bool{}
	for l := range leaves {
		if l.kind != fromHeader {
			continue
		}
		if !l.pure || l.either || l.partial && size < width(l.header) {
			mixed = true
			continue
		}
		headers[l.header] = true
	}
	ports(headers)
	return headers, mixed
}

// ports forgets an echo's identifier, or what kind of message it is, where a field holds ports as well: it stands for them.
func ports(headers map[string]bool) {
	if headers["tp_src"] || headers["tp_dst"] {
		delete(headers, "icmp_id")
		delete(headers, "icmp_type")
		delete(headers, "icmp_code")
	}
}

func width(h string) int64 {
	switch h {
	case "nw_src", "nw_dst":
		return 4
	case "dl_src", "dl_dst":
		return 6
	case "nw_proto":
		return 1
	}
	return 2
}

// families reports whether leaves are address families and nothing else.
func families(leaves map[leaf]bool) bool {
	some := false
	for l := range leaves {
		switch {
		case l.kind == fromEntry:
		case l.kind == fromConst && family(l.value):
			some = true
		case l.kind == fromConst && l.value == 0:
		default:
			return false
		}
	}
	return some
}

// protocols reports whether leaves are numbers of transport protocols and
// nothing else: set where the program knows which one it is.
func protocols(leaves map[leaf]bool) bool {
	n := 0
	for l := range leaves {
		switch {
		case l.kind == fromEntry || l.kind == fromHeader && l.header == "nw_proto" || l.kind == fromConst && l.value == 0:
		case l.kind == fromConst && slices.Contains([]int64{1, 2, 4, 6, 17, 41, 47, 50, 51, 58, 94, 132}, l.value):
			n++
		default:
			return false
		}
	}
	return n > 1
}

// within reports whether the constants of a are among those of b.
func within(a, b map[leaf]bool) bool {
	for l := range a {
		if l.kind != fromConst || l.value == 0 {
			continue
		}
		x, y := l, l
		x.pure, y.pure = true, false
		if !b[x] && !b[y] {
			return false
		}
	}
	return true
}

// otherwise reports whether something is stored that is neither a header field
// nor a constant.
func otherwise(leaves map[leaf]bool) bool {
	for l := range leaves {
		if l.kind == fromOther {
			return true
		}
	}
	return false
}

func pair(hs map[string]bool) bool {
	for h := range hs {
		if !hs[opposite[h]] {
			return false
		}
	}
	return true
}
