package frontend

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"sync"

	"saz/frontend/build"
	"saz/frontend/check"
	"saz/frontend/cpp"
	"saz/frontend/internal/wire"
	"saz/frontend/source"
	"saz/frontend/store"
)

// A unit is stored under a key that says how it is compiled, by what compiler,
// and read by what saz. Its entry names the files that were read, with their
// sums, and the paths at which a header was looked for in vain: while all of
// that is so, reading it again would give the same unit.
//
//	entry = length of head, head, image (check.Unit.Image)
//	head  = files and sums, absent paths, diagnostics

// self tells builds of saz apart: an image means something to the saz that made
// it only.
var self = sync.OnceValue(func() string {
	exe, err := os.Executable()
	if err != nil {
		return ""
	}
	st, err := os.Stat(exe)
	if err != nil {
		return ""
	}
	return fmt.Sprint(st.Size(), st.ModTime().UnixNano())
})

func (l *loader) key(cmd *build.Command, cfg *cpp.Config, tc *build.Toolchain) (k store.Key) {
	h := sha256.New()
	fmt.Fprintf(h, "1 %s %v %q %q %q %q %q %d\n", self(), l.All, cmd.Dir, cmd.File, tc.CC, tc.Version, cmd.Env, cfg.Now.Unix())
	fmt.Fprintf(h, "%q %q %q %q %q %q %v\n", cfg.Quote, cfg.Angle, cfg.System, cfg.After, cfg.Imacros, cfg.Includes, cfg.Defines)
	h.Write(cfg.Predef)
	h.Sum(k[:0])
	return k
}

// entry encodes what is stored of a unit.
func (l *loader) entry(pre *cpp.Unit, sink *source.Sink, image []byte) []byte {
	var w wire.Writer
	w.N(len(pre.Includes))
	for _, f := range pre.Includes {
		w.S(f.Path)
		sum := f.Sum()
		w.U(binary.LittleEndian.Uint64(sum[:]))
		w.U(binary.LittleEndian.Uint64(sum[8:]))
	}
	w.N(len(pre.Absent))
	for _, p := range pre.Absent {
		w.S(p)
	}
	pos := func(p source.Pos) {
		path := ""
		if f := l.files.File(p.File); f != nil {
			path = f.Path
		}
		w.S(path)
		w.I(int64(p.Off))
	}
	list := sink.Sorted(l.files)
	w.N(len(list))
	for i := range list {
		d := &list[i]
		w.S(d.ID)
		w.U(uint64(d.Severity))
		pos(d.Pos)
		w.S(d.Msg)
		w.S(d.Hint)
		w.N(len(d.Notes))
		for _, n := range d.Notes {
			pos(n.Pos)
			w.S(n.Msg)
		}
	}
	head := w.Bytes()
	out := binary.AppendUvarint(make([]byte, 0, len(head)+len(image)+8), uint64(len(head)))
	return append(append(out, head...), image...)
}

// fetch returns the stored unit, nil if there is none that is still right.
func (l *loader) fetch(key store.Key, sink *source.Sink) (u *check.Unit) {
	data := l.Store.Get(key)
	if data == nil {
		return nil
	}
	defer func() {
		if recover() != nil {
			u = nil // damaged in a way that its sum does not show
		}
	}()
	n, k := binary.Uvarint(data)
	if k <= 0 || n > uint64(len(data)-k) {
		return nil
	}
	r := wire.NewReader(data[k : k+int(n)])
	for range r.Len() {
		f, err := l.files.Open(r.S())
		lo, hi := r.U(), r.U()
		if err != nil {
			return nil
		}
		if sum := f.Sum(); binary.LittleEndian.Uint64(sum[:]) != lo || binary.LittleEndian.Uint64(sum[8:]) != hi {
			return nil
		}
	}
	for range r.Len() {
		if !l.files.Absent(r.S()) {
			return nil
		}
	}
	pos := func() source.Pos {
		p := source.Pos{}
		if path := r.S(); path != "" {
			if f, err := l.files.Open(path); err == nil {
				p.File = f.ID
			}
		}
		p.Off = int32(r.I())
		return p
	}
	diags := make([]source.Diagnostic, r.Len())
	for i := range diags {
		d := &diags[i]
		d.ID, d.Severity, d.Pos, d.Msg, d.Hint = r.S(), source.Severity(r.U()), pos(), r.S(), r.S()
		for range r.Len() {
			d.Notes = append(d.Notes, source.Note{Pos: pos(), Msg: r.S()})
		}
	}
	u, err := check.DecodeUnit(data[k+int(n):], l.files)
	if err != nil {
		return nil
	}
	for _, d := range diags {
		sink.Add(d)
	}
	return u
}
