/*
 * check.c - the runtime against hostile images and failing allocations, in one process.
 *
 *	check fuzz SEED COUNT    COUNT mutated images, their checksums made good
 *	check memory             each allocation of export, import and commit fails in turn
 *	check filter             which flows match
 *	check slots              the words of a part of an object
 *	check bench              what a packet and a block cost
 */
#include "saz_rt_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"

#define CHECK(x) ((x) ? (void)0 : failed(#x, __LINE__))

static void failed(const char *what, int line)
{
	fprintf(stderr, "check.c:%d: %s\n", line, what);
	exit(1);
}

static uint64_t seed = 1;
static uint32_t rnd(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % n;
}

static void packets(int n, int from)
{
	char line[128];
	int i;

	for (i = 0; i < n; i++) {
		snprintf(line, sizeof line, "10.0.%u.%u 192.168.0.%u %u %u %u %u", (unsigned)from, rnd(6), rnd(4), 1000 + rnd(5),
		         80 + rnd(3), rnd(2) ? 6u : 17u, 40 + rnd(1400));
		saz_packet_begin();
		box_packet(line);
		saz_packet_end();
	}
}

static int take(struct saz_export *x, unsigned flags, const char *filter)
{
	struct saz_error e;
	struct saz_filter *f;
	int ok;

	memset(&e, 0, sizeof e);
	f = filter ? saz_filter_parse(filter, &e) : NULL;
	ok = (filter == NULL || f != NULL) && saz_export(f, flags, 1 << 26, x, &e);
	saz_filter_free(f);
	return ok;
}

static char *dump(size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	box_dump(f);
	fclose(f);
	return text;
}

/* A field of a record, or bytes anywhere. */
static void mutate(unsigned char *image, size_t *len)
{
	static const uint64_t odd[] = { 0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fffffff, 0x80000000u, 0xffffffffu,
		UINT64_C(0x7fffffffffffffff), UINT64_C(0x8000000000000000), UINT64_C(0xffffffffffffffff) };
	struct saz_image_header *h = (struct saz_image_header *)image;
	int times = 1 + (int)rnd(3);

	while (times-- > 0) {
		size_t at = rnd(4) ? sizeof *h + rnd((uint32_t)(*len - sizeof *h)) : rnd(sizeof *h);
		uint64_t v;

		switch (rnd(8)) {
		case 0:
			image[at] ^= (unsigned char)(1u << rnd(8));
			break;
		case 1:
			image[at] = (unsigned char)rnd(256);
			break;
		case 2:
		case 3:
			at &= ~(size_t)3;
			v = rnd(2) ? odd[rnd(15)] : rnd(300);
			memcpy(image + at, &v, 4);
			break;
		case 4:
			at &= ~(size_t)7;
			v = rnd(2) ? odd[rnd(15)] : rnd(300);
			memcpy(image + at, &v, 8);
			break;
		case 5:         /* a record over another */
			at &= ~(size_t)7;
			v = sizeof *h + (rnd((uint32_t)(*len - sizeof *h)) & ~7u);
			if (at + 32 <= *len && v + 32 <= *len)
				memmove(image + at, image + v, 32);
			break;
		case 6:         /* a neighbour's number */
			at &= ~(size_t)3;
			image[at]++;
			break;
		default:
			if (rnd(8) == 0 && *len > sizeof *h + 64)
				*len = sizeof *h + rnd((uint32_t)(*len - sizeof *h));
			break;
		}
	}
	if (rnd(10) != 0)
		h->length = *len;
	if (rnd(20) != 0)
		h->checksum = saz_image_sum(image, *len);
}

static int loop_after(const unsigned char *image, size_t len)
{
	struct saz_error e;
	struct saz_import *x;
	struct saz_counts c;
	struct saz_export out;
	size_t n;

	memset(&e, 0, sizeof e);
	x = saz_import_stage(image, len, &e);
	if (x == NULL) {
		CHECK(e.code[0] != 0 && e.text[0] != 0);
		return 0;
	}
	saz_import_commit(x, &c);
	saz_import_free(x);
	free(dump(&n));
	if (take(&out, SAZ_I_SNAPSHOT, NULL))
		saz_export_free(&out);
	if (take(&out, SAZ_I_STATE, "all")) {
		if (!saz_export_commit(&out, &e))
			CHECK(e.code[0] != 0);
		saz_export_free(&out);
	}
	return 1;
}

