#include "flatten.h"

#include <stdbool.h>
#include <stdlib.h>

typedef struct {
	const void *tree;
	const void *id;
	uint32_t context[3];
} saz_TSTreeCursor;

void ts_set_allocator(void *(*malloc)(size_t), void *(*calloc)(size_t, size_t), void *(*realloc)(void *, size_t), void (*free)(void *));
void *ts_parser_new(void);
void ts_parser_delete(void *parser);
bool ts_parser_set_language(void *parser, const void *language);
void *ts_parser_parse_string(void *parser, const void *old_tree, const char *string, uint32_t length);
void ts_tree_delete(void *tree);
saz_TSNode ts_tree_root_node(const void *tree);
saz_TSTreeCursor ts_tree_cursor_new(saz_TSNode node);
void ts_tree_cursor_delete(saz_TSTreeCursor *cursor);
saz_TSNode ts_tree_cursor_current_node(const saz_TSTreeCursor *cursor);
uint16_t ts_tree_cursor_current_field_id(const saz_TSTreeCursor *cursor);
bool ts_tree_cursor_goto_first_child(saz_TSTreeCursor *cursor);
bool ts_tree_cursor_goto_next_sibling(saz_TSTreeCursor *cursor);
bool ts_tree_cursor_goto_parent(saz_TSTreeCursor *cursor);
uint16_t ts_node_symbol(saz_TSNode node);
bool ts_node_is_named(saz_TSNode node);
bool ts_node_is_error(saz_TSNode node);
bool ts_node_is_missing(saz_TSNode node);
bool ts_node_has_error(saz_TSNode node);
uint32_t ts_node_start_byte(saz_TSNode node);
uint32_t ts_node_end_byte(saz_TSNode node);

void saz_plain_allocator(void)
{
	ts_set_allocator(NULL, NULL, NULL, NULL);
}

saz_flattener *saz_flattener_new(const void *language)
{
	saz_flattener *f = calloc(1, sizeof *f);
	if (!f)
		return NULL;
	f->parser = ts_parser_new();
	if (!ts_parser_set_language(f->parser, language)) {
		saz_flattener_free(f);
		return NULL;
	}
	return f;
}

void saz_flattener_free(saz_flattener *f)
{
	ts_parser_delete(f->parser);
	free(f->nodes);
	free(f);
}

int32_t saz_flatten(saz_flattener *f, const char *text, uint32_t len, const int32_t *tok_at, int32_t *bad)
{
	void *tree = ts_parser_parse_string(f->parser, NULL, text, len);
	if (!tree)
		return -1;
	saz_TSNode root = ts_tree_root_node(tree);
	bool errors = ts_node_has_error(root);
	saz_TSTreeCursor cur = ts_tree_cursor_new(root);
	int32_t n = 0, up = -1;
	*bad = -1;
	for (;;) {
		saz_TSNode node = ts_tree_cursor_current_node(&cur);
		if (n == f->cap) {
			int32_t cap = f->cap ? 2 * f->cap : 1024;
			saz_node *p = realloc(f->nodes, (size_t)cap * sizeof *p);
			if (!p) {
				n = -1;
				break;
			}
			f->nodes = p;
			f->cap = cap;
		}
		int32_t me = n++;
		saz_node *o = &f->nodes[me];
		uint32_t start = ts_node_start_byte(node), end = ts_node_end_byte(node);
		o->sym = ts_node_symbol(node);
		o->field = ts_tree_cursor_current_field_id(&cur);
		o->named = ts_node_is_named(node);
		o->tok = tok_at[start];
		o->end = tok_at[end];
		o->up = up;
		if (errors && *bad < 0 && (ts_node_is_error(node) || ts_node_is_missing(node)))
			*bad = me;

		/* The parts of a literal are inside one token: not wanted. */
		bool leaf = o->end - o->tok == 1 && (text[start] == '"' || text[start] == '\'');
		if (!leaf && ts_tree_cursor_goto_first_child(&cur)) {
			up = me;
			continue;
		}
		o->next = n;
		bool more;
		while (!(more = ts_tree_cursor_goto_next_sibling(&cur))) {
			if (up < 0)
				break;
			f->nodes[up].next = n;
			up = f->nodes[up].up;
			if (!ts_tree_cursor_goto_parent(&cur))
				break;
			if (up < 0)
				break;
		}
		if (!more)
			break;
	}
	ts_tree_cursor_delete(&cur);
	ts_tree_delete(tree);
	return n;
}
