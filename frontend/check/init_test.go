package check

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"saz/frontend/ctype"
)

// image builds the bytes that an initialiser describes, and which of them are
// known (those of addresses are not).
func image(o *Object) (want, known []byte) {
	want = make([]byte, o.Init.Size)
	known = bytes.Repeat([]byte{0xff}, len(want))
	for i := range o.Init.Items {
		it := &o.Init.Items[i]
		size := ctype.SizeOf(it.Type)
		var raw [16]byte
		ok := true
		switch x := it.X; {
		case x.Op == StrLit:
			copy(want[it.Off:it.Off+size], x.Str)
			continue
		case it.Type.Kind == ctype.Double || it.Type.Kind == ctype.Float:
			var f float64
			f, ok = constFloat(x)
			if it.Type.Kind == ctype.Double {
				binary.LittleEndian.PutUint64(raw[:], math.Float64bits(f))
			} else {
				binary.LittleEndian.PutUint32(raw[:], math.Float32bits(float32(f)))
			}
		default:
			var v ctype.Num
			v, ok = constInt(x)
			binary.LittleEndian.PutUint64(raw[:], v.Lo)
			binary.LittleEndian.PutUint64(raw[8:], v.Hi)
		}
		lo, hi := it.bits()
		for b := lo; b < hi; b++ {
			k := b - lo
			if !ok {
				known[b/8] &^= 1 << (b % 8)
			} else if raw[k/8]>>(k%8)&1 != 0 {
				want[b/8] |= 1 << (b % 8)
			} else {
				want[b/8] &^= 1 << (b % 8)
			}
		}
	}
	return want, known
}

// TestInitValues compares the flattened initialisers with the bytes that the
// compiler's program has.
func TestInitValues(t *testing.T) {
	text, err := os.ReadFile("testdata/inits.c")
	if err != nil {
		t.Fatal(err)
	}
	c := checkText(t, "inits.c", string(text))
	var b bytes.Buffer
	b.Write(text)
	b.WriteString(`
int printf(const char *, ...);
static int wrong;
static void compare(const char *name, const void *at, const char *want, const char *known, long n) {
	for (long i = 0; i < n; i++)
		if ((((const char *)at)[i] ^ want[i]) & known[i]) {
			printf("%s: byte %ld is %d, not %d\n", name, i, ((const unsigned char *)at)[i], (unsigned char)want[i]);
			wrong = 1;
		}
}
struct pt mk(int x) { return (struct pt){ x, x }; }
int main(void) {
`)
	n := 0
	for _, o := range c.unit.Objects {
		if o.Init == nil || o.Storage != Extern || o.Name == "" {
			continue
		}
		n++
		want, known := image(o)
		fmt.Fprintf(&b, "\tcompare(%q, &%s, %s, %s, %d);\n", o.Name, o.Name, cString(want), cString(known), len(want))
	}
	b.WriteString("\treturn wrong;\n}\n")
	if n < 40 {
		t.Errorf("only %d objects", n)
	}
	dir := t.TempDir()
	src, exe := filepath.Join(dir, "inits.c"), filepath.Join(dir, "inits")
	if err := os.WriteFile(src, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-w", "-o", exe, src).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(exe).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func cString(b []byte) string {
	var s bytes.Buffer
	s.WriteByte('"')
	for _, x := range b {
		fmt.Fprintf(&s, "\\%03o", x)
	}
	s.WriteByte('"')
	return s.String()
}
