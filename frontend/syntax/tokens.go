package syntax

import "saz/frontend/cpp"

// A code says what a token is to the walker, and how it is spelt in the text
// that tree-sitter reads.
type code uint8

const (
	cEOF code = iota

	// Tokens with a spelling of their own. All identifiers, and all literals
	// of a kind, are spelt alike: the tree does not depend on them, and so
	// one tree serves all declarations of a shape (see Cache).
	cIdent
	cNumber
	cString
	cChar
	cMarker // a typedef name or another type that is one word
	cOther

	cLParen
	cRParen
	cLBrack
	cRBrack
	cLBrace
	cRBrace
	cSemi
	cComma
	cColon
	cColon2
	cQuest
	cEllipsis
	cDot
	cArrow
	cInc
	cDec
	cAmp
	cStar
	cPlus
	cMinus
	cTilde
	cNot
	cSlash
	cPercent
	cShl
	cShr
	cLt
	cGt
	cLe
	cGe
	cEq
	cNe
	cXor
	cOr
	cAndAnd
	cOrOr
	cAssign
	cMulEq
	cDivEq
	cModEq
	cAddEq
	cSubEq
	cShlEq
	cShrEq
	cAndEq
	cXorEq
	cOrEq

	// Storage classes and qualifiers.
	kTypedef
	kExtern
	kStatic
	kAuto
	kRegister
	kInline
	kThread
	kConstexpr
	kConst
	kVolatile
	kRestrict
	kAtomic

	// Words of a type.
	kInt
	kCharT
	kFloat
	kDouble
	kVoid
	kLong
	kShort
	kSigned
	kUnsigned
	kBuiltin // _Bool, __int128, ...: spelt as cMarker
	kBitInt
	kComplex
	kStruct
	kUnion
	kEnum
	kTypeof

	// Statements and expressions.
	kIf
	kElse
	kWhile
	kDo
	kFor
	kSwitch
	kCase
	kDefault
	kGoto
	kBreak
	kContinue
	kReturn
	kAsm
	kSizeof
	kAlignof
	kReal
	kImag
	kGeneric
	kTrue
	kFalse
	kNullptr
	kLabel
	kStaticAssert

	// Words that settle takes out of the text wherever they stand.
	kAttribute
	kExtension
	kAlignas
	kNoreturn

	codeCount
)

const (
	firstStorage = kTypedef
	lastQual     = kAtomic
	firstQual    = kConst
	firstType    = kInt
	lastType     = kTypeof
	firstWord    = kInt // words that may be several in one type
	lastWord     = kBuiltin
	firstSkipped = kAttribute
)

// marker is the primitive-type word of the grammar, used by no program, that
// stands for each typedef name.
const marker = "charptr_t"

// spelling is what tree-sitter reads.
var spelling = [codeCount]string{
	cIdent: "x", cNumber: "0", cString: `""`, cChar: "'0'", cMarker: marker, cOther: "@",
	cLParen: "(", cRParen: ")", cLBrack: "[", cRBrack: "]", cLBrace: "{", cRBrace: "}",
	cSemi: ";", cComma: ",", cColon: ":", cColon2: "::", cQuest: "?", cEllipsis: "...", cDot: ".", cArrow: "->",
	cInc: "++", cDec: "--", cAmp: "&", cStar: "*", cPlus: "+", cMinus: "-", cTilde: "~", cNot: "!",
	cSlash: "/", cPercent: "%", cShl: "<<", cShr: ">>", cLt: "<", cGt: ">", cLe: "<=", cGe: ">=", cEq: "==", cNe: "!=",
	cXor: "^", cOr: "|", cAndAnd: "&&", cOrOr: "||",
	cAssign: "=", cMulEq: "*=", cDivEq: "/=", cModEq: "%=", cAddEq: "+=", cSubEq: "-=", cShlEq: "<<=", cShrEq: ">>=",
	cAndEq: "&=", cXorEq: "^=", cOrEq: "|=",
	kTypedef: "typedef", kExtern: "extern", kStatic: "static", kAuto: "auto", kRegister: "register", kInline: "inline",
	kThread: "__thread", kConstexpr: "constexpr", kConst: "const", kVolatile: "volatile", kRestrict: "restrict", kAtomic: "_Atomic",
	kInt: "int", kCharT: "char", kFloat: "float", kDouble: "double", kVoid: "void", kLong: "long", kShort: "short",
	kSigned: "signed", kUnsigned: "unsigned", kBuiltin: marker, kBitInt: marker,
	kStruct: "struct", kUnion: "union", kEnum: "enum", kTypeof: marker,
	kIf: "if", kElse: "else", kWhile: "while", kDo: "do", kFor: "for", kSwitch: "switch", kCase: "case", kDefault: "default",
	kGoto: "goto", kBreak: "break", kContinue: "continue", kReturn: "return", kAsm: "asm", kSizeof: "sizeof",
	kGeneric: "_Generic", kTrue: "true", kFalse: "false", kNullptr: "nullptr",
}

