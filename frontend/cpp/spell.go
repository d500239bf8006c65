package cpp

// Spellings cuts a compiler's preprocessed output into tokens, as cfg's language
// has them, and leaves out line markers and pragmas: what Unit.Tokens is to be
// compared with.
func Spellings(out []byte, cfg *Config) []string {
	lx := NewCache().lex(out, 1, modeOf(cfg.Predef)&^mTrigraphs)
	var list []string
	for i := 0; i < len(lx.toks); i++ {
		t := &lx.toks[i]
		if t.flags&fBOL != 0 && t.flags&fWhite == 0 && t.is(opHash) && i+1 < len(lx.toks) {
			n := &lx.toks[i+1]
			if n.flags&fBOL == 0 && (n.kind == Number || n.text == "pragma" || n.text == "ident") {
				for i+1 < len(lx.toks) && lx.toks[i+1].flags&fBOL == 0 {
					i++
				}
				continue
			}
		}
		list = append(list, t.text)
	}
	return list
}
