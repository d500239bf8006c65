/* pages.c - saz_pages.c against what was written: by stores, by system calls, by a heap that grows, in a child. */
#include "saz_rt_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { fprintf(stderr, "pages.c:%d: %s\n", __LINE__, #x); exit(1); } } while (0)
#define SIZE (64 * 4096)
#define BLOCKS 400

static unsigned char zeroes[SIZE], set[SIZE] = { 1 };
static unsigned char *blocks[BLOCKS];
static size_t sizes[BLOCKS];
static unsigned char was[2 * SIZE + BLOCKS * 8192];

void *saz_mem_get(size_t size) { return calloc(1, size); }
void *saz_mem_grow(void *p, size_t old, size_t size)
{
	unsigned char *q = realloc(p, size);

	if (q != NULL && size > old)
		memset(q + old, 0, size - old);
	return q;
}
void saz_mem_put(void *p) { free(p); }

void saz_module_data(saz_span_fn *fn, void *ctx)
{
	extern unsigned char __data_start[] __attribute__((__weak__)), _end[] __attribute__((__weak__));

	fn(ctx, __data_start, _end);
}

static unsigned long seed = 1;
static unsigned long chance(unsigned long n)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (seed >> 33) % n;
}

static void each(void (*f)(unsigned char *p, size_t n, unsigned char *copy))
{
	unsigned char *at = was;
	int i;

	f(zeroes, SIZE, at);
	f(set, SIZE, at += SIZE);
	at += SIZE;
	for (i = 0; i < BLOCKS; at += 8192, i++)
		if (blocks[i] != NULL)
			f(blocks[i], sizes[i], at);
}

static void copy(unsigned char *p, size_t n, unsigned char *to)
{
	memcpy(to, p, n);
}

static size_t pages_clean, changed;

static void check(unsigned char *p, size_t n, unsigned char *old)
{
	size_t off, len;
	int written;

	for (off = 0; off < n; off += len) {
		len = saz_pages_run(p + off, n - off, &written);
		CHECK(len > 0 && len <= n - off);
		CHECK(written || memcmp(p + off, old + off, len) == 0);
		changed += memcmp(p + off, old + off, len) != 0;
		if (!written)
			pages_clean += len / 4096 + 1;
	}
}

static void fill(unsigned char *p, size_t n)
{
	static const char text[] = "written by the kernel";
	size_t off = chance(n);
	int fd[2];

	if (chance(2)) {
		p[off] = (unsigned char)(p[off] + 1 + chance(255));
		return;
	}
	CHECK(pipe(fd) == 0);
	CHECK(write(fd[1], text, sizeof text) == sizeof text);
	CHECK(read(fd[0], p + off, n - off < sizeof text ? n - off : sizeof text) > 0);
	close(fd[0]);
	close(fd[1]);
}

static void rounds(int n)
{
	int k, i;

	for (; n > 0; n--) {
		saz_pages_use(chance(20) != 0);
		saz_pages_look();
		each(copy);
		saz_pages_forget();
		for (k = (int)chance(8); k > 0; k--) {
			fill(zeroes, SIZE);
			fill(set, SIZE);
			i = (int)chance(BLOCKS);
			if (blocks[i] != NULL)
				fill(blocks[i], sizes[i]);
		}
		saz_pages_look();
		each(check);
		i = (int)chance(BLOCKS);
		free(blocks[i]);
		sizes[i] = 1 + chance(8192);
		blocks[i] = malloc(sizes[i]);
		CHECK(blocks[i] != NULL);
		memset(blocks[i], n, sizes[i]);
	}
}

int main(void)
{
	int status, fd, p[2];
	char c;

	fd = dup(1);
	close(fd);
	saz_pages_start();
	CHECK(dup(1) == fd && close(fd) == 0);  /* the program's descriptors keep their numbers */
	rounds(2000);
	CHECK(changed > 1000);
	printf("%s\n", pages_clean > 10000 ? "tracked" : "all");
	fflush(stdout);
	if (fork() == 0) {
		saz_pages_forked();
		pages_clean = 0;
		rounds(200);
		_exit(pages_clean != 0);        /* a child knows nothing */
	}
	rounds(200);
	CHECK(wait(&status) > 0 && status == 0);
	for (fd = 3; fd < 1024; fd++)           /* as daemons do */
		close(fd);
	CHECK(pipe(p) == 0 && p[0] == 3 && dup2(p[0], 500) == 500 && dup2(p[1], 501) == 501);
	rounds(200);
	CHECK(write(501, "x", 1) == 1 && read(500, &c, 1) == 1 && c == 'x');
	return 0;
}