// keywords are the spellings that can be a keyword. Those in contextual are
// keywords only where the program has not declared them as its own names.
var keywords = map[string]code{
	"typedef": kTypedef, "extern": kExtern, "static": kStatic, "auto": kAuto, "register": kRegister,
	"inline": kInline, "__inline": kInline, "__inline__": kInline,
	"__thread": kThread, "_Thread_local": kThread, "thread_local": kThread, "constexpr": kConstexpr,
	"const": kConst, "__const": kConst, "__const__": kConst,
	"volatile": kVolatile, "__volatile": kVolatile, "__volatile__": kVolatile,
	"restrict": kRestrict, "__restrict": kRestrict, "__restrict__": kRestrict, "_Atomic": kAtomic,

	"int": kInt, "char": kCharT, "float": kFloat, "double": kDouble, "void": kVoid, "long": kLong, "short": kShort,
	"signed": kSigned, "__signed": kSigned, "__signed__": kSigned, "unsigned": kUnsigned,
	"_Bool": kBuiltin, "bool": kBuiltin, "__int128": kBuiltin, "__int128_t": kBuiltin, "__uint128_t": kBuiltin,
	"_Float16": kBuiltin, "_Float32": kBuiltin, "_Float64": kBuiltin, "_Float128": kBuiltin,
	"_Float32x": kBuiltin, "_Float64x": kBuiltin, "_Float128x": kBuiltin,
	"_Decimal32": kBuiltin, "_Decimal64": kBuiltin, "_Decimal128": kBuiltin,
	"__float128": kBuiltin, "__float80": kBuiltin, "__ibm128": kBuiltin, "__bf16": kBuiltin, "__fp16": kBuiltin,
	"__builtin_va_list": kBuiltin, "__builtin_ms_va_list": kBuiltin, "__builtin_sysv_va_list": kBuiltin, "__auto_type": kBuiltin,
	"_BitInt": kBitInt, "_Complex": kComplex, "__complex": kComplex, "__complex__": kComplex,
	"struct": kStruct, "union": kUnion, "enum": kEnum,
	"typeof": kTypeof, "__typeof": kTypeof, "__typeof__": kTypeof, "typeof_unqual": kTypeof, "__typeof_unqual__": kTypeof, "__typeof_unqual": kTypeof,

	"if": kIf, "else": kElse, "while": kWhile, "do": kDo, "for": kFor, "switch": kSwitch, "case": kCase, "default": kDefault,
	"goto": kGoto, "break": kBreak, "continue": kContinue, "return": kReturn,
	"asm": kAsm, "__asm": kAsm, "__asm__": kAsm, "sizeof": kSizeof,
	"_Alignof": kAlignof, "__alignof": kAlignof, "__alignof__": kAlignof, "alignof": kAlignof,
	"__real": kReal, "__real__": kReal, "__imag": kImag, "__imag__": kImag, "_Generic": kGeneric,
	"true": kTrue, "false": kFalse, "nullptr": kNullptr, "__label__": kLabel,
	"_Static_assert": kStaticAssert, "static_assert": kStaticAssert,

	"__attribute__": kAttribute, "__attribute": kAttribute, "__extension__": kExtension,
	"_Alignas": kAlignas, "alignas": kAlignas, "_Noreturn": kNoreturn,
}

// contextual are the keywords of C23 and of GNU C in the user's name space.
var contextual = map[string]bool{
	"thread_local": true, "constexpr": true, "bool": true, "typeof": true, "typeof_unqual": true, "asm": true,
	"alignof": true, "true": true, "false": true, "nullptr": true, "static_assert": true, "alignas": true,
	"inline": true, "restrict": true,
}

