package receive

import (
	"saz/ir"
	"saz/passes"
	"saz/passes/descriptor"
)

// A Site is a call that hands the program a packet.
type Site struct {
	Ref      ir.Ref
	Function string // pcap_next, recv, pcap_loop ...
	// Buffers are the argument indexes whose pointees receive packet bytes
	// (recv: 1; pcap_next: the header, 1). Result says that the result points
	// at the packet (pcap_next) .
	Buffers []int
	// Vectors are those in whose pointees, Depth pointers deep, there are pointers to what receives it (recvmsg).
	Vectors []int
	Depth   int
	Result  bool
	// Callbacks are the procedures that the library calls with a packet
	// (pcap_loop); PacketParams their parameter indexes that point at packet bytes or header.
	Callbacks    []ir.FuncID
	PacketParams []int
	InLoop       bool // the call is in a loop of its procedure (true for library loops)
	Why          []passes.Why
}

// Result of the receive pass.
type Result struct {
	Sites []Site
	// LoopProcs are the loop procedures: those with a receive site in a loop
	// or a call of a library loop; a thread's entry procedure that loops over packet work
	// is added by toplevel (it needs the slice). Sorted.
	LoopProcs []ir.FuncID
	// Stack are LoopProcs' callers that are on the stack while the loop runs. Sorted.
	Stack []ir.FuncID
	// Frames are those of them whose frames are there between packets, Below what is below these on the stack (frames.go). Sorted.
	Frames, Below []ir.FuncID
	// Threads are procedures started as threads or installed as signal handlers or timers, and those that assembly names.
	Threads []ir.FuncID
	Asm     *passes.InAsm
	// Descriptors says what descriptors are open on.
	Descriptors *descriptor.Descriptors
	// Last reports whether the call is in a loop of its procedure whose rounds end the processing of a packet: the outermost loop, or
	// the one that waits for events.
	Last func(ir.Ref) bool
	// Around reports whether a procedure is part of what receives packets: where the settings name the packet loops, one that they call.
	Around func(ir.FuncID) bool
	// Starts reports whether a call only starts a procedure as a thread when the program is set up.
	Starts func(r ir.Ref, f ir.FuncID) bool
	// Looped reports whether a procedure is called, directly or not, in a loop of another one.
	Looped func(ir.FuncID) bool
}
