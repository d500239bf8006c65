package syntax

import (
	"fmt"
	"unsafe"

	ts "github.com/tree-sitter/go-tree-sitter"
	tsc "github.com/tree-sitter/tree-sitter-c/bindings/go"
)

// Symbols of the named nodes that a tree can hold. The numbers belong to the
// pinned grammar; they are constants so that a switch over them is a jump
// table, and init compares each with the grammar's own table by name.
//
// There is none for anonymous nodes: an operator or keyword is the text of its
// token. Nor is there one for what the text never holds (preprocessor
// directives, attributes, Microsoft extensions); String knows those too.
const (
	SymIdentifier                      Sym = 1
	SymPrimitiveType                   Sym = 93
	SymNumberLiteral                   Sym = 141
	SymTrue                            Sym = 156
	SymFalse                           Sym = 157
	SymTranslationUnit                 Sym = 161
	SymParenthesizedExpression         Sym = 312
	SymUnaryExpression                 Sym = 289
	SymCallExpression                  Sym = 299
	SymArgumentList                    Sym = 309
	SymBinaryExpression                Sym = 290
	SymFunctionDefinition              Sym = 196
	SymDeclaration                     Sym = 198
	SymTypeDefinition                  Sym = 199
	SymParenthesizedDeclarator         Sym = 219
	SymAbstractParenthesizedDeclarator Sym = 222
	SymPointerDeclarator               Sym = 226
	SymAbstractPointerDeclarator       Sym = 229
	SymFunctionDeclarator              Sym = 230
	SymAbstractFunctionDeclarator      Sym = 234
	SymArrayDeclarator                 Sym = 236
	SymAbstractArrayDeclarator         Sym = 239
	SymInitDeclarator                  Sym = 240
	SymCompoundStatement               Sym = 241
	SymStorageClassSpecifier           Sym = 242
	SymTypeQualifier                   Sym = 243
	SymSizedTypeSpecifier              Sym = 246
	SymEnumSpecifier                   Sym = 247
	SymEnumeratorList                  Sym = 248
	SymStructSpecifier                 Sym = 249
	SymUnionSpecifier                  Sym = 250
	SymFieldDeclarationList            Sym = 251
	SymFieldDeclaration                Sym = 253
	SymBitfieldClause                  Sym = 255
	SymEnumerator                      Sym = 256
	SymVariadicParameter               Sym = 257
	SymParameterList                   Sym = 258
	SymParameterDeclaration            Sym = 260
	SymLabeledStatement                Sym = 264
	SymExpressionStatement             Sym = 266
	SymIfStatement                     Sym = 267
	SymElseClause                      Sym = 268
	SymSwitchStatement                 Sym = 269
	SymCaseStatement                   Sym = 270
	SymWhileStatement                  Sym = 271
	SymDoStatement                     Sym = 272
	SymForStatement                    Sym = 273
	SymReturnStatement                 Sym = 275
	SymBreakStatement                  Sym = 276
	SymContinueStatement               Sym = 277
	SymGotoStatement                   Sym = 278
	SymCommaExpression                 Sym = 285
	SymConditionalExpression           Sym = 286
	SymAssignmentExpression            Sym = 287
	SymPointerExpression               Sym = 288
	SymUpdateExpression                Sym = 291
	SymCastExpression                  Sym = 292
	SymTypeDescriptor                  Sym = 293
	SymSizeofExpression                Sym = 294
	SymGenericExpression               Sym = 297
	SymSubscriptExpression             Sym = 298
	SymGnuAsmExpression                Sym = 300
	SymGnuAsmQualifier                 Sym = 301
	SymGnuAsmOutputOperandList         Sym = 302
	SymGnuAsmOutputOperand             Sym = 303
	SymGnuAsmInputOperandList          Sym = 304
	SymGnuAsmInputOperand              Sym = 305
	SymGnuAsmClobberList               Sym = 306
	SymGnuAsmGotoList                  Sym = 307
	SymFieldExpression                 Sym = 310
	SymCompoundLiteralExpression       Sym = 311
	SymInitializerList                 Sym = 313
	SymInitializerPair                 Sym = 314
	SymSubscriptDesignator             Sym = 315
	SymSubscriptRangeDesignator        Sym = 316
	SymFieldDesignator                 Sym = 317
	SymCharLiteral                     Sym = 318
	SymConcatenatedString              Sym = 319
	SymStringLiteral                   Sym = 320
	SymNull                            Sym = 321
	SymMacroTypeSpecifier              Sym = 323
	SymFieldIdentifier                 Sym = 360
	SymStatementIdentifier             Sym = 361
	SymTypeIdentifier                  Sym = 362
	SymError                           Sym = 65535
)

