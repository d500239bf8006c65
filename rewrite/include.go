package rewrite

import "bytes"

// blankLine finds a place for a line at the top of a C file that moves no other line: an empty
// line outside comments and conditions, before the file's first #include and first token. Then all
// lines keep their numbers and need no #line, and the compiler's messages quote the right ones.
func blankLine(text []byte) (int, bool) {
	comment := false // in one that began on an earlier line
	joined := false  // the line before ends in a backslash
	depth := 0       // of #if
	for at := 0; at < len(text); {
		var end int
		if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
			end = at + n
		} else {
			return 0, false // without a newline it is no line
		}
		line := bytes.TrimSuffix(text[at:end], []byte("\r"))
		start := at
		at = end + 1
		was := joined
		joined = bytes.HasSuffix(line, []byte(`\`)) || bytes.HasSuffix(line, []byte(`??/`))
		if !comment && !was && depth == 0 && len(bytes.Trim(line, " \t\f\v")) == 0 {
			return start, true
		}
		if was && !comment {
			return 0, false // a directive of several lines: seldom, and not worth reading
		}
		rest, ok := skipComments(line, &comment)
		if !ok && (joined || !bytes.HasPrefix(rest, []byte("//"))) {
			return 0, false // the first token
		}
		if len(rest) == 0 || rest[0] != '#' {
			continue
		}
		word := bytes.TrimLeft(rest[1:], " \t")
		switch {
		case bytes.HasPrefix(word, []byte("include")), bytes.HasPrefix(word, []byte("import")), bytes.HasPrefix(word, []byte("line")):
			return 0, false
		case bytes.HasPrefix(word, []byte("if")):
			depth++
		case bytes.HasPrefix(word, []byte("endif")):
			depth--
		}
		// A comment that begins behind the directive may go on.
		comment = opens(word)
	}
	return 0, false
}

// skipComments returns what follows the comments at the start of a line; ok if that is nothing, or a directive.
func skipComments(line []byte, comment *bool) (rest []byte, ok bool) {
	for {
		if *comment {
			n := bytes.Index(line, []byte("*/"))
			if n < 0 {
				return nil, true
			}
			line, *comment = line[n+2:], false
		}
		line = bytes.TrimLeft(line, " \t\f\v")
		switch {
		case len(line) == 0:
			return nil, true
		case bytes.HasPrefix(line, []byte("/*")):
			line, *comment = line[2:], true
		case line[0] == '#':
			return line, true
		default:
			return line, false
		}
	}
}

// opens reports whether a comment that begins in a directive is open at its end. Quotes hide it.
func opens(line []byte) bool {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '"', '\'':
			q := line[i]
			for i++; i < len(line) && line[i] != q; i++ {
				if line[i] == '\\' {
					i++
				}
			}
		case '/':
			if i+1 < len(line) && line[i+1] == '/' {
				return false
			}
			if i+1 < len(line) && line[i+1] == '*' {
				n := bytes.Index(line[i+2:], []byte("*/"))
				if n < 0 {
					return true
				}
				i += n + 3
			}
		}
	}
	return false
}
