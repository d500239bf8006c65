// Package models knows what library functions do to a program's memory and to
// packets. The knowledge is data: one YAML file a library, embedded, and files
// of the user's own in the same format (see README.md beside the files).
//
// A model states effects that the analyses need and nothing else. What a model
// does not say does not happen; a function without any model is unknown code
// and gets the default that package pointer states.
package models

import "slices"

// A Set is the library models in force.
type Set struct {
	ByName map[string]*Model
}

// A Model says what a library function does to the program's memory and
// packets. Argument indexes count from 0. What is not said does not happen:
// a function with a model that says nothing is pure.
//
// To "point into" is transitive where the analysis cannot know better: fields
// that speak of what an argument points at mean the object, from the place
// pointed at to its end.
type Model struct {
	Name     string     `yaml:"name"`
	Alloc    *Alloc     `yaml:"alloc,omitempty"`     // returns (or stores through an argument) fresh memory
	Frees    []int      `yaml:"frees,omitempty"`     // releases what these arguments point at
	Returns  []int      `yaml:"returns,omitempty"`   // the result may point into what these arguments point into
	Same     []int      `yaml:"same,omitempty"`      // the result is this argument's value (strcpy)
	Elem     []int      `yaml:"elem,omitempty"`      // the result points at an element of the array that this argument points at (bsearch)
	Static   bool       `yaml:"static,omitempty"`    // the result points at storage inside the library
	Writes   []int      `yaml:"writes,omitempty"`    // writes plain data to what these arguments point at (reaching no further)
	Fills    []int      `yaml:"fills,omitempty"`     // like Writes and certainly the whole object (gettimeofday, pcap_next's header)
	Reads    []int      `yaml:"reads,omitempty"`     // reads what these arguments point at
	Gathers  []int      `yaml:"gathers,omitempty"`   // reads what pointers stored in these arguments' pointees point at (writev, sendmsg)
	Scatters []int      `yaml:"scatters,omitempty"`  // writes plain data to what pointers stored in these arguments' pointees point at (readv, recvmsg)
	Depth    int        `yaml:"depth,omitempty"`     // how many pointers deep Gathers, Scatters and Receive.Vectors go (sendmsg: header, vectors, bytes); 0: one
	Copies   [][2]int   `yaml:"copies,omitempty"`    // [dst, src]: copies *src to *dst, pointers included (memcpy, qsort's own swaps: [0,0])
	Moves    [][2]int   `yaml:"moves,omitempty"`     // [dst, src]: stores through argument dst a pointer into what src points into (strtol's end, getline's)
	Puts     [][2]int   `yaml:"puts,omitempty"`      // [dst, src]: stores a pointer into what src points into anywhere in what dst points at
	Strlen   bool       `yaml:"strlen,omitempty"`    // what Writes and Copies touch ends with a string's NUL: strcpy and its like
	Len      *int       `yaml:"len,omitempty"`       // the argument that bounds the bytes that Writes, Fills, Copies and Reads touch
	Keeps    []int      `yaml:"keeps,omitempty"`     // stores the argument where later calls of the library find it
	KeepsIn  []int      `yaml:"keeps_in,omitempty"`  // stores what is in these arguments' pointees likewise (epoll_ctl's event)
	Slot     string     `yaml:"slot,omitempty"`      // which later calls: those of models with the same Slot and Gives; "": it never comes back
	Gives    bool       `yaml:"gives,omitempty"`     // the result may be anything that was kept in Slot
	GivesIn  []int      `yaml:"gives_in,omitempty"`  // anything kept in Slot may be stored into these arguments' pointees (epoll_wait's events)
	Points   []int      `yaml:"points,omitempty"`    // stores pointers to storage inside the library through these arguments
	PointsIn []int      `yaml:"points_in,omitempty"` // stores such pointers anywhere in what these arguments point at (x509_crt_parse)
	Varargs  int        `yaml:"varargs,omitempty"`   // first variable argument; what they point at is read
	Escapes  bool       `yaml:"escapes,omitempty"`   // varargs pointees are written too (scanf): arguments from Varargs on
	Calls    []Callback `yaml:"calls,omitempty"`     // calls functions passed to it
	Runs     []string   `yaml:"runs,omitempty"`      // calls, again and again, what other calls handed over for Later
	Receive  *Receive   `yaml:"receive,omitempty"`
	Output   string     `yaml:"output,omitempty"` // "packet" or "log"; "descriptor": what argument To is open on says which
	To       int        `yaml:"to,omitempty"`
	// What the descriptor that is returned, or filled in, is open on: "socket", "file", "pipe"; "open": what the flags, argument At, say; "same": what
	// argument 0 is open on.
	Descriptor string `yaml:"descriptor,omitempty"`
	At         int    `yaml:"at,omitempty"`
	Data       []int  `yaml:"data,omitempty"`   // Output: arguments that are emitted (their values and pointees); empty: all
	Nondet     bool   `yaml:"nondet,omitempty"` // time, random, environment
	NoReturn   bool   `yaml:"noreturn,omitempty"`
	Inline     bool   `yaml:"inline,omitempty"`  // stands for the static inline definition that the library's header has, too (rte_eth_rx_burst)
	Again      bool   `yaml:"again,omitempty"`   // returns more than once (setjmp, fork)
	Opaque     []int  `yaml:"opaque,omitempty"`  // arguments that point at objects of the library's own (FILE, pcap_t): what it does to them does not count as an update of the program's state
	Locks      []int  `yaml:"locks,omitempty"`   // acquires the lock that the argument points at
	Unlocks    []int  `yaml:"unlocks,omitempty"` // releases it

	File string `yaml:"-"` // where the model was read from
}

