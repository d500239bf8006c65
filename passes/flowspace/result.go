package flowspace

import (
	"slices"

	"saz/passes"
	"saz/passes/persist"
)

// A Key binds a field of an entry to a packet header field.
type Key struct {
	Field  string // as in a C expression on the entry: "src", "tuple.sport", "s_ip.__in6_u..." ; "" where an array index is the key
	Off    int64  // byte offset in the entry
	Size   int64
	Header string // nw_src nw_dst tp_src tp_dst nw_proto dl_type dl_src dl_dst dl_vlan icmp_type icmp_code icmp_id gre_key dns_id
	Net    bool   // kept in network byte order
	Boxed  bool   // behind a pointer of the entry: Off counts from where that points
	Prefix bool   // only its first bits are kept: the entry is a network's
}

// A Space is the flowspace of one variable.
type Space struct {
	Headers  []string // sorted in the order nw_src nw_dst tp_src tp_dst nw_proto dl_type ...
	Keys     []Key
	Inner    []Key  // of an array in place: what selects an element of an array inside an entry; Off is that in its first element
	BothWays bool   // looked up in both directions: src and dst may be swapped
	Scope    string // per-flow, multi-flow, all-flows, none
	Why      []passes.Why
}

// Boxed reports whether entries keep a key behind a pointer: what looks at an entry's own bytes doesn't see it.
func (s *Space) Boxed() bool {
	return s != nil && slices.ContainsFunc(s.Keys, func(k Key) bool { return k.Boxed })
}

// Networks reports whether entries are networks' rather than one flow's or one address': then a filter that is
// narrower than an entry can't be answered by looking at it.
func (s *Space) Networks() bool {
	if s == nil {
		return false
	}
	for _, k := range s.Keys {
		if k.Prefix {
			return true
		}
	}
	return false
}

// All are the keys of the variable, for people: an index is left out where an inner key says of which field it is computed.
func (s *Space) All() []Key {
	out := slices.DeleteFunc(slices.Clone(s.Keys), func(k Key) bool {
		return k.Field == "" && slices.ContainsFunc(s.Inner, func(x Key) bool { return x.Header == k.Header })
	})
	return append(out, s.Inner...)
}

// Result of the flowspace pass (paper, Figure 8).
type Result struct {
	Spaces map[persist.VarID]*Space // every updateable variable has one
}