// Fields.
const (
	FieldAlternative    Field = 1
	FieldArgument       Field = 2
	FieldArguments      Field = 3
	FieldAssemblyCode   Field = 4
	FieldBody           Field = 5
	FieldClobbers       Field = 6
	FieldCondition      Field = 7
	FieldConsequence    Field = 8
	FieldConstraint     Field = 9
	FieldDeclarator     Field = 10
	FieldDesignator     Field = 11
	FieldEnd            Field = 13
	FieldField          Field = 14
	FieldFunction       Field = 16
	FieldGotoLabels     Field = 17
	FieldIndex          Field = 18
	FieldInitializer    Field = 19
	FieldInputOperands  Field = 20
	FieldLabel          Field = 21
	FieldLeft           Field = 22
	FieldMember         Field = 23
	FieldName           Field = 24
	FieldOperand        Field = 25
	FieldOperator       Field = 26
	FieldOutputOperands Field = 27
	FieldParameters     Field = 28
	FieldRegister       Field = 31
	FieldRight          Field = 32
	FieldSize           Field = 33
	FieldStart          Field = 34
	FieldSymbol         Field = 35
	FieldType           Field = 36
	FieldUnderlyingType Field = 37
	FieldUpdate         Field = 38
	FieldValue          Field = 39
)

var symNames = map[Sym]string{
	SymIdentifier:                      "identifier",
	SymPrimitiveType:                   "primitive_type",
	SymNumberLiteral:                   "number_literal",
	SymTrue:                            "true",
	SymFalse:                           "false",
	SymTranslationUnit:                 "translation_unit",
	SymParenthesizedExpression:         "parenthesized_expression",
	SymUnaryExpression:                 "unary_expression",
	SymCallExpression:                  "call_expression",
	SymArgumentList:                    "argument_list",
	SymBinaryExpression:                "binary_expression",
	SymFunctionDefinition:              "function_definition",
	SymDeclaration:                     "declaration",
	SymTypeDefinition:                  "type_definition",
	SymParenthesizedDeclarator:         "parenthesized_declarator",
	SymAbstractParenthesizedDeclarator: "abstract_parenthesized_declarator",
	SymPointerDeclarator:               "pointer_declarator",
	SymAbstractPointerDeclarator:       "abstract_pointer_declarator",
	SymFunctionDeclarator:              "function_declarator",
	SymAbstractFunctionDeclarator:      "abstract_function_declarator",
	SymArrayDeclarator:                 "array_declarator",
	SymAbstractArrayDeclarator:         "abstract_array_declarator",
	SymInitDeclarator:                  "init_declarator",
	SymCompoundStatement:               "compound_statement",
	SymStorageClassSpecifier:           "storage_class_specifier",
	SymTypeQualifier:                   "type_qualifier",
	SymSizedTypeSpecifier:              "sized_type_specifier",
	SymEnumSpecifier:                   "enum_specifier",
	SymEnumeratorList:                  "enumerator_list",
	SymStructSpecifier:                 "struct_specifier",
	SymUnionSpecifier:                  "union_specifier",
	SymFieldDeclarationList:            "field_declaration_list",
	SymFieldDeclaration:                "field_declaration",
	SymBitfieldClause:                  "bitfield_clause",
	SymEnumerator:                      "enumerator",
	SymVariadicParameter:               "variadic_parameter",
	SymParameterList:                   "parameter_list",
	SymParameterDeclaration:            "parameter_declaration",
	SymLabeledStatement:                "labeled_statement",
	SymExpressionStatement:             "expression_statement",
	SymIfStatement:                     "if_statement",
	SymElseClause:                      "else_clause",
	SymSwitchStatement:                 "switch_statement",
	SymCaseStatement:                   "case_statement",
	SymWhileStatement:                  "while_statement",
	SymDoStatement:                     "do_statement",
	SymForStatement:                    "for_statement",
	SymReturnStatement:                 "return_statement",
	SymBreakStatement:                  "break_statement",
	SymContinueStatement:               "continue_statement",
	SymGotoStatement:                   "goto_statement",
	SymCommaExpression:                 "comma_expression",
	SymConditionalExpression:           "conditional_expression",
	SymAssignmentExpression:            "assignment_expression",
	SymPointerExpression:               "pointer_expression",
	SymUpdateExpression:                "update_expression",
	SymCastExpression:                  "cast_expression",
	SymTypeDescriptor:                  "type_descriptor",
	SymSizeofExpression:                "sizeof_expression",
	SymGenericExpression:               "generic_expression",
	SymSubscriptExpression:             "subscript_expression",
	SymGnuAsmExpression:                "gnu_asm_expression",
	SymGnuAsmQualifier:                 "gnu_asm_qualifier",
	SymGnuAsmOutputOperandList:         "gnu_asm_output_operand_list",
	SymGnuAsmOutputOperand:             "gnu_asm_output_operand",
	SymGnuAsmInputOperandList:          "gnu_asm_input_operand_list",
	SymGnuAsmInputOperand:              "gnu_asm_input_operand",
	SymGnuAsmClobberList:               "gnu_asm_clobber_list",
	SymGnuAsmGotoList:                  "gnu_asm_goto_list",
	SymFieldExpression:                 "field_expression",
	SymCompoundLiteralExpression:       "compound_literal_expression",
	SymInitializerList:                 "initializer_list",
	SymInitializerPair:                 "initializer_pair",
	SymSubscriptDesignator:             "subscript_designator",
	SymSubscriptRangeDesignator:        "subscript_range_designator",
	SymFieldDesignator:                 "field_designator",
	SymCharLiteral:                     "char_literal",
	SymConcatenatedString:              "concatenated_string",
	SymStringLiteral:                   "string_literal",
	SymNull:                            "null",
	SymMacroTypeSpecifier:              "macro_type_specifier",
	SymFieldIdentifier:                 "field_identifier",
	SymStatementIdentifier:             "statement_identifier",
	SymTypeIdentifier:                  "type_identifier",
}

