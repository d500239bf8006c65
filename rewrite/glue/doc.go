// Package glue writes saz_glue.c: the tables by which the runtime (runtime_c/saz_rt) finds a
// program's state, follows its pointers, and takes containers apart and puts them together again.
// The tables' C types, with what each member means, are in saz_tables.h.
//
// What the glue relies on is inserted into the user's sources by rewrite/track and rewrite/hook:
//
//	#include "saz_rt.h"             first line of each patched unit
//	saz_updated[ID] = 1;            before an update; ID is the index in plan.Result.Vars
//	SAZ_PACKET_SCOPE;               first declaration of a callback that gets packets
//	SAZ_RECEIVE(call)               a call that receives a packet; SAZ_RECEIVE_VOID(call); where it returns nothing
//	SAZ_LOOP(call)                  a call of a library loop; SAZ_LOOP_VOID
//	SAZ_IDLE(call)                  a call that blocks between packets (poll, select, sleep) in the procedure
//	                                of the loop; SAZ_IDLE_VOID.  Without it a request waits for the next packet.
//	saz_malloc(SITE, n)             malloc(n) at plan.Result.Sites; so calloc, realloc, reallocarray, strdup,
//	                                strndup, aligned_alloc, memalign, valloc, posix_memalign, asprintf, vasprintf
//	saz_free(p), saz_realloc(0, p, n)   free and realloc at plan.Result.Frees; site 0: the block keeps its own
//	saz_free                        free itself, where its address is taken (plan.Result.FreeRefs)
//	saz_adopt(SITE, call)           any other call whose result came from malloc
//	SAZ_STATIC(ID, name);           after the declaration of each variable in Statics, in its own scope
//	SAZ_STATIC_FN(ID, name);        the same for functions, at file scope
//
// The tables know nothing of the user's headers: variables and functions with a linker name are
// reached by that name, the others by their SAZ_STATIC records, types by offset and size. The
// symbols' numbers are those of plan.Result.Vars, then plan.Result.Globals that are not variables
// already, then the tails of lists; functions have numbers of their own.
package glue