// Alloc of a Model.
type Alloc struct {
	Out    *int  `yaml:"out,omitempty"`  // stored through this argument; nil: the result
	Size   []int `yaml:"size,omitempty"` // arguments whose product is the size
	Zero   bool  `yaml:"zero,omitempty"`
	Opaque bool  `yaml:"opaque,omitempty"` // an object of the library's own
	Self   bool  `yaml:"self,omitempty"`   // holds pointers to more of its kind (getaddrinfo)
	String bool  `yaml:"string,omitempty"` // holds characters
	Keep   bool  `yaml:"keep,omitempty"`   // it is kept in the model's Slot, too
	From   *int  `yaml:"from,omitempty"`   // contents copied from this argument (strdup, realloc)
}

// Callback says how a library calls a function that it was given.
type Callback struct {
	Arg    int            `yaml:"arg"`
	In     bool           `yaml:"in,omitempty"`     // the function is stored in what Arg points at (sigaction)
	Pass   map[int]int    `yaml:"pass,omitempty"`   // parameter → argument of the library function that it receives
	Packet []int          `yaml:"packet,omitempty"` // parameters that point at packet bytes or headers
	Elems  []int          `yaml:"elems,omitempty"`  // parameters that point into what argument Of points at (qsort, bsearch)
	Of     int            `yaml:"of,omitempty"`
	Into   []int          `yaml:"into,omitempty"`   // parameters that point anywhere in what argument Of points at
	Held   []int          `yaml:"held,omitempty"`   // parameters that are pointers stored in what argument Of points at
	Lib    []int          `yaml:"lib,omitempty"`    // parameters that point at storage inside the library
	From   string         `yaml:"from,omitempty"`   // instead of Arg: any function that was kept in this slot (by another call of the library, which was given it as a function)
	Member []string       `yaml:"member,omitempty"` // with From: only what is ever stored in one of these members, RECORD.FIELD
	Kept   []int          `yaml:"kept,omitempty"`   // parameters that receive anything kept in From, or in the model's own Slot
	Slots  map[int]string `yaml:"slots,omitempty"`  // parameter → slot: it receives anything kept there
	Keep   bool           `yaml:"keep,omitempty"`   // what it returns is kept in the model's Slot
	Later  string         `yaml:"later,omitempty"`  // called, with this call's arguments, not by this call but by those of models that Runs what bears this name
	Loop   bool           `yaml:"loop,omitempty"`   // called again and again from inside the call
	Thread bool           `yaml:"thread,omitempty"` // runs as a thread of its own
	Signal bool           `yaml:"signal,omitempty"` // runs as a signal handler, timer, or at exit
}

// Receive says that the function hands over a packet.
type Receive struct {
	Buffers []int `yaml:"buffers,omitempty"` // arguments whose pointees receive the packet or its header
	Vectors []int `yaml:"vectors,omitempty"` // arguments whose pointees hold pointers to what receives it (recvmsg)
	Out     []int `yaml:"out,omitempty"`     // arguments through which a pointer to the packet is stored (pcap_next_ex)
	Result  bool  `yaml:"result,omitempty"`  // the result points at the packet
	Empty   bool  `yaml:"empty,omitempty"`   // room for a packet to come, and none is received (rte_pktmbuf_alloc)
	Weak    bool  `yaml:"weak,omitempty"`    // a packet only if nothing else in the program receives (read)
}

// In returns the slots and queues into which a call of the function puts something, for other calls.
func (m *Model) In() []string {
	var out []string
	if len(m.Keeps)+len(m.KeepsIn) > 0 || m.Alloc != nil && m.Alloc.Keep {
		out = append(out, m.Slot)
	}
	for i := range m.Calls {
		if m.Calls[i].Keep {
			out = append(out, m.Slot)
		}
		out = append(out, m.Calls[i].Later)
	}
	return named(out)
}

// Out returns the slots and queues out of which a call of the function takes what other calls put there: the program gets it as
// the result, in memory, as what a callback is called with, or as the callback.
func (m *Model) Out() []string {
	out := slices.Clone(m.Runs)
	if m.Gives || len(m.GivesIn) > 0 {
		out = append(out, m.Slot)
	}
	for i := range m.Calls {
		c := &m.Calls[i]
		out = append(out, c.From)
		if len(c.Kept) > 0 && c.From == "" {
			out = append(out, m.Slot)
		}
		for _, s := range c.Slots {
			out = append(out, s)
		}
	}
	return named(out)
}

// named returns names in order, each once, without the empty one.
func named(names []string) []string {
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(s string) bool { return s == "" })
}
