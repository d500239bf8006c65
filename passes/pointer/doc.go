// Package pointer finds what each pointer of a program may point at, and with
// it the call graph.
//
// # Classification
//
// Inclusion-based (Andersen, "Program Analysis and Specialization for the C
// Programming Language", 1994): an assignment makes one set include another.
//
// FLOW-INSENSITIVE for memory: an object holds what was ever stored in it.
// Locals in registers (SSA) are flow-sensitive as far as their versions go.
//
// CONTEXT-SENSITIVE where it is cheap: small procedures are analysed anew for
// each direct call (clone.go), with locals in memory of their own (locals.go), and so is the heap: what a procedure returns that
// it has just allocated is a separate object for each call of it, up to three
// wrappers deep (heap.go), also behind a header of the allocator's own (header.go). All else is context-insensitive.
//
// FIELD-SENSITIVE by byte offset in the object's layout (layout.go). All
// elements of an array are one, at each level of nesting; the members of a
// union overlay each other. An access through a cast goes by bytes too, so
// differing types of one object are no problem; arithmetic by amounts that are
// not known and do not fit an array around the place gives "anywhere in the
// object" (Any). Pearce, Kelly and Hankin ("Efficient Field-Sensitive Pointer
// Analysis of C", TOPLAS 2007) is the model; their positive-weight cycles end
// here at the object's end, and at rawCap in an object of unknown layout. A block
// that is many things, or of which nothing is known, is split by the records as
// which it is seen (views.go).
//
// TYPE-FILTERED: what is loaded as a pointer to a record or to bytes, or made one
// from a pointer to void or an integer, points only at what fits that type, if the
// object's own is known (alike.go); types that the program's casts take for each other
// are one for this (kin.go). Smaragdakis and Balatsouras ("Structure-Sensitive
// Points-To Analysis for C and C++", SAS 2016) and Avots et al. ("Improving Software
// Security with a C Pointer Analysis", ICSE 2005) have filters of the kind. Integers
// that hold no pointers carry none (carriers.go), and amounts that are one of a few
// numbers are followed one by one (ranges.go). Blocks that an allocator of the program's
// keeps on a free list are as good as fresh when it hands them out again (freelist.go).
//
// UNIFICATION-BASED where inclusion can't be afforded: in very large programs, what large sets
// point at is one for all places that hold the same kind of pointer (crowd.go), and objects of one layout are one there, and one
// place if they have many (classes.go).
//
// The CALL GRAPH is built on the fly. A function pointer reaches the functions in
// its set whose number of parameters and kind of result the call fits, and of which some was
// ever stored in the member or variable that the call goes through (layers.go). What
// libraries call back (pcap_loop, pthread_create, qsort, sigaction) comes from
// their models (package models), as do all effects of functions outside the
// program.
//
// # Soundness
//
// The result covers every execution of a program
//
//   - in which arithmetic on a pointer stays in its object, where "object" is
//     what was declared or allocated as one (stepping from member to member of
//     a struct by a constant is fine; by an amount that is not known only in an array, where
//     a member that is none counts as an array of one, as in C), or comes back to it
//     before the pointer is used;
//   - in which a record that is a variable, or the only thing that a block is
//     used as, is not reached by subtracting an offset from a pointer to one of
//     its members as if it were a record of another type;
//   - whose objects are seen by their types, as C17 6.5p7 has it and compilers suppose:
//     as their own, as a longer one that begins with it (the head of a list for an entry),
//     numbers and pointers as a record of just such; or as what a cast of the program makes of them, be it by way of void pointers in registers, parameters
//     and results of direct calls. A type that is taken for another by way of a void
//     pointer in memory alone, with members of other kinds at the same place, is not
//     followed; nor is a record with pointers in it in bytes that were never cast to one, or only from an address some bytes before something of known type (a block that is used as bytes may hold what a void pointer from memory becomes,
//     if pointers to bytes are kept as such: an arena);
//     nor in text that strdup and its like made, or in memory that libraries keep to
//     themselves, unless their functions speak of such a record;
//   - in which a copy of a number of bytes that is not known stays in the largest thing
//     that begins where it begins, in a union's member of numbers or a block's bytes with a
//     name if their address is what is given; and which copies no pointers as numbers that are
//     smaller, of a record of such;
//   - in which an entry that would contain a list's head is not counted on from by an unknown amount, nor
//     gone from to one around it; and where no record is at an address that its alignment rules out;
//   - in which pointers are stored and loaded as pointers, integers of their
//     size, or by whole-object copies (assignment of structs, memcpy and its
//     like): a pointer that is copied byte by byte, or scaled or encoded with
//     anything but tags in the low four bits, additions, & and ^, is lost, and so is a sum
//     of two unknown numbers that becomes a pointer again by no conversion;
//   - that keeps in a member with functions only what is stored there as such a member, or
//     copied with its record; and in which code that is loaded at run time passes in
//     functions of its own, not the program's;
//   - whose allocators' headers, where the program makes no pointers to them but in the allocator, are seen
//     as nothing else by who counts back from what was handed out (header.go);
//   - whose allocators hand out a block that was freed to them as one in which nothing is,
//     if they are recognised as such (freelist.go), also to who asks for such a block alone;
//   - whose inline assembly touches its operands, and what they point at if it clobbers memory and is more than
//     known instructions on them; whose atomic builtins do what their names say (ir.AtomicOf);
//   - whose variables in a section of its own are gone through from its ends by whole variables (sections.go);
//   - whose calls have at least as many arguments as the callee has parameters, and
//     pass no int that is not constant, and no floating-point number, for a pointer;
//   - whose library functions do what their models say; one without a model is
//     taken to do anything to what it can reach from its arguments and to call
//     what it finds there, but not to know the program's other variables, nor to
//     keep anything for another such function; and of what several of them keep together, one calls
//     only what was handed to it as a pointer to a function, or as what one was made by conversions
//     in the caller or its callers by name;
//   - of which a library hands out functions only as void pointers or as pointers to functions (dlsym, signal), or in records of known type: all else that
//     it hands out is data, and a pointer that is said to lead there calls nothing that might call the program back;
//   - that does not depend on what an uninitialised or freed pointer holds.
//
// A function whose source could not be read may do anything to all that its
// unit can name. Without main, every visible function may be called from
// outside, with pointers to memory of the outside.
//
// The claim is tested, not only argued: run_test.go prints a program with a note
// before each access, runs it, and compares each byte that was touched, and
// each callee, with the static sets. Nothing was outside them in GCC's torture
// tests (1,566 programs, 1.26 million different accesses), PRADS and the example
// middleboxes on captured traffic, and Lua.
//
// # Solver
//
// Wave propagation with difference propagation (Pereira and Berlin, "Wave
// Propagation and Deep Propagation for Pointer Analysis", CGO 2009): each round
// collapses the cycles of the copy graph (Nuutila's variant of Tarjan's
// algorithm) and visits the changed nodes in topological order, where
// constraints see only what is new. Registers that are plain copies share a
// node from the start (offline variable substitution, Rountev and Chandra, PLDI
// 2000, as far as SSA form leaves it to do). Sets are sorted blocks of 64 bits; each is
// kept once, and what the union of two is, is remembered (shared.go; Barbar and Sui,
// "Hash Consed Points-To Sets", SAS 2021).
//
// Where arithmetic takes a place is looked up in tables by place and by where that is in its layout (spots.go), where it takes a set by
// the set (steps.go).
//
// Bounds keep odd programs from being slow; each gives up precision only:
// arithmetic that feeds itself and has made more than crawl steps in one object
// points anywhere in it (solve.go); an object with more than maxOdd places that
// its layout does not account for becomes one place; a copy of memory between
// more than maxCopy pairs of places no longer keeps them apart; an allocation
// with more than maxClones callers is not cloned; a block with more than maxViews
// views is one place. Addresses outside an object, as list walks make of a list's head,
// are kept apart from it (virtual.go). A function that is called out of a record which,
// or members of which, it gets as arguments gets those records only that have it, and their members (receiver.go). All string
// literals are one in sets.
//
// Measured: see docs/evaluation.md. Result.Precision and Result.Explain say how
// large the sets are, and what makes them so.
package pointer