var fieldNames = map[Field]string{
	FieldAlternative:    "alternative",
	FieldArgument:       "argument",
	FieldArguments:      "arguments",
	FieldAssemblyCode:   "assembly_code",
	FieldBody:           "body",
	FieldClobbers:       "clobbers",
	FieldCondition:      "condition",
	FieldConsequence:    "consequence",
	FieldConstraint:     "constraint",
	FieldDeclarator:     "declarator",
	FieldDesignator:     "designator",
	FieldEnd:            "end",
	FieldField:          "field",
	FieldFunction:       "function",
	FieldGotoLabels:     "goto_labels",
	FieldIndex:          "index",
	FieldInitializer:    "initializer",
	FieldInputOperands:  "input_operands",
	FieldLabel:          "label",
	FieldLeft:           "left",
	FieldMember:         "member",
	FieldName:           "name",
	FieldOperand:        "operand",
	FieldOperator:       "operator",
	FieldOutputOperands: "output_operands",
	FieldParameters:     "parameters",
	FieldRegister:       "register",
	FieldRight:          "right",
	FieldSize:           "size",
	FieldStart:          "start",
	FieldSymbol:         "symbol",
	FieldType:           "type",
	FieldUnderlyingType: "underlying_type",
	FieldUpdate:         "update",
	FieldValue:          "value",
}

var (
	language   = ts.NewLanguage(tsc.Language())
	symByID    []string
	fieldByID  []string
	neverInSym []bool // a node that our text cannot give: a misreading
)

func init() {
	// The flattener reads TSNode by its layout, see flatten.go.
	if unsafe.Sizeof(ts.Node{}) != nodeSize {
		panic("syntax: tree-sitter's TSNode has another layout than this package was written for")
	}
	n := uint16(language.NodeKindCount())
	symByID = make([]string, n)
	neverInSym = make([]bool, n)
	for i := range n {
		symByID[i] = language.NodeKindForId(i)
		if _, ok := symNames[Sym(i)]; language.NodeKindIsNamed(i) && !ok {
			neverInSym[i] = true
		}
	}
	for s, name := range symNames {
		if got := language.IdForNodeKind(name, true); Sym(got) != s {
			panic(fmt.Sprintf("syntax: symbol %s is %d in the grammar, not %d: regenerate symbols.go", name, got, s))
		}
	}
	neverInSym[SymMacroTypeSpecifier] = true
	fieldByID = make([]string, language.FieldCount()+1)
	for i := range fieldByID[1:] {
		fieldByID[i+1] = language.FieldNameForId(uint16(i + 1))
	}
	for f, name := range fieldNames {
		if fieldByID[f] != name {
			panic(fmt.Sprintf("syntax: field %s is not %d in the grammar: regenerate symbols.go", name, f))
		}
	}
}

// String returns the grammar's name of the symbol.
func (s Sym) String() string {
	if s == SymError {
		return "ERROR"
	}
	if int(s) < len(symByID) {
		return symByID[s]
	}
	return fmt.Sprintf("Sym(%d)", uint16(s))
}

// String returns the grammar's name of the field, "" for none.
func (f Field) String() string {
	if int(f) < len(fieldByID) {
		return fieldByID[f]
	}
	return fmt.Sprintf("Field(%d)", uint16(f))
}
