package pointer

import (
	"strings"

	"saz/ir"
)

// Sections. A linker gathers the variables that are put into a section of the program's
// own, and __start_NAME and __stop_NAME are its ends: a table whose entries the units of a program
// add to without knowing of each other (HAProxy's calls at the start, Linux's commands). What is at the
// section's ends is all of its variables: each is copied to the ends' object and back, and
// in the result what points at an end points at all of them.

// findSections fills in sections, and makes the copies.
func (s *solver) findSections() {
	s.sections = map[ObjID][]ObjID{}
	in := map[string][]*ir.Global{}
	for _, g := range s.prog.Globals {
		if g.Obj != nil && g.Obj.Section != "" && g.Linkage != ir.Undefined {
			in[g.Obj.Section] = append(in[g.Obj.Section], g)
		}
	}
	if len(in) == 0 {
		return
	}
	for _, g := range s.prog.Globals {
		name, ok := strings.CutPrefix(g.Name, "__start_")
		if !ok {
			if name, ok = strings.CutPrefix(g.Name, "__stop_"); !ok {
				continue
			}
		}
		if g.Linkage != ir.Undefined || len(in[name]) == 0 {
			continue
		}
		end := ObjID(g.ID)
		s.sections[end] = []ObjID{}
		for _, v := range in[name] {
			s.sections[end] = append(s.sections[end], ObjID(v.ID))
			a, b := s.constNode(s.at(end, 0)), s.constNode(s.at(ObjID(v.ID), 0))
			s.copyMem(a, b, sizeOf(v.Type), v.Type)
			s.copyMem(b, a, sizeOf(v.Type), v.Type)
		}
	}
}

// inSection returns the places in the variables of the section at whose end l is, if it is at one.
func (s *solver) inSection(l Loc) []Loc {
	var out []Loc
	for _, v := range s.sections[l.Obj] {
		off := l.Off
		if off != Any {
			off = s.canonOff(v, int64(off))
		}
		out = append(out, Loc{v, off})
	}
	return out
}
