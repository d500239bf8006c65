package syntax

/*
#include <stdlib.h>
#include "flatten.h"
*/
import "C"

import (
	"runtime"
	"sync"
	"unsafe"

	tsc "github.com/tree-sitter/tree-sitter-c/bindings/go"
)

// nodeSize is the size of tree-sitter's TSNode as flatten.h declares it.
const nodeSize = C.sizeof_saz_TSNode

// A flattener is one tree-sitter parser with the memory that its results are
// flattened into. It serves one goroutine at a time.
type flattener struct{ c *C.saz_flattener }

var flatteners = sync.Pool{New: func() any {
	f := &flattener{C.saz_flattener_new(tsc.Language())}
	if f.c == nil {
		panic("syntax: tree-sitter refuses the grammar's version")
	}
	runtime.AddCleanup(f, func(c *C.saz_flattener) { C.saz_flattener_free(c) }, f.c)
	return f
}}

func init() { C.saz_plain_allocator() }

// parse parses text and returns the tree in preorder, in memory of its own.
// tokAt has, for each byte of the text, the index of the token that it is in,
// for the space behind a token and for the end that of the next one. bad is the
// first ERROR or MISSING node, -1 for none.
func (f *flattener) parse(text []byte, tokAt []int32) (nodes []Node, bad int) {
	var at C.int32_t
	n := C.saz_flatten(f.c, (*C.char)(unsafe.Pointer(unsafe.SliceData(text))), C.uint32_t(len(text)),
		(*C.int32_t)(unsafe.Pointer(unsafe.SliceData(tokAt))), &at)
	if n < 0 {
		panic("syntax: tree-sitter is out of memory")
	}
	nodes = make([]Node, n)
	copy(nodes, unsafe.Slice((*Node)(unsafe.Pointer(f.c.nodes)), int(n)))
	return nodes, int(at)
}

// The C side writes Nodes.
var _ = [1]struct{}{}[unsafe.Sizeof(Node{})-C.sizeof_saz_node]