static int fuzz(int count)
{
	struct saz_export pattern[3];
	int i, accepted = 0;

	packets(60, 1);
	CHECK(take(&pattern[0], SAZ_I_SNAPSHOT, NULL));
	CHECK(take(&pattern[1], 0, "nw_src=10.0.1.0/30 nw_dst=10.0.1.2,nw_proto=6"));
	CHECK(take(&pattern[2], SAZ_I_STATE, "all"));
	packets(60, 2);
	for (i = 0; i < count; i++) {
		const struct saz_export *p = &pattern[i % 3];
		size_t len = p->image.len, n = 0, m = 0;
		unsigned char *image = malloc(len);
		struct saz_error e;
		struct saz_import *x;
		char *before = i % 20 == 0 ? dump(&n) : NULL, *after;

		memcpy(image, p->image.data, len);
		mutate(image, &len);
		image = realloc(image, len);
		memset(&e, 0, sizeof e);
		x = saz_import_stage(image, len, &e);
		saz_import_free(x);
		if (before != NULL) {
			after = dump(&m);
			CHECK(n == m && memcmp(before, after, n) == 0);
			free(before);
			free(after);
		}
		if (x != NULL) {
			int status;
			pid_t child;

			accepted++;
			fflush(stdout);
			child = fork();
			if (child == 0) {
				alarm(20);
				loop_after(image, len);
				_exit(0);
			}
			CHECK(waitpid(child, &status, 0) == child);
			if (status != 0) {
				FILE *f = fopen("crash.img", "wb");

				if (f != NULL) {
					fwrite(image, 1, len, f);
					fclose(f);
				}
				fprintf(stderr, "image %d: status %x\n", i, (unsigned)status);
				return 1;
			}
		}
		free(image);
	}
	fprintf(stderr, "images %d accepted %d\n", count, accepted);
	for (i = 0; i < 3; i++)
		saz_export_free(&pattern[i]);
	return 0;
}

static int memory(void)
{
	struct saz_export pattern, x;
	struct saz_import *s;
	struct saz_error e;
	struct saz_counts c;
	char *before, *after;
	size_t n, m;
	long i, tries = 0;
	unsigned flags;

	packets(200, 1);
	for (flags = 0; flags < 3; flags++) {
		const char *filter = flags & SAZ_I_SNAPSHOT ? NULL : "all";

		saz_test_fail_at = -1;
		CHECK(take(&pattern, flags, filter));
		packets(50, 2);
		before = dump(&n);
		for (i = 0;; i++) {
			int ok;

			tries++;
			saz_test_fail_at = i;
			ok = take(&x, flags, filter);
			saz_test_fail_at = -1;
			if (ok)
				break;
		}
		/* The commit: all or nothing, too. */
		for (i = 0; !(flags & SAZ_I_SNAPSHOT); i++) {
			pid_t child;
			int status, ok;

			tries++;
			memset(&e, 0, sizeof e);
			child = fork();
			if (child == 0) {
				saz_test_fail_at = i;
				ok = saz_export_commit(&x, &e);
				saz_test_fail_at = -1;
				after = dump(&m);
				_exit(ok ? 7 : n == m && memcmp(before, after, n) == 0 ? 0 : 1);
			}
			waitpid(child, &status, 0);
			CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 1);
			if (WEXITSTATUS(status) == 7)
				break;
			CHECK(WEXITSTATUS(status) == 0);
		}
		saz_export_free(&x);
		for (i = 0;; i++) {
			tries++;
			memset(&e, 0, sizeof e);
			saz_test_fail_at = i;
			s = saz_import_stage(pattern.image.data, pattern.image.len, &e);
			saz_test_fail_at = -1;
			if (s != NULL)
				break;
			CHECK(strcmp(e.code, "memory") == 0);
			after = dump(&m);
			CHECK(n == m && memcmp(before, after, n) == 0);
			free(after);
		}
		saz_test_fail_at = 0;
		saz_import_commit(s, &c);
		saz_test_fail_at = -1;
		saz_import_free(s);
		saz_export_free(&pattern);
		free(before);
	}
	box_end();
	fprintf(stderr, "failing allocations %ld\n", tries);
	return 0;
}

static void expect(const char *filter, const struct saz_flow *k, int both, int want)
{
	struct saz_error e;
	struct saz_filter *f;

	memset(&e, 0, sizeof e);
	f = saz_filter_parse(filter, &e);
	if (f == NULL ? want != -1 : (int)saz_filter_match(f, k, both) != want) {
		fprintf(stderr, "filter %s: not %d (%s)\n", filter, want, e.text);
		exit(1);
	}
	saz_filter_free(f);
}

