/* saz_mem.c - the runtime's own memory, growing buffers, errors, hashing. */
#include "saz_rt_int.h"

#if SAZ_VERIFY
#include <malloc.h>
#endif
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef SAZ_TEST
long saz_test_fail_at = -1;
long saz_test_allocs;

static int may_allocate(void)
{
	saz_test_allocs++;
	if (saz_test_fail_at < 0)
		return 1;
	return saz_test_fail_at-- > 0;
}
#else
#define may_allocate() 1
#endif

void *saz_mem_get(size_t size)
{
	return may_allocate() ? calloc(1, size) : NULL;
}

#if SAZ_VERIFY
/*
 * What the program allocates next would begin with what was here, if it doesn't clear it: addresses of variables, by which
 * a block of a pool would seem to lead to them.
 */
static void *(*volatile saz_fill)(void *, int, size_t) = memset;

void *saz_mem_grow(void *p, size_t old, size_t size)
{
	unsigned char *q = may_allocate() ? calloc(1, size) : NULL;

	if (q != NULL && p != NULL) {
		memcpy(q, p, old < size ? old : size);
		saz_fill(p, 0, old);
		free(p);
	}
	return q;
}

void saz_mem_put(void *p)
{
	if (p != NULL)
		saz_fill(p, 0, malloc_usable_size(p));
	free(p);
}
#else
void *saz_mem_grow(void *p, size_t old, size_t size)
{
	unsigned char *q = may_allocate() ? realloc(p, size) : NULL;

	if (q != NULL && size > old)
		memset(q + old, 0, size - old);
	return q;
}

void saz_mem_put(void *p)
{
	free(p);
}
#endif

void *saz_buf_add(struct saz_buf *b, const void *data, size_t len)
{
	unsigned char *at;

	if (b->failed)
		return NULL;
	if (len > b->cap - b->len || b->data == NULL) {
		size_t cap = b->cap > 4096 ? b->cap : 4096;
		size_t limit = b->limit ? b->limit : SAZ_MAX_IMAGE_BYTES;
		void *p;

		if (len > limit || b->len > limit - len) {
			b->failed = 2;
			return NULL;
		}
		while (cap - b->len < len)
			cap *= 2;
		p = saz_mem_grow(b->data, b->cap, cap);
		if (p == NULL) {
			b->failed = 1;
			return NULL;
		}
		b->data = p;
		b->cap = cap;
	}
	at = b->data + b->len;
	if (data != NULL && len != 0)
		memcpy(at, data, len);
	else
		memset(at, 0, len);
	b->len += len;
	return at;
}

void saz_buf_free(struct saz_buf *b)
{
	saz_mem_put(b->data);
	memset(b, 0, sizeof *b);
}

int saz_fail(struct saz_error *e, const char *code, const char *format, ...)
{
	va_list args;

	if (e->code[0] != 0)
		return 0;
	snprintf(e->code, sizeof e->code, "%s", code);
	va_start(args, format);
	vsnprintf(e->text, sizeof e->text, format, args);
	va_end(args);
	return 0;
}

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	return h;
}

/* Eight bytes at a time, in four lanes: each step is a bijection of its lane, so that no change of
 * a single word goes unseen. */
uint64_t saz_hash(uint64_t seed, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t lane[4], w[4];
	size_t left = len;
	int i;

	for (i = 0; i < 4; i++)
		lane[i] = seed + (uint64_t)(i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	for (; left >= 32; left -= 32, p += 32) {
		memcpy(w, p, 32);
		for (i = 0; i < 4; i++) {
			lane[i] = (lane[i] ^ w[i]) * UINT64_C(0xff51afd7ed558ccd);
			lane[i] = lane[i] << 29 | lane[i] >> 35;
		}
	}
	memset(w, 0, sizeof w);
	memcpy(w, p, left);
	for (i = 0; i < 4; i++)
		lane[i] = mix(lane[i] ^ w[i]);
	return mix(lane[0] + mix(lane[1] + mix(lane[2] + mix(lane[3] + len))));
}
