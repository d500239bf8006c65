// Package wire is the encoding of what the frontend keeps on disk and in
// memory: unsigned and signed integers of variable length, and strings that are
// written once and then named by number.
//
// A Reader trusts its input: who reads a file checks its sum first. On input
// that no Writer made it panics, and never reads outside of it.
package wire

import "encoding/binary"

// A Writer collects an encoding. The zero Writer is ready.
type Writer struct {
	buf     []byte
	strings map[string]uint64
	table   []byte // lengths of the strings
	text    []byte // and the strings
}

// U writes an unsigned integer.
func (w *Writer) U(v uint64) {
	if v < 0x80 {
		w.buf = append(w.buf, byte(v))
		return
	}
	w.buf = binary.AppendUvarint(w.buf, v)
}

// N writes an int that is not negative.
func (w *Writer) N(v int) { w.U(uint64(v)) }

// I writes a signed integer.
func (w *Writer) I(v int64) { w.U(uint64(v)<<1 ^ uint64(v>>63)) }

// S writes a string.
func (w *Writer) S(s string) {
	if s == "" {
		w.buf = append(w.buf, 0)
		return
	}
	n, ok := w.strings[s]
	if !ok {
		if w.strings == nil {
			w.strings = map[string]uint64{}
		}
		n = uint64(len(w.strings) + 1)
		w.strings[s] = n
		w.table = binary.AppendUvarint(w.table, uint64(len(s)))
		w.text = append(w.text, s...)
	}
	w.U(n)
}

// Bytes returns the encoding of all that was written.
func (w *Writer) Bytes() []byte {
	out := make([]byte, 0, len(w.buf)+len(w.table)+len(w.text)+24)
	out = binary.AppendUvarint(out, uint64(len(w.strings)))
	out = binary.AppendUvarint(out, uint64(len(w.table)))
	out = binary.AppendUvarint(out, uint64(len(w.text)))
	out = append(out, w.table...)
	out = append(out, w.text...)
	return append(out, w.buf...)
}

// Reset empties the Writer and keeps its memory.
func (w *Writer) Reset() {
	w.buf, w.table, w.text = w.buf[:0], w.table[:0], w.text[:0]
	clear(w.strings)
}

// A Reader reads what a Writer wrote, in the same order.
type Reader struct {
	buf     []byte
	strings []string
}

// NewReader reads an encoding that Bytes returned.
func NewReader(data []byte) *Reader {
	r := &Reader{buf: data}
	n, table, text := r.U(), r.U(), r.U()
	if n > uint64(len(data)) || table > uint64(len(r.buf)) || text > uint64(len(r.buf))-table {
		panic("wire: damaged")
	}
	lengths := &Reader{buf: r.buf[:table]}
	all := string(r.buf[table : table+text])
	r.buf = r.buf[table+text:]
	r.strings = make([]string, n+1)
	at := uint64(0)
	for i := range n {
		l := lengths.U()
		r.strings[i+1] = all[at : at+l]
		at += l
	}
	return r
}

// U reads an unsigned integer.
func (r *Reader) U() uint64 {
	if b := r.buf[0]; b < 0x80 {
		r.buf = r.buf[1:]
		return uint64(b)
	}
	v, n := binary.Uvarint(r.buf)
	if n <= 0 {
		panic("wire: damaged")
	}
	r.buf = r.buf[n:]
	return v
}

// N reads an int that is not negative.
func (r *Reader) N() int { return int(r.U()) }

// Len reads the number of things that follow, each of at least a byte.
func (r *Reader) Len() int {
	n := r.U()
	if n > uint64(len(r.buf)) {
		panic("wire: damaged")
	}
	return int(n)
}

// I reads a signed integer.
func (r *Reader) I() int64 {
	u := r.U()
	return int64(u>>1) ^ -int64(u&1)
}

// S reads a string.
func (r *Reader) S() string { return r.strings[r.U()] }
