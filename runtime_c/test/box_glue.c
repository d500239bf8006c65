/* What saz generates, written by hand for box.c. */
#include "saz_tables.h"

extern char saz_sym_1[] __asm__("hosts");
extern char saz_sym_2[] __asm__("hosts_tail");
extern char saz_sym_3[] __asm__("stats");

#if SAZ_THREADS
__thread unsigned char saz_own_marks[8] __attribute__((__aligned__(8)));
#undef saz_updated
#endif
unsigned char saz_updated[8] __attribute__((__aligned__(8)));
const unsigned saz_nvars = 7;
struct saz_var_view saz_view[7] __asm__("saz_vars_view");

enum { BYTES, WORDS, SERVICE, HOST, ITEM, NOTE, LIMITS, CONN_U, CONN, CONN_P, HOST_P, STATS, N4, N8, NTYPES };

static const struct saz_slot saz_slots_words[] = { { 0, 0, 8, BYTES, SAZ_ANY } };
static const struct saz_slot saz_slots_service[] = { { 0, 1, 8, SERVICE, SAZ_PTR }, { 16, 1, 8, BYTES, SAZ_STR } };
static const struct saz_slot saz_slots_host[] = {
	{ 0, 1, 8, HOST, SAZ_PTR }, { 8, 1, 8, HOST, SAZ_PTR }, { 16, 1, 8, SERVICE, SAZ_PTR }
};
static const struct saz_slot saz_slots_item[] = { { 0, 1, 8, BYTES, SAZ_STR } };
static const struct saz_slot saz_slots_note[] = { { 8, 0, 16, ITEM, SAZ_NEST } };
static const struct saz_slot saz_slots_limits[] = { { 0, 1, 8, BYTES, SAZ_STR } };
static const struct saz_slot saz_slots_conn_u[] = { { 0, 1, 8, BYTES, SAZ_ANY } };
static const struct saz_slot saz_slots_conn[] = {
	{ 0, 1, 8, CONN, SAZ_PTR }, { 8, 1, 8, CONN, SAZ_PTR }, { 32, 1, 8, BYTES, SAZ_FUN },
	{ 40, 1, 8, HOST, SAZ_PTR }, { 48, 1, 8, N4, SAZ_PTR }, { 72, 1, 8, BYTES, SAZ_OPQ },
	{ 80, 1, 8, CONN_U, SAZ_NEST }, { 88, 1, 8, NOTE, SAZ_PTR }, { 96, 1, 8, CONN_P, SAZ_PTR }
};
static const struct saz_slot saz_slots_conn_p[] = { { 0, 1, 8, CONN, SAZ_PTR } };
static const struct saz_slot saz_slots_host_p[] = { { 0, 1, 8, HOST, SAZ_PTR } };
static const struct saz_slot saz_slots_stats[] = { { 40, 1, 8, BYTES, SAZ_STR }, { 48, 1, 8, BYTES, SAZ_OPQ } };

#define SLOTS(s) s, sizeof s / sizeof s[0]
static const struct saz_type saz_types[NTYPES] = {
	{ "bytes", 1, 0, 0, 0, 1 },
	{ "words", 8, SLOTS(saz_slots_words), SAZ_T_TAIL, 8 },
	{ "struct service", 24, SLOTS(saz_slots_service), 0, 8 },
	{ "struct host", 40, SLOTS(saz_slots_host), 0, 8 },
	{ "struct item", 16, SLOTS(saz_slots_item), 0, 8 },
	{ "struct note", 8, SLOTS(saz_slots_note), SAZ_T_TAIL, 8 },
	{ "struct limits", 16, SLOTS(saz_slots_limits), 0, 8 },
	{ "union conn.u", 8, SLOTS(saz_slots_conn_u), 0, 8 },
	{ "struct conn", 112, SLOTS(saz_slots_conn), 0, 8 },
	{ "struct conn *", 8, SLOTS(saz_slots_conn_p), 0, 8 },
	{ "struct host *", 8, SLOTS(saz_slots_host_p), 0, 8 },
	{ "stats", 56, SLOTS(saz_slots_stats), 0, 8 },
	{ "4 bytes", 4, 0, 0, 0, 4 },
	{ "8 bytes", 8, 0, 0, 0, 8 }
};

static struct saz_symbol saz_symbols[] = {
	{ "table", 0, 128, CONN_P },
	{ "hosts", saz_sym_1, 8, HOST_P },
	{ "hosts_tail", saz_sym_2, 8, HOST_P },
	{ "stats", saz_sym_3, 56, STATS },
	{ "next_id.last", 0, 8, BYTES },
	{ "limits", 0, 32, LIMITS },
	{ "latest", 0, 8, CONN_P }
};
static struct saz_function saz_functions[] = { { "score_tcp", 0 }, { "score_other", 0 } };
static const struct saz_site saz_sites[] = {
	{ BYTES, "" }, { HOST, "box.c:121" }, { SERVICE, "box.c:145" }, { CONN, "box.c:188" }, { NOTE, "box.c:158" },
	{ BYTES, "box.c:168" }
};
static const struct saz_range saz_ranges[] = {
	{ 0, 0, 128, SAZ_LINKS, SAZ_RAW, 0 },
	{ 1, 0, 8, SAZ_LINKS, SAZ_RAW, 0 },
	{ 2, 0, 8, SAZ_LINKS, SAZ_RAW, 0 },
	{ 3, 0, 16, SAZ_ADD, SAZ_UNSIGNED, 8 },
	{ 3, 16, 8, SAZ_MAX, SAZ_SIGNED, 8 },
	{ 3, 24, 4, SAZ_MIN, SAZ_UNSIGNED, 4 },
	{ 3, 32, 8, SAZ_MANUAL, SAZ_FLOAT, 8 },
	{ 3, 40, 8, SAZ_REPLACE, SAZ_RAW, 0 },
	{ 4, 0, 8, SAZ_MAX, SAZ_UNSIGNED, 8 },
	{ 6, 0, 8, SAZ_REPLACE, SAZ_RAW, 0 }
};
static const struct saz_key saz_conn_keys[] = {
	{ 16, 4, SAZ_NW_SRC, 1 }, { 20, 4, SAZ_NW_DST, 1 }, { 24, 2, SAZ_TP_SRC, 0 }, { 26, 2, SAZ_TP_DST, 0 },
	{ 28, 1, SAZ_NW_PROTO, 0 }
};
static const struct saz_key saz_host_keys[] = { { 32, 4, SAZ_NW_SRC, 1 } };
static const struct saz_container saz_containers[] = {
	{ "table", 0, 0, 16, 8, 0, SAZ_PREV, 1, 0, CONN, 0, 8, 0, saz_conn_keys, 5 },
	{ "hosts", 1, 0, 1, 8, 0, SAZ_NO_PREV, 0, 1, HOST, 0, 0, 2, saz_host_keys, 1 }
};

#define N(a) sizeof a / sizeof a[0]
const struct saz_program saz_program = {
	"box", 0x1234567890abcdefu, saz_types, N(saz_types), saz_symbols, N(saz_symbols), saz_functions, N(saz_functions), saz_sites, N(saz_sites),
	saz_ranges, N(saz_ranges), saz_containers, N(saz_containers), saz_updated, saz_view, 7, 0
};