static int filters(void)
{
	static const char *const wrong[] = { "", "  ", "nw_src", "nw_src=", "nw_src=1.2.3", "nw_src=1.2.3.4/33", "tp_src=65536",
		"tp_src=-1", "nw_proto=256", "all,tp_src=1", "tp_src=1,", ",tp_src=1", "tp_src=1,tp_src=2", "nw_src=1.2.3.4/",
		"nw_src=::/129", "foo=1", "nw_src=1.2.3.4/0x8", "ALL" };
	struct saz_flow k, host, six;
	size_t i;

	memset(&k, 0, sizeof k);
	k.have = 31;
	inet_pton(AF_INET, "10.1.2.3", k.addr[0]);
	inet_pton(AF_INET, "192.168.7.9", k.addr[1]);
	k.port[0] = 1234;
	k.port[1] = 80;
	k.proto = 6;
	host = k;
	host.have = 1 << SAZ_NW_SRC;
	six = k;
	inet_pton(AF_INET6, "2001:db8::5", six.addr[0]);
	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		expect(wrong[i], &k, 0, -1);
	expect("all", &k, 0, 2);
	expect("nw_src=10.0.0.0/8", &k, 0, 2);
	expect("nw_src=10.1.2.2/31", &k, 0, 2);
	expect("nw_src=10.1.2.4/30", &k, 0, 0);
	expect("nw_src=0.0.0.0/0", &k, 0, 2);
	expect("nw_src=::/0", &k, 0, 0);
	expect("nw_src=::/0", &six, 0, 2);
	expect("nw_src=0.0.0.0/0", &six, 0, 0);
	expect("nw_src=2001:db8::/32", &six, 0, 2);
	expect("nw_src=2001:db8::/32,tp_dst=80", &six, 0, 2);
	expect("nw_src=2001:db8:1::/48", &six, 0, 0);
	expect("nw_dst=10.0.0.0/8", &k, 0, 0);
	expect("nw_dst=10.0.0.0/8", &k, 1, 2);
	expect("nw_dst=10.0.0.0/8,tp_src=80", &k, 1, 2);
	expect("nw_dst=10.0.0.0/8,tp_src=1234", &k, 1, 0);
	expect("nw_src=10.0.0.0/8,tp_dst=443", &k, 0, 0);
	expect("nw_src=10.0.0.0/8,tp_dst=443", &host, 0, 1);
	expect("tp_dst=443 nw_proto=6", &k, 0, 2);
	expect("tp_dst=443 nw_proto=17", &k, 1, 0);
	expect("tp_dst=443", &host, 0, 0);
	expect("tp_dst=443 nw_src=10.1.2.3", &host, 0, 2);
	expect("nw_dst=10.0.0.0/8,tp_src=80", &host, 1, 1);
	expect("nw_dst=10.0.0.0/8", &host, 0, 0);
	return 0;
}

/* A callback that is left by longjmp. */
static jmp_buf out;
static __attribute__((__noinline__)) void callback(int leave)    /* called by a library */
{
	SAZ_PACKET_SCOPE;

	if (leave)
		longjmp(out, 1);
}
static __attribute__((__noinline__)) void called(int leave)
{
	SAZ_CALLED_SCOPE;

	callback(0);
	if (leave)
		longjmp(out, 1);
}
static __inline__ __attribute__((__always_inline__)) void inner(void)
{
	SAZ_CALLED_SCOPE;

	saz_updated[1] = 1;
}
static __attribute__((__noinline__)) void outer_callback(void)
{
	SAZ_PACKET_SCOPE;

	saz_updated[0] = 1;
	callback(0);
	inner();
	CHECK(saz_updated[1] == 1);
	CHECK(saz_updated[0] == 1);     /* the inner scope belongs to the same packet */
}

static int scopes(void)
{
	uint64_t n = saz_packets();
	int i;

	errno = 4711;
	for (i = 0; i < 3; i++)
		if (setjmp(out) == 0)
			callback(1);
	callback(0);
	outer_callback();
	CHECK(saz_packets() == n + 5);
	CHECK(errno == 4711);
	CHECK(saz_updated[0] == 1);
	callback(0);
	CHECK(saz_updated[0] == 0);
	n = saz_packets();
	for (i = 0; i < 3; i++)
		if (setjmp(out) == 0)
			called(1);
	called(0);
	called(0);
	CHECK(saz_packets() == n + 5);
	return 0;
}

