package ctype

import (
	"strconv"
	"strings"
)

var kindNames = [...]string{
	Void: "void", Bool: "_Bool", Char: "char", SChar: "signed char", UChar: "unsigned char",
	Short: "short", UShort: "unsigned short", Int: "int", UInt: "unsigned int",
	Long: "long", ULong: "unsigned long", LongLong: "long long", ULongLong: "unsigned long long",
	Int128: "__int128", UInt128: "unsigned __int128",
	Float16: "_Float16", Float: "float", Double: "double", LongDouble: "long double", Float128: "_Float128",
	VaList: "__builtin_va_list", Auto: "__auto_type", Invalid: "<invalid>",
}

func (q Qual) String() string {
	var s []string
	if q&Const != 0 {
		s = append(s, "const")
	}
	if q&Volatile != 0 {
		s = append(s, "volatile")
	}
	if q&Restrict != 0 {
		s = append(s, "restrict")
	}
	if q&Atomic != 0 {
		s = append(s, "_Atomic")
	}
	return strings.Join(s, " ")
}

// String prints t as a C type name, by its typedef name where it has one.
func (t *Type) String() string { return t.Decl("", nil) }

// Canonical prints t as a C type name without typedef names (but for records
// and enumerations that have no other).
func (t *Type) Canonical() string { return t.Decl("", noSugar) }

func noSugar(*Type) string { return "" }

// Decl prints the declaration of name with type t: "int (*name)[3]". An empty
// name gives a type name. The function namer, if not nil, says how to write a
// type in one word or words ("struct x", "size_t"), or "" for no choice of its
// own; nil takes typedef names.
func (t *Type) Decl(name string, namer func(*Type) string) string {
	p := printer{namer}
	return p.decl(t, name)
}

type printer struct{ namer func(*Type) string }

func (p *printer) decl(t *Type, inner string) string {
	if s := p.word(t); s != "" {
		if inner == "" {
			return s
		}
		return s + " " + inner
	}
	switch t.Kind {
	case Pointer:
		s := "*"
		if q := t.Qual.String(); q != "" {
			s += q
			if inner != "" {
				s += " "
			}
		}
		s += inner
		if (t.Elem.Kind == Array || t.Elem.Kind == Func) && p.word(t.Elem) == "" {
			s = "(" + s + ")"
		}
		return p.decl(t.Elem, s)
	case Array:
		n := ""
		switch {
		case t.Len >= 0:
			n = strconv.FormatInt(t.Len, 10)
		case t.Len == -2:
			n = "*"
		}
		return p.decl(t.Elem, inner+"["+n+"]")
	case Func:
		var b strings.Builder
		b.WriteString(inner)
		b.WriteByte('(')
		for i := range t.Func.Params {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(p.decl(t.Func.Params[i].Type, ""))
		}
		switch {
		case t.Func.OldStyle:
			b.Reset()
			b.WriteString(inner + "(")
		case t.Func.Variadic && len(t.Func.Params) > 0:
			b.WriteString(", ...")
		case t.Func.Variadic:
			b.WriteString("...")
		case len(t.Func.Params) == 0:
			b.WriteString("void")
		}
		b.WriteByte(')')
		return p.decl(t.Elem, b.String())
	}
	return "<" + strconv.Itoa(int(t.Kind)) + ">"
}

// word prints a type that needs no declarator, "" for those that do.
func (p *printer) word(t *Type) string {
	var s string
	if p.namer != nil {
		s = p.namer(t)
	} else {
		s = t.Name
	}
	q := t.Qual.String()
	if s != "" && t.Name == s && t.unqual != nil && t.unqual.Name != s {
		return s // the typedef itself names the qualified type
	}
	if s == "" {
		switch t.Kind {
		case Pointer, Array, Func:
			return ""
		case Struct, Union:
			s = "struct "
			if t.Kind == Union {
				s = "union "
			}
			switch {
			case t.Rec.Tag != "":
				s += t.Rec.Tag
			case t.Rec.Typedef != "":
				s = t.Rec.Typedef
			default:
				s += "<anonymous " + strconv.Itoa(int(t.Rec.ID)) + ">"
			}
		case Enum:
			if t.Enum.Tag != "" {
				s = "enum " + t.Enum.Tag
			} else if t.Enum.Under != nil {
				s = kindNames[t.Enum.Under.Kind]
			} else {
				s = "int"
			}
		case Vector:
			s = "__attribute__((vector_size(" + strconv.FormatInt(SizeOf(t), 10) + "))) " + p.word(t.Elem)
		case Complex:
			s = "_Complex " + p.word(t.Elem)
		default:
			s = kindNames[t.Kind]
		}
	}
	if q != "" {
		return q + " " + s
	}
	return s
}
