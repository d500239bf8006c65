/*
 * A splay tree in macros, after the fashion of BSD's sys/tree.h: top-down splaying (Sleator and
 * Tarjan, 1985).  name##_SPLAY brings what is nearest to the key to the root.
 */
#ifndef TREE_H
#define TREE_H

#include <stddef.h>

#define SPLAY_HEAD(name, type) \
	struct name { struct type *sph_root; }

#define SPLAY_ENTRY(type) \
	struct { struct type *spe_left, *spe_right; }

#define SPLAY_LEFT(elm, field) (elm)->field.spe_left
#define SPLAY_RIGHT(elm, field) (elm)->field.spe_right
#define SPLAY_ROOT(head) (head)->sph_root
#define SPLAY_EMPTY(head) (SPLAY_ROOT(head) == NULL)

#define SPLAY_ROTATE_RIGHT(head, tmp, field) do {                       \
	SPLAY_LEFT((head)->sph_root, field) = SPLAY_RIGHT(tmp, field);  \
	SPLAY_RIGHT(tmp, field) = (head)->sph_root;                     \
	(head)->sph_root = tmp;                                         \
} while (0)

#define SPLAY_ROTATE_LEFT(head, tmp, field) do {                        \
	SPLAY_RIGHT((head)->sph_root, field) = SPLAY_LEFT(tmp, field);  \
	SPLAY_LEFT(tmp, field) = (head)->sph_root;                      \
	(head)->sph_root = tmp;                                         \
} while (0)

#define SPLAY_LINKLEFT(head, tmp, field) do {                           \
	SPLAY_LEFT(tmp, field) = (head)->sph_root;                      \
	tmp = (head)->sph_root;                                         \
	(head)->sph_root = SPLAY_LEFT((head)->sph_root, field);         \
} while (0)

#define SPLAY_LINKRIGHT(head, tmp, field) do {                          \
	SPLAY_RIGHT(tmp, field) = (head)->sph_root;                     \
	tmp = (head)->sph_root;                                         \
	(head)->sph_root = SPLAY_RIGHT((head)->sph_root, field);        \
} while (0)

#define SPLAY_ASSEMBLE(head, node, left, right, field) do {             \
	SPLAY_RIGHT(left, field) = SPLAY_LEFT((head)->sph_root, field); \
	SPLAY_LEFT(right, field) = SPLAY_RIGHT((head)->sph_root, field);\
	SPLAY_LEFT((head)->sph_root, field) = SPLAY_RIGHT(node, field); \
	SPLAY_RIGHT((head)->sph_root, field) = SPLAY_LEFT(node, field); \
} while (0)

#define SPLAY_GENERATE(name, type, field, cmp)                          \
static void name##_SPLAY(struct name *head, struct type *elm)           \
{                                                                       \
	struct type node, *left, *right, *tmp;                          \
	int comp;                                                       \
	SPLAY_LEFT(&node, field) = SPLAY_RIGHT(&node, field) = NULL;    \
	left = right = &node;                                           \
	while ((comp = (cmp)(elm, (head)->sph_root)) != 0) {            \
		if (comp < 0) {                                         \
			tmp = SPLAY_LEFT((head)->sph_root, field);      \
			if (tmp == NULL)                                \
				break;                                  \
			if ((cmp)(elm, tmp) < 0) {                      \
				SPLAY_ROTATE_RIGHT(head, tmp, field);   \
				if (SPLAY_LEFT((head)->sph_root, field) == NULL) \
					break;                          \
			}                                               \
			SPLAY_LINKLEFT(head, right, field);             \
		} else {                                                \
			tmp = SPLAY_RIGHT((head)->sph_root, field);     \
			if (tmp == NULL)                                \
				break;                                  \
			if ((cmp)(elm, tmp) > 0) {                      \
				SPLAY_ROTATE_LEFT(head, tmp, field);    \
				if (SPLAY_RIGHT((head)->sph_root, field) == NULL) \
					break;                          \
			}                                               \
			SPLAY_LINKRIGHT(head, left, field);             \
		}                                                       \
	}                                                               \
	SPLAY_ASSEMBLE(head, &node, left, right, field);                \
}                                                                       \
static struct type *name##_SPLAY_INSERT(struct name *head, struct type *elm) \
{                                                                       \
	if (SPLAY_EMPTY(head)) {                                        \
		SPLAY_LEFT(elm, field) = SPLAY_RIGHT(elm, field) = NULL;\
	} else {                                                        \
		int comp;                                               \
		name##_SPLAY(head, elm);                                \
		comp = (cmp)(elm, (head)->sph_root);                    \
		if (comp < 0) {                                         \
			SPLAY_LEFT(elm, field) = SPLAY_LEFT((head)->sph_root, field); \
			SPLAY_RIGHT(elm, field) = (head)->sph_root;     \
			SPLAY_LEFT((head)->sph_root, field) = NULL;     \
		} else if (comp > 0) {                                  \
			SPLAY_RIGHT(elm, field) = SPLAY_RIGHT((head)->sph_root, field); \
			SPLAY_LEFT(elm, field) = (head)->sph_root;      \
			SPLAY_RIGHT((head)->sph_root, field) = NULL;    \
		} else {                                                \
			return (head)->sph_root;                        \
		}                                                       \
	}                                                               \
	(head)->sph_root = elm;                                         \
	return NULL;                                                    \
}                                                                       \
static struct type *name##_SPLAY_REMOVE(struct name *head, struct type *elm) \
{                                                                       \
	struct type *tmp;                                               \
	if (SPLAY_EMPTY(head))                                          \
		return NULL;                                            \
	name##_SPLAY(head, elm);                                        \
	if ((cmp)(elm, (head)->sph_root) != 0)                          \
		return NULL;                                            \
	if (SPLAY_LEFT((head)->sph_root, field) == NULL) {              \
		(head)->sph_root = SPLAY_RIGHT((head)->sph_root, field);\
	} else {                                                        \
		tmp = SPLAY_RIGHT((head)->sph_root, field);             \
		(head)->sph_root = SPLAY_LEFT((head)->sph_root, field); \
		name##_SPLAY(head, elm);                                \
		SPLAY_RIGHT((head)->sph_root, field) = tmp;             \
	}                                                               \
	return elm;                                                     \
}                                                                       \
static struct type *name##_SPLAY_FIND(struct name *head, struct type *elm) \
{                                                                       \
	if (SPLAY_EMPTY(head))                                          \
		return NULL;                                            \
	name##_SPLAY(head, elm);                                        \
	return (cmp)(elm, (head)->sph_root) == 0 ? (head)->sph_root : NULL; \
}

#define SPLAY_INSERT(name, x, y) name##_SPLAY_INSERT(x, y)
#define SPLAY_REMOVE(name, x, y) name##_SPLAY_REMOVE(x, y)
#define SPLAY_FIND(name, x, y) name##_SPLAY_FIND(x, y)

#endif
