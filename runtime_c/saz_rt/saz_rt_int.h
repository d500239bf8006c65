/*
 * saz_rt_int.h - what the runtime's files share.
 *
 * Reading order: saz_tables.h, saz_packet.c (packets and pauses), saz_heap.c (tracked blocks),
 * saz_types.c (words that hold addresses, and what is at an address), saz_container.c (entries),
 * saz_filter.c, saz_image.c (export), saz_import.c, saz_service.c (the socket), saz_door.c; saz_verify.c, saz_pages.c, saz_reach.c.
 *
 * The runtime is built with the program's own flags.  So it is C89 with what GCC has had for long,
 * and switches off the warnings that are a matter of the program's taste.
 */
#ifndef SAZ_RT_INT_H
#define SAZ_RT_INT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wpadded"
#pragma GCC diagnostic ignored "-Winline"
#pragma GCC diagnostic ignored "-Waggregate-return"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

#include <stddef.h>
#include <stdint.h>

#define SAZ_RUNTIME              /* code that looks at saz_log itself */
#include "saz_tables.h"

#ifndef SAZ_MAX_IMAGE_BYTES
#define SAZ_MAX_IMAGE_BYTES (1ul << 30)
#endif
#ifndef SAZ_HOLD_MS
#define SAZ_HOLD_MS 10000
#endif
#ifndef SAZ_PAUSE_MS
#define SAZ_PAUSE_MS 5000
#endif

#define SAZ_CHECK __attribute__((__warn_unused_result__))
#define SAZ_HIDDEN __attribute__((__visibility__("hidden")))
#define SAZ_COLD __attribute__((__noinline__, __cold__))  /* out of the way of what calls it each time */

/* ---- errors: the first is kept ---- */

struct saz_error {
	char code[24];          /* "" none; a word for programs */
	char text[168];         /* a sentence for people */
};
SAZ_HIDDEN int saz_fail(struct saz_error *e, const char *code, const char *format, ...)
        __attribute__((__format__(__printf__, 3, 4)));  /* returns 0 */

/* ---- memory of the runtime itself ---- */

SAZ_HIDDEN void *saz_mem_get(size_t size) SAZ_CHECK;                    /* zeroed */
SAZ_HIDDEN void *saz_mem_grow(void *p, size_t old, size_t size) SAZ_CHECK;
SAZ_HIDDEN void saz_mem_put(void *p);
#ifdef SAZ_TEST
extern long saz_test_fail_at;   /* this many allocations succeed, then one fails; -1: none fails */
extern long saz_test_allocs;
#endif
#define SAZ_NEW(type, count) ((type *)saz_mem_get(((count) ? (count) : 1) * sizeof(type)))

struct saz_buf {                /* bytes that grow; failed is sticky */
	unsigned char *data;
	size_t len, cap, limit;
	int failed;
};
SAZ_HIDDEN void *saz_buf_add(struct saz_buf *b, const void *data, size_t len);  /* NULL: failed; data NULL: zeroes */
SAZ_HIDDEN void saz_buf_free(struct saz_buf *b);

/* ---- saz_packet.c ---- */

enum saz_pause { SAZ_PAUSED, SAZ_NOT_READY, SAZ_ENDED, SAZ_BUSY };
SAZ_HIDDEN enum saz_pause saz_pause(int ms);
SAZ_HIDDEN void saz_unpause(void);
SAZ_HIDDEN uint64_t saz_packets(void);
SAZ_HIDDEN const char *saz_phase(void);         /* "starting", "running", "ended" */
SAZ_HIDDEN uint64_t saz_now_us(void);
SAZ_HIDDEN int saz_is_quiet(void);
SAZ_HIDDEN void saz_ask(void);

/* ---- saz_heap.c ---- */