func punct(s string) code {
	switch len(s) {
	case 1:
		return punct1[s[0]]
	case 2:
		switch s {
		case "->":
			return cArrow
		case "++":
			return cInc
		case "--":
			return cDec
		case "==":
			return cEq
		case "!=":
			return cNe
		case "&&":
			return cAndAnd
		case "||":
			return cOrOr
		case "<=":
			return cLe
		case ">=":
			return cGe
		case "<<":
			return cShl
		case ">>":
			return cShr
		case "+=":
			return cAddEq
		case "-=":
			return cSubEq
		case "*=":
			return cMulEq
		case "/=":
			return cDivEq
		case "%=":
			return cModEq
		case "&=":
			return cAndEq
		case "|=":
			return cOrEq
		case "^=":
			return cXorEq
		case "::":
			return cColon2
		case "<:":
			return cLBrack
		case ":>":
			return cRBrack
		case "<%":
			return cLBrace
		case "%>":
			return cRBrace
		}
	case 3:
		switch s {
		case "...":
			return cEllipsis
		case "<<=":
			return cShlEq
		case ">>=":
			return cShrEq
		}
	}
	return cOther
}

var punct1 = func() (t [256]code) {
	for i := range t {
		t[i] = cOther
	}
	for c := cLParen; c < kTypedef; c++ {
		if s := spelling[c]; len(s) == 1 {
			t[s[0]] = c
		}
	}
	return
}()

// States of an identifier in the scope at hand.
const (
	stNone     uint8 = iota // not declared, or of no interest
	stTypedef               // names a type
	stOrdinary              // names something else
)

// lexed is what the walker knows of a unit's tokens before it walks.
type lexed struct {
	code  []code  // by token
	id    []int32 // by token: number of the identifier, 0 for what is none
	match []int32 // by token: of a bracket, the index of its partner (len(tokens) if it has none)

	numbers map[string]int32 // identifiers and keywords to their number
	kw      []code           // by number: the keyword's code, cIdent
	context []bool           // by number: a keyword only where not declared
	state   []uint8          // by number: stNone, stTypedef, stOrdinary
	stack   []int32
}

// numbers of identifiers that the walker must tell from others.
const (
	idNone int32 = iota
	idOffsetof
)

func (l *lexed) reset() {
	if l.numbers == nil {
		l.numbers = map[string]int32{}
	}
	clear(l.numbers)
	l.kw, l.context, l.state = l.kw[:0], l.context[:0], l.state[:0]
	l.kw, l.context, l.state = append(l.kw, cIdent), append(l.context, false), append(l.state, stNone)
	l.intern("__builtin_offsetof")
}

func (l *lexed) intern(s string) int32 {
	if n, ok := l.numbers[s]; ok {
		return n
	}
	n := int32(len(l.kw))
	l.numbers[s] = n
	c, ok := keywords[s]
	if !ok {
		c = cIdent
	}
	l.kw = append(l.kw, c)
	l.context = append(l.context, ok && contextual[s])
	l.state = append(l.state, stNone)
	return n
}

// scan classifies the tokens and pairs the brackets. A closing bracket that
// does not fit closes the nearest one that it fits, as a reader would.
func (l *lexed) scan(toks []cpp.Token) {
	l.reset()
	n := len(toks)
	if cap(l.code) < n+2 {
		l.code, l.id, l.match = make([]code, n+2), make([]int32, n+2), make([]int32, n+2)
	}
	l.code, l.id, l.match = l.code[:n+2], l.id[:n+2], l.match[:n+2]
	l.code[n], l.code[n+1] = cEOF, cEOF
	st := l.stack[:0]
	for i := range toks {
		t := &toks[i]
		c, id, m := cOther, int32(0), int32(n)
		switch t.Kind {
		case cpp.Ident:
			id = l.intern(t.Text)
			c = l.kw[id]
		case cpp.Number:
			c = cNumber
		case cpp.String:
			c = cString
		case cpp.Char:
			c = cChar
		case cpp.Punct:
			c = punct(t.Text)
			switch c {
			case cLParen, cLBrack, cLBrace:
				st = append(st, int32(i))
			case cRParen, cRBrack, cRBrace:
				for k := len(st) - 1; k >= 0; k-- {
					if l.code[st[k]] == c-1 {
						m = st[k]
						l.match[m] = int32(i)
						st = st[:k]
						break
					}
					if c != cRBrace && l.code[st[k]] == cLBrace {
						break // a stray ) does not close a block
					}
				}
			}
		}
		l.code[i], l.id[i], l.match[i] = c, id, m
	}
	l.stack = st
}
