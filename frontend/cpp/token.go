package cpp

import (
	"time"

	"saz/frontend/source"
)

// Kind classifies a preprocessing token that reached the end of
// preprocessing.
type Kind uint8

// Kinds of Token.
const (
	Ident  Kind = iota // identifier or keyword
	Number             // pp-number
	String             // string literal with its prefix and quotes
	Char               // character constant with its prefix and quotes
	Punct              // punctuator
	Other              // a stray byte
)

// A Token is one token of the expanded translation unit and where it is from.
type Token struct {
	Text string // the spelling, as gcc -E prints it
	Kind Kind

	// Spell is where the spelling stands: the place in the file for a token
	// written there, the place in the #define for one from a macro body, the
	// zero Pos for one that was pasted, stringised or built in.
	Spell source.Pos

	// Exp and ExpEnd are the byte range, in the file being read, that the
	// token stands for: the token itself when it was written there (then
	// Exp == Spell and Chain == 0), otherwise the whole outermost macro
	// invocation, from the macro's name to its closing parenthesis. An
	// argument of a macro is part of the invocation: Exp is the invocation,
	// Spell the argument's own place in the file.
	Exp    source.Pos
	ExpEnd int32

	// Chain indexes Unit.Chains: the innermost macro invocation that the
	// token came out of; 0 for none.
	// A token of an argument belongs to the macro it was passed to, unless
	// an expansion inside the argument yielded it.
	Chain int32

	// Space says that white space came before the token, Line that it was
	// first on its line (for printing).
	Space, Line bool
}

// Direct reports whether the token was written in the file where it stands,
// outside any macro: the only tokens at which text can be inserted freely.
func (t *Token) Direct() bool { return t.Chain == 0 && t.Exp.IsValid() }

// A Chain is one macro invocation. Chains[0] is unused.
type Chain struct {
	Macro  string
	Def    source.Pos // of the name in its #define; zero for built-in ones and -D
	Use    source.Pos // where the macro's name stood
	Parent int32      // the invocation whose expansion this one was in, or 0
}

// A Pragma is a #pragma (or _Pragma) that has a meaning after preprocessing.
type Pragma struct {
	Tok  int32 // it stands just before Tokens[Tok]
	Text string
	Pos  source.Pos
}

// A Unit is one preprocessed translation unit.
type Unit struct {
	Main     *source.File
	Tokens   []Token
	Chains   []Chain
	Pragmas  []Pragma
	Includes []*source.File         // every file that was entered, in order of first entry, Main first
	System   map[source.FileID]bool // files found in a system include directory
	Reread   []source.FileID        // files whose text stands in the unit more than once, in order
	Absent   []string               // paths at which a header was looked for and not found, absolute, each once
	list     *[]Token               // what Tokens is part of, see Release
}

// Config is what the command line and the compiler say about preprocessing.
type Config struct {
	Dir      string    // relative paths are relative to this
	Predef   []byte    // the compiler's `-dM -E` text for these flags, without -D
	Defines  []Define  // -D and -U, in order
	Quote    []string  // -iquote
	Angle    []string  // -I, in order
	System   []string  // -isystem, then the compiler's own directories, in order
	After    []string  // -idirafter
	Imacros  []string  // -imacros
	Includes []string  // -include
	Builtins Builtins  // what __has_attribute and its like answer
	Cache    *Cache    // what the units of one source.Set share; nil for nothing
	Now      time.Time // __DATE__ and __TIME__; zero for the present
	Limit    int       // of steps (tokens looked at, directives), after which reading stops; 0 for DefaultLimit
}

// DefaultLimit is beyond what any program needs, and some ten seconds: macros
// that double with each level, or a file that includes itself twice, would go on
// for ever.
const DefaultLimit = 1 << 29

// maxTokens bounds a unit's size, in the same way.
const maxTokens = 1 << 23

// A Define is one -D NAME[=VALUE] or -U NAME.
type Define struct {
	Text  string // NAME, NAME=VALUE, NAME(args)=VALUE
	Undef bool
}

// Builtins answers __has_attribute(x), __has_builtin(x), __has_c_attribute(x),
// __has_feature(x), __has_extension(x), __has_include is the preprocessor's
// own. kind is the operator's name. A nil Builtins answers 0.
type Builtins func(kind, arg string) int
