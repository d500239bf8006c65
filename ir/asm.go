package ir

import "strings"

// AsmNames are the names in the text of assembly that are no instructions.
func AsmNames(text string) []string {
	var out []string
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ';' }) {
		words := strings.FieldsFunc(line, func(r rune) bool {
			return !(r == '_' || r == '.' || r == '%' || r == ':' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
		})
		for len(words) > 0 && (strings.HasSuffix(words[0], ":") || prefixes[words[0]]) {
			words = words[1:]
		}
		for i, w := range words {
			if i > 0 && w[0] != '%' && w[0] != '.' {
				out = append(out, w)
			}
		}
	}
	return out
}

// prefixes of x86's instructions.
var prefixes = map[string]bool{"lock": true, "rep": true, "repe": true, "repne": true, "repz": true, "repnz": true}