static int bench_move(void)
{
	struct saz_export x;
	struct saz_import *in;
	struct saz_counts c;
	struct saz_error e;
	char line[128];
	uint64_t t0, t1, t2;
	int i;

	memset(&e, 0, sizeof e);
	for (i = 0; i < 20000; i++) {
		snprintf(line, sizeof line, "10.1.0.%d 192.168.0.%d %d 80 6 100", i % 200, i % 100, 1 + i);
		box_packet(line);
	}
	t0 = saz_now_us();
	CHECK(take(&x, 0, "all"));
	t1 = saz_now_us();
	CHECK(saz_export_commit(&x, &e));
	t2 = saz_now_us();
	fprintf(stderr, "export of %lu entries, %lu bytes: %.1f ms, delete %.1f ms (%lu blocks kept)\n",
	        (unsigned long)x.counts.entries, (unsigned long)x.image.len, (double)(t1 - t0) / 1000,
	        (double)(t2 - t1) / 1000, (unsigned long)x.counts.kept);
	t0 = saz_now_us();
	in = saz_import_stage(x.image.data, x.image.len, &e);
	CHECK(in != NULL);
	t1 = saz_now_us();
	saz_import_commit(in, &c);
	t2 = saz_now_us();
	fprintf(stderr, "import: stage %.1f ms, commit %.1f ms\n", (double)(t1 - t0) / 1000, (double)(t2 - t1) / 1000);
	saz_import_free(in);
	saz_export_free(&x);
	return 0;
}

static int bench(void)
{
	uint64_t t = saz_now_us();
	int i, n = 10000000;

	for (i = 0; i < n; i++) {
		SAZ_PACKET_SCOPE;
		saz_updated[i & 3] = 1;
	}
	fprintf(stderr, "packet %.1f ns\n", (double)(saz_now_us() - t) * 1000 / n);
	t = saz_now_us();
	for (i = 0; i < n / 10; i++)
		saz_free(saz_malloc(1, 40));
	fprintf(stderr, "malloc+free tracked %.1f ns\n", (double)(saz_now_us() - t) * 10000 / n);
	t = saz_now_us();
	for (i = 0; i < n / 10; i++) {
		void *volatile p = malloc(40);

		free(p);
	}
	fprintf(stderr, "malloc+free plain %.1f ns\n", (double)(saz_now_us() - t) * 10000 / n);
	return bench_move();
}

struct seen {
	size_t lo, hi;
	uint64_t in;            /* of the words that have a byte there */
	size_t calls;
};

static int see(void *ctx, size_t off, const struct saz_slot *slot)
{
	struct seen *s = ctx;

	(void)slot;
	s->calls++;
	if (off + sizeof(void *) > s->lo && off < s->hi)
		s->in = saz_hash(s->in, &off, sizeof off);
	return 1;
}

/* A part has the words that a look at all finds there, in the same order, and of large arrays little else. */
static int slots(void)
{
	static const size_t most = 4000;
	unsigned type, i;

	for (type = 0; type < saz_program.ntypes; type++)
		for (i = 0; i < 2000; i++) {
			size_t size = 1 + rnd((uint32_t)most);
			struct seen all, part;

			if (rnd(2))
				size = saz_program.types[type].size * (1 + rnd(30));
			memset(&all, 0, sizeof all);
			all.lo = rnd((uint32_t)size);
			all.hi = all.lo + 1 + rnd(rnd(2) ? 16 : (uint32_t)most);
			part = all;
			CHECK(saz_slots(type, size, see, &all));
			CHECK(saz_slots_in(type, size, part.lo, part.hi, see, &part));
			CHECK(part.in == all.in && part.calls <= all.calls);
		}
	for (type = 1; type < saz_program.ntypes; type++) {
		struct seen part;

		memset(&part, 0, sizeof part);
		part.lo = 112 * 50000;
		part.hi = part.lo + 224;
		CHECK(saz_slots_in(type, saz_program.types[type].size * 5600000, part.lo, part.hi, see, &part));
		CHECK(part.calls <= 224 / 8 + 20);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (freopen("/dev/null", "w", stdout) == NULL)
		return 1;
	box_start(stderr);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);
	if (strcmp(what, "fuzz") == 0)
		return fuzz(argc > 3 ? atoi(argv[3]) : 3000);
	if (strcmp(what, "memory") == 0)
		return memory();
	if (strcmp(what, "filter") == 0)
		return filters() || scopes();
	if (strcmp(what, "slots") == 0)
		return slots();
	if (strcmp(what, "bench") == 0)
		return bench();
	fprintf(stderr, "usage: check fuzz SEED COUNT | memory | filter | slots | bench\n");
	return 2;
}
