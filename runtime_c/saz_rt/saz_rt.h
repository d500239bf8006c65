/*
 * saz_rt.h - what saz inserts into a middlebox's own sources, and nothing more.
 *
 * This header stands at the top of each patched file, before the file's own lines.  So it includes
 * no other header, defines nothing outside saz_ and SAZ_, and compiles in silence from -std=c89
 * -Wpedantic to gnu2x.
 *
 * Compile-time options of the runtime (saz_rt_int.h has their defaults):
 *
 *   SAZ_NO_SERVICE        no socket, no thread: marks and packet brackets only
 *   SAZ_MAX_IMAGE_BYTES   largest image that is taken or made (also $SAZ_MAX_IMAGE)
 *   SAZ_HOLD_MS           how long a peer may keep the instance paused
 *   SAZ_PAUSE_MS          how long a request waits for a quiescent point
 *   SAZ_TEST              each internal allocation can be made to fail (runtime_c/test)
 */
#ifndef SAZ_RT_H
#define SAZ_RT_H

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what outside checkers read --------------------------------------------------------- */

struct saz_var_view {
	const char *name;
	void *address;                  /* NULL: a local */
	__SIZE_TYPE__ size;
};

extern unsigned char saz_updated[];     /* [ID] is 1 when variable ID was updated by this packet */
extern const unsigned saz_nvars;
extern const struct saz_var_view saz_vars_view[];

/* ---- packets ---------------------------------------------------------------------------- */

/* First statement of a callback that a library calls with a packet: the packet is what happens
 * between here and the callback's return.  An inner scope belongs to the outer one's packet. */
#define SAZ_PACKET_SCOPE \
	void *saz_scope __attribute__((__unused__, __cleanup__(saz_packet_leave))) = \
	        saz_packet_enter(&saz_scope, __builtin_frame_address(0))

/* A call that receives a packet, in a loop of the program: the packet before it has ended, and the
 * next one begins when it returns. */
#define SAZ_RECEIVE(call) \
	(__extension__({ \
		__auto_type saz_received = (saz_wait(), (call)); \
		saz_packet_begin(); \
		saz_received; \
	}))
#define SAZ_RECEIVE_VOID(call) (saz_wait(), (call), saz_packet_begin())

/* A call that blocks between packets without receiving one (poll, select, epoll_wait, sleep). */
#define SAZ_IDLE(call) \
	(__extension__({ \
		__auto_type saz_idled = (saz_wait(), (call)); \
		saz_resume(); \
		saz_idled; \
	}))
#define SAZ_IDLE_VOID(call) (saz_wait(), (call), saz_resume())

/* A call of a library loop (pcap_loop, pcap_dispatch) whose callbacks have SAZ_PACKET_SCOPE. */
#define SAZ_LOOP(call) \
	(__extension__({ \
		__auto_type saz_looped = (saz_ready(), (call)); \
		saz_done(); \
		saz_looped; \
	}))
#define SAZ_LOOP_VOID(call) (saz_ready(), (call), saz_done())

void *saz_packet_enter(void **scope, void *frame);
void saz_packet_leave(void **scope);
void saz_packet_begin(void);            /* of this thread; marks are cleared */
void saz_packet_end(void);
void saz_wait(void);                    /* this thread's packet, if any, has ended: a quiescent point */
void saz_resume(void);                  /* after saz_wait: the thread touches state, but has no packet yet */
void saz_ready(void);                   /* initialisation is over */
void saz_done(void);                    /* a library loop returned: what follows is the program's end */

/* ---- addresses of static variables and functions ---------------------------------------- */

struct saz_addr {
	const volatile void *address;
	__SIZE_TYPE__ id;
};
struct saz_fn_addr {
	void (*address)(void);
	__SIZE_TYPE__ id;
};

/* After the declaration, in the same scope.  ID is the variable's index in the glue's symbols. */
#define SAZ_STATIC(ID, var) \
	static const struct saz_addr saz_addr_##ID \
	        __attribute__((__used__, __section__("saz_addrs"))) = { &(var), ID }
/* After the declaration, at file scope. */
#define SAZ_STATIC_FN(ID, fn) \
	static const struct saz_fn_addr saz_fn_addr_##ID \
	        __attribute__((__used__, __section__("saz_fn_addrs"))) = { \
		(void (*)(void))(fn), ID }

/* ---- tracked allocation ----------------------------------------------------------------- */

/* As their namesakes, with the number of the allocation site in front.  free and realloc also take
 * blocks that are not tracked; with site 0, realloc leaves a block's site, or lack of one, as it is. */
void *saz_malloc(unsigned site, __SIZE_TYPE__ size);
void *saz_calloc(unsigned site, __SIZE_TYPE__ count, __SIZE_TYPE__ size);
void *saz_realloc(unsigned site, void *block, __SIZE_TYPE__ size);
void *saz_reallocarray(unsigned site, void *block, __SIZE_TYPE__ count, __SIZE_TYPE__ size);
void *saz_aligned_alloc(unsigned site, __SIZE_TYPE__ align, __SIZE_TYPE__ size);
void *saz_memalign(unsigned site, __SIZE_TYPE__ align, __SIZE_TYPE__ size);
void *saz_valloc(unsigned site, __SIZE_TYPE__ size);
int saz_posix_memalign(unsigned site, void **block, __SIZE_TYPE__ align, __SIZE_TYPE__ size);
char *saz_strdup(unsigned site, const char *s);
char *saz_strndup(unsigned site, const char *s, __SIZE_TYPE__ max);
int saz_asprintf(unsigned site, char **out, const char *format, ...)
        __attribute__((__format__(__printf__, 3, 4)));
int saz_vasprintf(unsigned site, char **out, const char *format, __builtin_va_list args)
        __attribute__((__format__(__printf__, 3, 0)));
void *saz_adopt(unsigned site, void *block);    /* tracks what a library got from malloc for us */
void *saz_retype(unsigned site, void *block);   /* a block that is tracked already: its caller knows its type */
void saz_free(void *block);

#ifdef __cplusplus
}
#endif
#endif
