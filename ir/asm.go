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

// AsmStays reports whether assembly touches no memory but its operands', whatever it says that it clobbers:
// what "memory" keeps the compiler from moving is all that it is for. It is so if it consists of known
// instructions, of x86, that name no address of their own.
func AsmStays(text string) bool {
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ';' }) {
		words := strings.Fields(line)
		for len(words) > 0 && (strings.HasSuffix(words[0], ":") || prefixes[words[0]]) {
			words = words[1:]
		}
		if len(words) == 0 {
			continue
		}
		if !staying[words[0]] && !staying[strings.TrimRight(words[0], "bwlq")] {
			return false
		}
		for _, w := range strings.Split(strings.Join(words[1:], ""), ",") {
			// A register or an operand, a number, a label of this text. "rep nop" is a pause.
			switch {
			case w == "" || w == "nop":
			case (w[0] == '%' || w[0] == '$') && !strings.Contains(w, "("):
			case w[0] >= '0' && w[0] <= '9' && (strings.HasSuffix(w, "f") || strings.HasSuffix(w, "b")) && words[0][0] == 'j':
			default:
				return false
			}
		}
	}
	return true
}

// AsmTwoWords reports whether its operands in memory may be two words, of which it names the first.
func AsmTwoWords(text string) bool {
	return strings.Contains(text, "cmpxchg16b") || strings.Contains(text, "cmpxchg8b")
}

// staying are instructions of x86 that touch what they name, without the letter that says how much of it.
var staying = map[string]bool{}

func init() {
	for _, op := range strings.Fields(`mov movabs xchg cmpxchg cmpxchg8b cmpxchg16b xadd add sub adc sbb inc dec neg not and or xor cmp test lea
		bt bts btr btc bsf bsr bswap shl shr sal sar rol ror imul mul div popcnt lzcnt tzcnt crc32
		sete setne setz setnz setc setnc seto sets jmp je jne jz jnz jc jnc ja jae jb jbe
		mfence lfence sfence pause nop cpuid rdtsc rdtscp xgetbv`) {
		staying[op] = true
	}
}