#if SAZ_VERIFY
struct saz_reach {              /* which variables lead to an object */
	uint32_t set;           /* by number */
	uint32_t spread;        /* the set that what it points at has had from it */
	uint32_t site;          /* that it was of then */
};
#endif
struct saz_block {
	unsigned char *base;    /* NULL: a free place in the table */
	size_t size;
	uint32_t site;
	uint32_t mark;          /* of whoever has locked the heap; 0 when saz_heap_lock returns */
	uint32_t entry;         /* the same */
	uint32_t shot;          /* of saz_verify.c: number of its copy; 0: allocated since */
#if SAZ_VERIFY
	struct saz_reach reach; /* of saz_reach.c */
#endif
};
SAZ_HIDDEN void saz_heap_lock(void);            /* until the unlock, blocks stay where they are, ... */
SAZ_HIDDEN void saz_heap_unlock(void);
SAZ_HIDDEN void saz_heap_hold(void);            /* the same, but marks and what was sorted stay as they are */
SAZ_HIDDEN void saz_heap_release(void);
SAZ_HIDDEN struct saz_block *saz_heap_find(const void *base);
SAZ_HIDDEN struct saz_block *saz_heap_at(const void *p, int past_end);
SAZ_HIDDEN struct saz_block *saz_heap_next(struct saz_block *b);        /* NULL: first, and after the last */
SAZ_HIDDEN int saz_heap_reserve(size_t more) SAZ_CHECK;
SAZ_HIDDEN void saz_heap_add(void *base, size_t size, uint32_t site);   /* ... until one of these; */
SAZ_HIDDEN void saz_heap_drop(void *base);                              /* drop also frees */
SAZ_HIDDEN void saz_heap_clear_marks(void);
SAZ_HIDDEN void saz_heap_stats(size_t *blocks, size_t *bytes);
SAZ_HIDDEN void saz_heap_fork(int when);        /* 0 before, 1 after */
SAZ_HIDDEN int saz_heap_complete(struct saz_error *e) SAZ_CHECK;        /* every block was written down */

/* ---- saz_types.c ---- */

/* Calls fn for each word of an object of elements of the type that may hold an address, by offset. */
typedef int saz_slot_fn(void *ctx, size_t off, const struct saz_slot *slot);
SAZ_HIDDEN int saz_slots(unsigned type, size_t size, saz_slot_fn *fn, void *ctx);       /* 0: fn returned 0 */
/* The same for the words of which a byte is at lo or later, but before hi; fn may be called for others too. */
SAZ_HIDDEN int saz_slots_in(unsigned type, size_t size, size_t lo, size_t hi, saz_slot_fn *fn, void *ctx);

SAZ_HIDDEN const struct saz_slot *saz_slot_at(unsigned type, size_t size, size_t off);  /* NULL: no slot */

enum saz_what { SAZ_NOTHING, SAZ_BLOCK, SAZ_SYMBOL, SAZ_FUNCTION, SAZ_RODATA };
struct saz_target {
	enum saz_what what;
	struct saz_block *block;
	uint32_t index;         /* symbol, function */
	size_t off;             /* in the object; SAZ_RODATA: in the module */
};
SAZ_HIDDEN void saz_resolve(const void *p, int past_end, struct saz_target *out);
SAZ_HIDDEN int saz_fits(unsigned want, unsigned type, size_t size, size_t off); /* may a pointer to want point there? */
SAZ_HIDDEN unsigned saz_site_type(uint32_t site);
SAZ_HIDDEN const char *saz_rodata(size_t off, size_t len);      /* of the program; NULL: not there */
SAZ_HIDDEN size_t saz_literal_len(const char *s, size_t max);   /* with its NUL; 0: has none */
SAZ_HIDDEN int saz_same_bytes(const void *a, const void *b, size_t len);
#ifdef __clang__
#define SAZ_UNCHECKED __attribute__((__no_sanitize__("address", "undefined")))
#else
#define SAZ_UNCHECKED __attribute__((__no_sanitize_address__, __no_sanitize_undefined__))
#endif
SAZ_HIDDEN int saz_writable(const struct saz_symbol *s);
SAZ_HIDDEN uint64_t saz_module_id(void);
SAZ_HIDDEN uint64_t saz_types_digest(void);
SAZ_HIDDEN uint64_t saz_hash(uint64_t seed, const void *data, size_t len);
SAZ_HIDDEN void saz_tables_start(void);
SAZ_HIDDEN void saz_tables_init(void);          /* before anything else of saz_types.c, by the one thread that uses it */
typedef void saz_span_fn(void *ctx, const unsigned char *lo, const unsigned char *hi);
SAZ_HIDDEN void saz_module_data(saz_span_fn *fn, void *ctx);    /* the writable parts of the program */

/* ---- saz_filter.c ---- */

