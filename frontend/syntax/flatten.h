/* Parsing and flattening in one call from Go: a call through cgo costs as much
 * as several nodes, and tree-sitter's cursor is two calls a node.
 *
 * Only what is used of tree-sitter's API is declared here. The functions are in
 * the copy of the library that the go-tree-sitter module links in; its header is
 * not on our include path. */
#ifndef SAZ_FLATTEN_H
#define SAZ_FLATTEN_H

#include <stdint.h>

typedef struct {
	uint32_t context[4];
	const void *id;
	const void *tree;
} saz_TSNode;

/* As syntax.Node. */
typedef struct {
	uint16_t sym, field;
	uint8_t named;
	int32_t tok, end, up, next;
} saz_node;

typedef struct {
	void *parser;
	saz_node *nodes;
	int32_t cap;
} saz_flattener;

/* go-tree-sitter has each allocation go through Go and back, which doubles the
 * cost of a parse. This undoes it; before anything is allocated. */
void saz_plain_allocator(void);

saz_flattener *saz_flattener_new(const void *language);
void saz_flattener_free(saz_flattener *f);

/* The number of nodes, which are in f->nodes until the next call; -1 when out
 * of memory. *bad is the index of the first ERROR or MISSING node, or -1. */
int32_t saz_flatten(saz_flattener *f, const char *text, uint32_t len, const int32_t *tok_at, int32_t *bad);

#endif
