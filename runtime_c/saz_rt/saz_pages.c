/*
 * saz_pages.c - which pages have been written, for saz_verify.c (Linux 6.7 and later).
 *
 * The kernel keeps a mark on each page of the program's data and of its heap: userfaultfd write-protects them in its
 * asynchronous mode, in which the first write to a page just takes the protection away, whoever writes, system calls included; one ioctl
 * says which pages those are, and protects them again.  What was not written since it was copied need not be copied or compared.
 * Where the kernel can't, or must not for this user, or memory lies elsewhere, everything counts as written.
 */
#include "saz_rt_int.h"

#if SAZ_VERIFY

#if defined __linux__ && defined __LP64__

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of <linux/userfaultfd.h> and <linux/fs.h>, which may be older than the kernel. */
struct api { uint64_t api, features, ioctls; };
struct registration { uint64_t start, len, mode, ioctls; };
struct protection { uint64_t start, len, mode; };
struct found { uint64_t start, end, categories; };
struct scan { uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages, inverted, mask, anyof, wanted; };
#define UFFD_API 0xaaull
#define USER_MODE_ONLY 1
#define WP_UNPOPULATED (1ull << 13)
#define WP_ASYNC (1ull << 15)
#define REGISTER_WP 2ull
#define PROTECT_WP 1ull
#define DO_API _IOWR(0xaa, 0x3f, struct api)
#define DO_REGISTER _IOWR(0xaa, 0x00, struct registration)
#define DO_PROTECT _IOWR(0xaa, 0x06, struct protection)
#define DO_SCAN _IOWR('f', 16, struct scan)
#define PROTECT_WHAT_MATCHES 1ull
#define ASYNC_ONLY 2ull
#define IS_WRITTEN 2ull

#define MAX_RANGES 16
static struct range {
	uintptr_t lo, hi;
	unsigned char *written; /* a byte a page, since the last saz_pages_forget */
} saz_ranges[MAX_RANGES];
static struct range *saz_heap_range;    /* it grows */
static int saz_nranges, saz_uffd = -1, saz_pagemap = -1, saz_unused;
static size_t saz_page;

static int protect(uintptr_t lo, uintptr_t hi)
{
	struct registration r;
	struct protection p;

	memset(&r, 0, sizeof r);
	r.start = p.start = lo;
	r.len = p.len = hi - lo;
	r.mode = REGISTER_WP;
	p.mode = PROTECT_WP;
	return ioctl(saz_uffd, DO_REGISTER, &r) == 0 && ioctl(saz_uffd, DO_PROTECT, &p) == 0;
}

/* The descriptors stay open: a program that closes all has others under their numbers by now. */
static void stop(void)
{
	int i;

	saz_uffd = saz_pagemap = -1;
	for (i = 0; i < saz_nranges; i++)
		saz_mem_put(saz_ranges[i].written);
	saz_nranges = 0;
	saz_heap_range = NULL;
}

/* All pages of a range that is new, or of what it has grown by, count as written. */
static int cover(struct range *r, uintptr_t hi)
{
	size_t had = r->written == NULL ? 0 : (r->hi - r->lo) / saz_page, n = (hi - r->lo) / saz_page;
	unsigned char *w;

	if (n <= had)
		return 1;
	w = had == 0 ? saz_mem_get(n) : saz_mem_grow(r->written, had, n);
	if (w == NULL)
		return 0;
	memset(w + had, 1, n - had);
	r->written = w;
	if (!protect(r->lo + had * saz_page, hi))
		return 0;
	r->hi = hi;
	return 1;
}

static void add_segment(void *ctx, const unsigned char *lo, const unsigned char *hi)
{
	struct range *r = &saz_ranges[saz_nranges];
	int *ok = ctx;

	if (saz_nranges + 1 == MAX_RANGES) {
		*ok = 0;
		return;
	}
	r->lo = (uintptr_t)lo & ~(saz_page - 1);
	saz_nranges++;
	*ok = *ok && cover(r, ((uintptr_t)hi + saz_page - 1) & ~(saz_page - 1));
}

static uintptr_t heap_end(void)
{
	return (uintptr_t)sbrk(0) & ~(saz_page - 1);
}

/* Out of the way of the program's own descriptors. */
static int moved_up(int fd)
{
	int up = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 500);

	if (up < 0)
		return fd;
	close(fd);
	return up;
}

