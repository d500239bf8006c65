package cpp

import (
	"slices"

	"saz/frontend/source"
)

// Symbols that the preprocessor itself knows, numbered as in wellKnown.
const (
	symDefined int32 = iota + 1
	symVaArgs
	symVaOpt
	symHasInclude
	symHasIncludeNext
	symPragma
	symTrue
)

// wellKnown lists the identifiers that every Cache numbers first.
var wellKnown = []string{
	"defined", "__VA_ARGS__", "__VA_OPT__", "__has_include", "__has_include_next", "_Pragma", "true",
}

// A builtin is a macro that the preprocessor computes.
type builtin uint8

const (
	notBuiltin builtin = iota
	bLine
	bFile
	bFileName
	bBaseFile
	bDate
	bTime
	bTimestamp
	bCounter
	bIncludeLevel
	bPragma
	bHasInclude
	bHasIncludeNext
	bHas // __has_attribute and the others that Config.Builtins answers
)

// A macro is a definition. It never changes once made: a definition read from
// a header is the same object in every translation unit.
type macro struct {
	name     string
	body     []tok // parameters are kArg, ## is a flag of its left operand
	params   []int32
	def      source.Pos // of the name
	fun      bool
	variadic bool // the last parameter takes what is left
	builtin  builtin
}

// define reads the tokens after #define. On failure it returns the offending
// token's index and what is wrong; the index may be len(line).
func define(line []tok) (m *macro, bad int, msg string) {
	if len(line) == 0 {
		return nil, 0, "no macro name given in #define directive"
	}
	if line[0].kind != Ident {
		return nil, 0, "macro names must be identifiers"
	}
	if line[0].sym == symDefined {
		return nil, 0, `cannot use "defined" as a macro name`
	}
	m = &macro{name: line[0].text, def: line[0].pos()}
	i := 1
	if i < len(line) && line[i].is(opLParen) && line[i].flags&fWhite == 0 {
		m.fun = true
		if i, msg = m.readParams(line, i+1); msg != "" {
			return nil, i, msg
		}
	}
	m.body = make([]tok, 0, len(line)-i)
	pasting, vaOpt := false, 0 // vaOpt: 1 + parenthesis depth inside __VA_OPT__( )
	for ; i < len(line); i++ {
		t := line[i]
		t.flags &= fWhite
		n := len(m.body)
		if t.is(opPaste) {
			if n == 0 {
				return nil, i, "'##' cannot appear at either end of a macro expansion"
			}
			// Two in a row count as one.
			m.body[n-1].flags |= fPaste
			pasting = true
			continue
		}
		pasting = false
		if t.kind == Ident && m.fun {
			if k := slices.Index(m.params, t.sym); k >= 0 {
				t.kind, t.arg = kArg, uint16(k)
			}
		}
		opt := m.variadic && t.kind == Ident && t.sym == symVaOpt
		if m.fun && n > 0 && m.body[n-1].is(opHash) && m.body[n-1].flags&fPaste == 0 {
			if t.kind != kArg && !opt {
				return nil, i, "'#' is not followed by a macro parameter"
			}
			t.flags = fStringify | m.body[n-1].flags&fWhite
			m.body = m.body[:n-1]
		}
		if m.variadic {
			switch {
			case opt && vaOpt > 0:
				return nil, i, "__VA_OPT__ may not appear in a __VA_OPT__"
			case opt && (i+1 >= len(line) || !line[i+1].is(opLParen)):
				return nil, i, "__VA_OPT__ must be followed by an open parenthesis"
			case opt:
				vaOpt = 1
			case vaOpt > 0 && t.is(opLParen):
				vaOpt++
			case vaOpt > 0 && t.is(opRParen):
				if vaOpt--; vaOpt == 1 {
					vaOpt = 0
				}
			}
		}
		m.body = append(m.body, t)
	}
	switch n := len(m.body); {
	case pasting:
		return nil, len(line) - 1, "'##' cannot appear at either end of a macro expansion"
	case vaOpt > 0:
		return nil, len(line) - 1, "unterminated __VA_OPT__"
	case n > 0 && m.fun && m.body[n-1].is(opHash):
		return nil, len(line) - 1, "'#' is not followed by a macro parameter"
	case n > 0:
		m.body[0].flags &^= fWhite
	}
	return m, 0, ""
}

// readParams reads a parameter list from after its '('; it returns the index
// after the ')'.
func (m *macro) readParams(line []tok, i int) (int, string) {
	if i < len(line) && line[i].is(opRParen) {
		return i + 1, ""
	}
	for ; i < len(line); i++ {
		t := &line[i]
		switch {
		case t.is(opEllipsis):
			m.params = append(m.params, symVaArgs)
			m.variadic = true
		case t.kind != Ident:
			return i, "expected parameter name, found \"" + t.text + "\""
		case slices.Contains(m.params, t.sym):
			return i, "duplicate macro parameter \"" + t.text + "\""
		default:
			m.params = append(m.params, t.sym)
			if i+1 < len(line) && line[i+1].is(opEllipsis) { // GNU: args...
				m.variadic = true
				i++
			}
		}
		i++
		if i < len(line) && line[i].is(opRParen) {
			return i + 1, ""
		}
		if i >= len(line) || !line[i].is(opComma) || m.variadic {
			break
		}
	}
	return i, "expected ')' to end the macro's parameter list"
}