struct saz_flow {               /* an entry's key, in one form whatever the entry keeps */
	unsigned have;          /* bit set of enum saz_header */
	unsigned char addr[2][16];      /* IPv4: first four bytes, the rest zero */
	unsigned char mac[2][6];
	uint16_t port[2];
	uint16_t dl_type, vlan;
	unsigned char proto;
};
struct saz_filter;
SAZ_HIDDEN struct saz_filter *saz_filter_parse(const char *text, struct saz_error *e);  /* terms,terms... separated by blanks */
SAZ_HIDDEN void saz_filter_free(struct saz_filter *f);
enum saz_match { SAZ_NO_MATCH, SAZ_MATCH_COPY, SAZ_MATCH_MOVE };
SAZ_HIDDEN enum saz_match saz_filter_match(const struct saz_filter *f, const struct saz_flow *k, int both_ways);
SAZ_HIDDEN int saz_filter_is_all(const struct saz_filter *f);
SAZ_HIDDEN void saz_flow_of(const struct saz_container *c, const void *entry, struct saz_flow *k);
SAZ_HIDDEN void saz_flow_canonical(const struct saz_container *c, struct saz_flow *k);

/* ---- saz_container.c ---- */

struct saz_entry {
	unsigned char *base;
	uint32_t container, bucket;
	uint32_t also;          /* index + 1 of the same block's entry in another container; 0 none */
	uint32_t match;         /* enum saz_match */
};
struct saz_entries {
	struct saz_entry *list;
	size_t n;
};
/* All entries of all containers, heap locked; blocks' entry is the index + 1 in list. */
SAZ_HIDDEN int saz_entries_find(struct saz_entries *out, struct saz_error *e) SAZ_CHECK;
SAZ_HIDDEN void saz_entries_free(struct saz_entries *x);
SAZ_HIDDEN unsigned char *saz_heads(const struct saz_container *c, size_t *count);
SAZ_HIDDEN void saz_unlink_marked(const struct saz_container *c);       /* entries whose block's mark is SAZ_GOING */
struct saz_cursor {             /* the end of one bucket; starts as zeroes */
	const struct saz_container *c;
	size_t bucket;
	unsigned char *slot, *last;
};
SAZ_HIDDEN void saz_append(struct saz_cursor *at, const struct saz_container *c, size_t bucket, void *entry);
SAZ_HIDDEN void saz_fix_tail(const struct saz_container *c);
SAZ_HIDDEN int saz_is_link(const struct saz_container *c, size_t off);

/* Frees those of the blocks that nothing else in the program's memory points at. */
struct saz_candidate {
	unsigned char *base;
	size_t size, next;
	int needed;
};
#define SAZ_GOING 1u            /* a candidate that was added by saz_release_add */
#define SAZ_REACHED 2u
struct saz_release {
	struct saz_candidate *list;
	size_t n, cap, reached, freed, kept, todo;
};
SAZ_HIDDEN int saz_release_add(struct saz_release *r, struct saz_block *b) SAZ_CHECK;
/* Adds what can be reached from the candidates, or from a range of a symbol.  Entries of containers
 * are not reached, nor anything by an entry's links. */
SAZ_HIDDEN int saz_reach(struct saz_release *r, const struct saz_entries *x) SAZ_CHECK;
SAZ_HIDDEN int saz_reach_symbol(struct saz_release *r, const struct saz_entries *x, uint32_t symbol, size_t off,
                                size_t len) SAZ_CHECK;
SAZ_HIDDEN void saz_release_run(struct saz_release *r);         /* heap locked; cannot fail */
SAZ_HIDDEN void saz_release_free(struct saz_release *r);
SAZ_HIDDEN void *saz_load(const void *slot);
SAZ_HIDDEN void saz_store(void *slot, const void *value);

/* ---- saz_image.c ---- */

#define SAZ_MAGIC "SAZIMG1"
#define SAZ_IMAGE_VERSION 1u
#define SAZ_ORDER 0x01020304u
#define SAZ_I_SNAPSHOT 1u       /* everything, to take the place of what the receiver has */
#define SAZ_I_STATE 2u          /* variables too, to be merged */
#define SAZ_I_LOOSE 4u          /* some pointer points at what its type does not fit */

struct saz_image_header {
	char magic[8];
	uint32_t version, flags;
	uint64_t length;                /* of all, header included */
	uint64_t fingerprint, types, module;
	uint32_t order, word;
	uint32_t nvars, nblocks, nentries, nvrefs, nbrefs, nliterals;
	uint64_t packets;               /* of the sender, for people */
	uint64_t checksum;              /* of all but these eight bytes; last in the header */
};
struct saz_image_var { uint32_t symbol, op; uint64_t off, len; };       /* + bytes, to a multiple of 8 */
struct saz_image_block { uint32_t site, flags; uint64_t size; };        /* + bytes, to a multiple of 8 */
struct saz_image_entry { uint32_t container, bucket, block, shared; };
struct saz_image_ref { uint32_t from, kind; uint64_t off; uint32_t target, spare; uint64_t toff; };
struct saz_image_literal { uint64_t off; uint64_t len; };               /* + bytes, to a multiple of 8 */