/* The heap begins with a page that malloc has given out. */
void saz_pages_start(void)
{
	const char *how = getenv("SAZ_VERIFY_PAGES");
	struct api a;
	void *p;
	int ok = 1;

	if (how != NULL && strcmp(how, "all") == 0)
		return;
	saz_page = (size_t)sysconf(_SC_PAGESIZE);
	saz_uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (saz_uffd < 0)
		saz_uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY);
	saz_uffd = moved_up(saz_uffd);
	saz_pagemap = moved_up(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	memset(&a, 0, sizeof a);
	a.api = UFFD_API;
	a.features = WP_ASYNC | WP_UNPOPULATED;
	if (saz_uffd < 0 || saz_pagemap < 0 || ioctl(saz_uffd, DO_API, &a) != 0) {
		stop();
		return;
	}
	saz_module_data(add_segment, &ok);
	p = malloc(1);
	if (ok && p != NULL && (uintptr_t)p < (uintptr_t)sbrk(0) && (uintptr_t)sbrk(0) - (uintptr_t)p < (size_t)1 << 30) {
		saz_heap_range = &saz_ranges[saz_nranges++];
		saz_heap_range->lo = (uintptr_t)p & ~(saz_page - 1);
		ok = cover(saz_heap_range, heap_end());
	}
	free(p);
	if (!ok)
		stop();
	else
		saz_pages_look();
}

/* Not to look is cheaper where there is little to compare. What is written meanwhile is found by the next look. */
void saz_pages_use(int use)
{
	saz_unused = !use;
}

/* Notes what has been written since it was asked last. */
void saz_pages_look(void)
{
	static struct found found[1024];
	int i;

	if (saz_unused)
		return;
	if (saz_heap_range != NULL && !cover(saz_heap_range, heap_end()))
		stop();
	for (i = 0; i < saz_nranges; i++) {
		struct range *r = &saz_ranges[i];
		struct scan s;

		memset(&s, 0, sizeof s);
		s.size = sizeof s;
		s.flags = PROTECT_WHAT_MATCHES | ASYNC_ONLY;
		s.start = r->lo;
		s.end = r->hi;
		s.vec = (uint64_t)(uintptr_t)found;
		s.vec_len = sizeof found / sizeof *found;
		s.mask = s.wanted = IS_WRITTEN;
		while (s.start < s.end) {
			int n = ioctl(saz_pagemap, DO_SCAN, &s), k;

			if (n < 0) {
				stop();
				return;
			}
			for (k = 0; k < n; k++)
				memset(r->written + (found[k].start - r->lo) / saz_page, 1, (found[k].end - found[k].start) / saz_page);
			s.start = s.walk_end;
		}
	}
}

/* Copies of all that is watched have been made since the last look. */
void saz_pages_forget(void)
{
	int i;

	for (i = 0; i < saz_nranges && !saz_unused; i++)
		memset(saz_ranges[i].written, 0, (saz_ranges[i].hi - saz_ranges[i].lo) / saz_page);
}

/* How many of the len bytes at p are alike in having been written or not; *written: which. */
size_t saz_pages_run(const void *p, size_t len, int *written)
{
	uintptr_t lo = (uintptr_t)p, at;
	int i;

	*written = 1;
	for (i = saz_unused ? -1 : saz_nranges - 1; i >= 0; i--) {
		const struct range *r = &saz_ranges[i];
		size_t k;

		if (lo < r->lo || lo >= r->hi)
			continue;
		k = (lo - r->lo) / saz_page;
		*written = r->written[k];
		for (at = r->lo + (k + 1) * saz_page; at < r->hi && at - lo < len && r->written[++k] == *written; at += saz_page)
			;
		return at - lo < len ? at - lo : len;
	}
	return len;
}

void saz_pages_forked(void)
{
	stop();
}

#else

void saz_pages_start(void)
{
}

void saz_pages_use(int use)
{
	(void)use;
}

void saz_pages_look(void)
{
}

void saz_pages_forget(void)
{
}

size_t saz_pages_run(const void *p, size_t len, int *written)
{
	(void)p;
	*written = 1;
	return len;
}

void saz_pages_forked(void)
{
}

#endif

#else
typedef int saz_pages_unused;
#endif
