package rewrite_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"saz/passes/run"
	"saz/rewrite"
)

// Forty variables that are written by way of one pointer in sixty places: one mark stands for all of them, and
// when a packet has ended each has its own, in one thread and in several; the watching build agrees.
func TestGroups(t *testing.T) {
	for _, threads := range []bool{false, true} {
		var text strings.Builder
		text.WriteString("#include <pthread.h>\n#include <stdio.h>\n#include <sys/types.h>\n#include <sys/socket.h>\n")
		text.WriteString("static long other;\n")
		for i := range 40 {
			fmt.Fprintf(&text, "static long v%d;\n", i)
		}
		text.WriteString("static long *const table[] = { ")
		for i := range 40 {
			fmt.Fprintf(&text, "&v%d, ", i)
		}
		text.WriteString("};\n")
		for i := range 60 {
			fmt.Fprintf(&text, "static void f%d(long *p) { *p += %d; }\n", i, i)
		}
		text.WriteString("static void handle(const unsigned char *b)\n{\n\tlong *p = table[b[0] % 40];\n\tswitch (b[1]) {\n")
		for i := range 60 {
			fmt.Fprintf(&text, "\tcase %d: f%d(p); break;\n", i, i)
		}
		text.WriteString("\tdefault: other++;\n\t}\n}\nstatic void *work(void *x) { return x; }\n")
		text.WriteString(`int main(void)
{
	unsigned char b[4];
	int fd[2], i;
	long sum = 0;
	pthread_t t;
	if (THREADS) { pthread_create(&t, NULL, work, NULL); pthread_join(t, NULL); }
	socketpair(AF_UNIX, SOCK_DGRAM, 0, fd);
	for (i = 0; i < 70; i++) {
		b[0] = (unsigned char)i; b[1] = (unsigned char)i;
		send(fd[1], b, 2, 0);
	}
	while (recv(fd[0], b, 2, MSG_DONTWAIT) == 2)
		handle(b);
	for (i = 0; i < 40; i++)
		sum += *table[i];
	printf("%ld %ld\n", sum, other);
	return 0;
}
`)
		flag := "-DTHREADS=0"
		if threads {
			flag = "-DTHREADS=1"
		}
		for _, verify := range []bool{false, true} {
			dir := t.TempDir()
			os.WriteFile(filepath.Join(dir, "p.c"), []byte(text.String()), 0o666)
			a, err := run.Load(run.Options{Target: []string{filepath.Join(dir, "p.c")}, Flags: []string{flag}})
			if err != nil {
				t.Fatal(err)
			}
			r, err := rewrite.Instrument(a, rewrite.Options{Version: "test", Exact: true, Verify: verify})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Marks.Groups) != 1 || len(r.Marks.Groups[0]) < 40 || r.Marks.Placed > 80 || len(r.Marks.Marks) < 2000 {
				t.Fatalf("%d groups, %d marks in the text for %d", len(r.Marks.Groups), r.Marks.Placed, len(r.Marks.Marks))
			}
			// The witness looks where an outside one would: as the call that receives begins.
			const witness = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <string.h>
extern const unsigned saz_nvars;
extern unsigned char saz_updated[];
ssize_t recv(int fd, void *b, size_t n, int flags)
{
	static int packets;
	unsigned i, set = 0;
	for (i = 0; i < saz_nvars; i++)
		set += saz_updated[i];
	if (packets && set != (packets <= 60 ? 40u : 1u))
		fprintf(stderr, "packet %d: %u marks\n", packets, set), abort();
	packets++;
	return recvfrom(fd, b, n, flags, NULL, NULL);
}
`
			for name, data := range r.Files {
				os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777)
				os.WriteFile(filepath.Join(dir, name), data, 0o666)
			}
			os.WriteFile(filepath.Join(dir, "witness.c"), []byte(witness), 0o666)
			cmd := exec.Command("sh", "-c", "gcc -Wall -Wextra -Werror -Wno-unused-parameter "+flag+" -O2 -Isaz_rt -o i "+r.Patched[0]+" witness.c saz_glue.c saz_rt/*.c -pthread && SAZ_SERVICE=off ./i")
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil || string(out) != "1770 10\n" {
				t.Errorf("threads %v, verify %v: %v\n%s", threads, verify, err, out)
			}
		}
	}
}