enum saz_ref_kind { SAZ_R_BLOCK = 1, SAZ_R_SYMBOL, SAZ_R_FUNCTION, SAZ_R_LITERAL, SAZ_R_RODATA,
	SAZ_R_KEEP,             /* of variables: what the receiver has there */
	SAZ_R_OWN               /* of blocks: what the receiver has in a word of a symbol that belongs to a library */
};

struct saz_counts {
	size_t entries, shared, replaced, vars, blocks, bytes;
	size_t opaque, lost;            /* addresses that were left behind: of libraries; of nothing we know */
	size_t freed, kept;
	size_t manual;                  /* updated ranges without a rule to merge them */
};

struct saz_export {
	struct saz_buf image;
	struct saz_counts counts;
	unsigned char **taken;          /* blocks of the selected entries */
	size_t ntaken;
	unsigned flags;
};
SAZ_HIDDEN int saz_export(const struct saz_filter *f, unsigned flags, size_t limit, struct saz_export *out,
                          struct saz_error *e) SAZ_CHECK;
SAZ_HIDDEN int saz_export_commit(struct saz_export *x, struct saz_error *e) SAZ_CHECK;  /* deletes what was taken */
SAZ_HIDDEN void saz_export_free(struct saz_export *x);
SAZ_HIDDEN uint64_t saz_image_sum(const unsigned char *image, size_t len);

/* ---- saz_import.c ---- */

struct saz_import;
SAZ_HIDDEN struct saz_import *saz_import_stage(const void *image, size_t len, struct saz_error *e); /* changes nothing */
SAZ_HIDDEN void saz_import_commit(struct saz_import *x, struct saz_counts *counts);     /* cannot fail */
SAZ_HIDDEN void saz_import_free(struct saz_import *x);

/* ---- saz_verify.c ---- */

#if SAZ_VERIFY
#define SAZ_VERIFY_STATUS 86    /* of a program in which an update was not announced */
SAZ_HIDDEN void saz_verify_start(void);
SAZ_HIDDEN void saz_verify_touch(void);
SAZ_HIDDEN void saz_verify_wait(void);
SAZ_HIDDEN int saz_others_busy(void);    /* saz_packet.c */
SAZ_HIDDEN void saz_verify_begin(const void *thread, void (*clear)(void));
SAZ_HIDDEN void saz_verify_end(const void *thread, int kept);
SAZ_HIDDEN void saz_verify_fork(void);
SAZ_HIDDEN void saz_verify_fork_parent(void);
SAZ_HIDDEN void saz_verify_forked(const void *thread, int in_packet);

/* ---- saz_pages.c ---- */

SAZ_HIDDEN void saz_pages_start(void);
SAZ_HIDDEN void saz_pages_use(int use);
SAZ_HIDDEN void saz_pages_look(void);
SAZ_HIDDEN void saz_pages_forget(void);
SAZ_HIDDEN size_t saz_pages_run(const void *p, size_t len, int *written);
SAZ_HIDDEN void saz_pages_forked(void);

/* ---- saz_reach.c ---- */

SAZ_HIDDEN void saz_reach_start(unsigned roots);
SAZ_HIDDEN uint32_t saz_reach_with(uint32_t set, unsigned root);
SAZ_HIDDEN int saz_reach_meets(uint32_t set, const uint64_t *roots);
/* What it points at, or what it did not point at when it was as in old; heap held, until ... */
SAZ_HIDDEN void saz_reach_from(const void *base, const void *old, size_t size, unsigned type, struct saz_reach *of);
SAZ_HIDDEN void saz_reach_spread(struct saz_reach *(*of_symbol)(unsigned symbol, const void **base, size_t *size, unsigned *type));
SAZ_HIDDEN int saz_reach_failed(void);
SAZ_HIDDEN void saz_reach_clear(void);          /* of all blocks; symbols' are their owner's */
SAZ_HIDDEN void saz_reach_born(struct saz_block *b);
SAZ_HIDDEN void saz_reach_gone(const struct saz_block *b);
#endif

/* ---- saz_service.c ---- */

SAZ_HIDDEN void saz_service_start(void);
SAZ_HIDDEN void saz_service_thread(void);       /* starts it, once */
SAZ_HIDDEN void saz_service_forked(void);

/* ---- saz_door.c ---- */

SAZ_HIDDEN int saz_door_open(int listener);     /* 0: the thread must be there from the start */
SAZ_HIDDEN void saz_door_shut(void);
SAZ_HIDDEN void saz_door_forked(void);

#endif
