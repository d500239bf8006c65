package runtime_c

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The heap is the program's: what a build that watches itself gives back to it holds no addresses. A pool's block of HAProxy's, which is
// not cleared when it is allocated, seemed to lead to a variable that the runtime had noted there.
func TestNoGarbageInTheHeap(t *testing.T) {
	dir := t.TempDir()
	files, _ := filepath.Glob("saz_rt/*.[ch]")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		s := strings.Replace(string(text), "#define SAZ_VERIFY 0", "#define SAZ_VERIFY 1", 1)
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), []byte(s), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	main := `#include "saz_rt_int.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int left(size_t size)
{
	unsigned char *p = malloc(size);
	size_t i, n = 0;
	for (i = 0; i < size; i++)
		n += p[i] == 0xa5;
	return n != 0;
}
int main(void)
{
	unsigned char *p = saz_mem_get(400), *q = saz_mem_get(400);
	memset(p, 0xa5, 400);
	memset(q, 0xa5, 400);
	saz_mem_put(p);
	if (left(400))
		return 1;
	q = saz_mem_grow(q, 400, 100000);
	return left(400) ? 2 : q[399] == 0xa5 && q[400] == 0 ? 0 : 3;
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.c"), []byte(main), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "gcc -std=gnu11 -O2 -Wall -ffunction-sections -Wl,--gc-sections -o t main.c saz_mem.c && ./t")
	cmd.Dir = dir
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
}
