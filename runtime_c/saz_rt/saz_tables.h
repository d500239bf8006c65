/*
 * saz_tables.h - the tables in which the generated saz_glue.c describes a program to the runtime.
 *
 *   saz_symbols[]      tracked variables (number ID = index in saz_updated), then other globals
 *     type, size  --->  saz_types[]      elements of one type, with the words that hold addresses
 *   saz_ranges[]       the bytes of tracked variables that packets update, and how they merge
 *   saz_sites[]        allocation sites ---> type of an element of the block
 *   saz_functions[]    functions whose address may be kept in state
 *   saz_containers[]   lists and hash tables of entries, with the entries' keys
 *
 * All are constant but for the addresses of static symbols, which arrive at start-up by way of
 * SAZ_STATIC records.
 */
#ifndef SAZ_TABLES_H
#define SAZ_TABLES_H

#include "saz_rt.h"

/* What a word of a type holds. */
enum saz_kind {
	SAZ_NEST = 1,           /* not a word: a value of another, earlier type */
	SAZ_PTR = 2,            /* address of an object; type says of which type, SAZ_BYTES: any */
	SAZ_STR = 3,            /* address of characters: may be a literal */
	SAZ_FUN = 4,            /* address of a function */
	SAZ_OPQ = 5,            /* belongs to a library: stays the receiver's own */
	SAZ_ANY = 6             /* an address or a number: union members, memory of unknown type */
};

struct saz_slot {
	__SIZE_TYPE__ off;
	__SIZE_TYPE__ count;    /* how often, for arrays; 0: up to the end of the object */
	__SIZE_TYPE__ stride;
	unsigned type;
	unsigned char kind;
};

#define SAZ_BYTES 0u            /* type of memory without addresses; each table begins with these two */
#define SAZ_WORDS 1u            /* type of memory of which nothing is known */

#define SAZ_T_TAIL 1u           /* ends in a flexible array: one element fills its object */

struct saz_type {
	const char *name;
	__SIZE_TYPE__ size;
	const struct saz_slot *slots;   /* by offset */
	unsigned nslots;
	unsigned flags;
	unsigned align;
};

struct saz_symbol {
	const char *name;
	void *address;          /* NULL: a local, thread-local, or a static whose record is missing */
	__SIZE_TYPE__ size;
	unsigned type;          /* of an element; size / type.size of them */
};

struct saz_function {
	const char *name;
	void (*address)(void);
};

struct saz_site {
	unsigned type;
	const char *where;
};

enum saz_op { SAZ_MANUAL, SAZ_REPLACE, SAZ_ADD, SAZ_MAX, SAZ_MIN, SAZ_LINKS };
enum saz_num { SAZ_RAW, SAZ_UNSIGNED, SAZ_SIGNED, SAZ_FLOAT };

/* SAZ_LINKS: heads of a container; entries travel, not the head. */
struct saz_range {
	unsigned symbol;
	__SIZE_TYPE__ off, len;
	unsigned char op;       /* enum saz_op */
	unsigned char num;      /* enum saz_num, of elements of width bytes */
	unsigned char width;
};

enum saz_header {                /* the sources and destinations are neighbours: saz_filter.c swaps them */
	SAZ_NW_SRC, SAZ_NW_DST, SAZ_TP_SRC, SAZ_TP_DST, SAZ_NW_PROTO, SAZ_DL_TYPE, SAZ_DL_SRC, SAZ_DL_DST,
	SAZ_DL_VLAN, SAZ_NHEADERS
};

struct saz_key {
	__SIZE_TYPE__ off;
	unsigned char size;
	unsigned char header;   /* enum saz_header */
	unsigned char net;      /* network byte order */
};

enum saz_prev { SAZ_NO_PREV, SAZ_PREV, SAZ_PPREV };     /* PPREV: address of the pointer to this entry */

struct saz_container {
	const char *name;
	unsigned symbol;
	__SIZE_TYPE__ head_off; /* of the first head in the symbol; where indirect, of the pointer to the heads */
	__SIZE_TYPE__ buckets;  /* 0: as many as the indirect block holds */
	__SIZE_TYPE__ stride;
	unsigned char indirect;
	unsigned char prev;     /* enum saz_prev */
	unsigned char both_ways;
	unsigned char tail;     /* tail_symbol is the address of the last entry */
	unsigned entry;         /* type */
	__SIZE_TYPE__ next_off, prev_off;
	unsigned tail_symbol;
	const struct saz_key *keys;
	unsigned nkeys;
};

/* The glue defines one of these. */
struct saz_program {
	const char *name;
	__UINT64_TYPE__ fingerprint;    /* of all that follows */
	const struct saz_type *types;
	unsigned ntypes;
	struct saz_symbol *symbols;
	unsigned nsymbols;
	struct saz_function *functions;
	unsigned nfunctions;
	const struct saz_site *sites;   /* [0] is not used */
	unsigned nsites;
	const struct saz_range *ranges; /* by symbol and offset, disjoint */
	unsigned nranges;
	const struct saz_container *containers;
	unsigned ncontainers;
	unsigned char *updated;
	struct saz_var_view *view;      /* saz_vars_view, writable */
	unsigned nvars;
	unsigned keep_blocks;           /* locals may point at entries: never free what a peer has taken */
};

extern const unsigned char *const saz_groups[];      /* SAZ_GROUPS of them: 1 for each member, as in saz_updated */
extern const struct saz_program saz_program;

/* ---- --verify only: what is claimed of the variables, and names for people ---- */

enum saz_claim { SAZ_ANNOUNCED, SAZ_CONSTANT, SAZ_BORROWED, SAZ_UNUSED };   /* see saz_verify.c */

struct saz_watch {
	unsigned symbol;
	unsigned char claim;    /* enum saz_claim */
};

struct saz_field {
	const char *name;
	unsigned type;          /* that it is a member of */
	unsigned sub;           /* its own, of one element; SAZ_BYTES: no members */
	__SIZE_TYPE__ off, size;
};

struct saz_verify_tables {
	const struct saz_watch *watches;
	unsigned nwatches;
	unsigned hidden;                /* variables without an address: locals, thread-local ones */
	const struct saz_field *fields;
	unsigned nfields;
	unsigned whole_run;             /* what comes before the first packet counts as one */
};

extern const struct saz_verify_tables saz_verify_tables;

#endif
