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
 *                         ($SAZ_SERVICE=off does without for a run, =thread starts the thread at once: saz_door.c)
 *   SAZ_HOLD_MS           how long a peer may keep the instance paused
 *   SAZ_PAUSE_MS          how long a request waits for a quiescent point
 *   SAZ_TEST              each internal allocation can be made to fail (runtime_c/test)
 */
#ifndef SAZ_RT_H
#define SAZ_RT_H

/* How this tree was made; saz instrument writes the numbers. */
#ifndef SAZ_VERIFY
#define SAZ_VERIFY 0            /* 1: --verify; saz_verify.c watches the marks */
#endif
#ifndef SAZ_MARK_WORDS
#define SAZ_MARK_WORDS 0        /* of eight bytes, in saz_updated; 0: not known, nothing is inlined */
#endif
#ifndef SAZ_ALWAYS
#define SAZ_ALWAYS 0            /* the first bytes of saz_updated that are never cleared: announced with each packet */
#endif
#ifndef SAZ_MARKED
#define SAZ_MARKED (SAZ_MARK_WORDS * 8) /* bytes behind those that are */
#endif
#ifndef SAZ_GROUPS
#define SAZ_GROUPS 0            /* marks that stand for many variables': bytes of the last word of saz_updated */
#endif
#ifndef SAZ_THREADS
#define SAZ_THREADS 0           /* 1: the program has several, and each its own marks */
#endif
#define SAZ_INLINED (SAZ_MARK_WORDS && !SAZ_VERIFY)

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

/* Marks among declarations that a compiler wants together; N is unlike that of others. */
#define SAZ_MARKS(N, marks) int saz_marks_##N __attribute__((__unused__)) = (marks, 0)

/* ---- packets ---------------------------------------------------------------------------- */

#define SAZ_INLINE extern __inline__ __attribute__((__gnu_inline__, __always_inline__, __artificial__))
#define SAZ_SEEN_HERE __attribute__((__visibility__("hidden")))

/* First statement of a callback that a library calls with a packet: the packet is what happens
 * between here and the callback's return.  An inner scope belongs to the outer one's packet.  The second form is for
 * procedures that the program calls as well: they may be inlined into another's scope. */
#define SAZ_PACKET_SCOPE \
	void *saz_scope __attribute__((__unused__, __cleanup__(saz_scope_end))), \
	     *saz_entered __attribute__((__unused__)) = (saz_packet_enter(__builtin_dwarf_cfa()), (void *)0)
#define SAZ_CALLED_SCOPE \
	void *saz_scope __attribute__((__unused__, __cleanup__(saz_called_scope_end))), \
	     *saz_entered __attribute__((__unused__)) = (saz_called_enter(&saz_scope, __builtin_dwarf_cfa()), (void *)0)

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

/* The beginning of a round of a thread's loop, where other threads hand it its packets: a round is a packet. */
#define SAZ_ROUND int saz_rounded __attribute__((__unused__)) = (saz_round(), 0)

/* A call in which such a thread waits for a packet, and one by which an event loop waits for events: nothing is
 * under way, though what happens next still belongs to the packet before. */
#define SAZ_BLOCKED(call) SAZ_BLOCKED_IN(saz_block(), call)
#define SAZ_EVENTS(call) SAZ_BLOCKED_IN(saz_events(), call)
#define SAZ_BLOCKED_IN(block, call) \
	(__extension__({ \
		int saz_was = (block); \
		__auto_type saz_blocked = (call); \
		saz_unblock(saz_was); \
		saz_blocked; \
	}))

/* A call of a library loop (pcap_loop, pcap_dispatch) whose callbacks have SAZ_PACKET_SCOPE. */
#define SAZ_LOOP(call) \
	(__extension__({ \
		__auto_type saz_looped = (saz_ready(), (call)); \
		saz_done(); \
		saz_looped; \
	}))
#define SAZ_LOOP_VOID(call) (saz_ready(), (call), saz_done())

void saz_packet_enter(void *frame);
void saz_packet_leave(void *frame);
void saz_called_enter(void *scope, void *frame);
void saz_called_leave(void *scope, void *frame);
void saz_packet_begin(void);            /* of this thread; marks are cleared */
void saz_packet_end(void);
void saz_wait(void);                    /* this thread's packet, if any, has ended: a quiescent point */
void saz_resume(void);                  /* after saz_wait: the thread touches state, but has no packet yet */
void saz_round(void);
int saz_block(void);
int saz_events(void);
void saz_unblock(int was);
void saz_ready(void);                   /* initialisation is over */
void saz_done(void);                    /* a library loop returned: what follows is the program's end */

/* What a thread is doing.  The values are such that an addition's flags tell the usual case from all others. */
enum {
	SAZ_STOPPED = -2,               /* quiet; before it goes on it looks whether it may */
	SAZ_QUIET = -1,
	SAZ_PACKET = 0,
	SAZ_SCOPE = 16,                 /* a packet in a callback */
	SAZ_NO_PACKET = 32,             /* busy, without a packet */
	SAZ_NEW_THREAD = 48,
	SAZ_ASKED = 64                  /* a packet; when it has ended the thread looks whether it may go on */
};

enum saz_ending { SAZ_QUICKLY, SAZ_SLOWLY, SAZ_CALLED, SAZ_LOOKING };

struct saz_here {
	int busy;                       /* one of those; saz_packet.c says who may change it */
	int outer;                      /* what it was before the outermost scope */
	__UINTPTR_TYPE__ frame;         /* that the outermost scope is in, and an enum saz_ending */
	void *scope;                    /* where saz_scope is, for SAZ_CALLED */
	__UINT64_TYPE__ packets;
	struct saz_here *next;
};

#if defined __PIC__ && !defined __PIE__
#define SAZ_TLS __attribute__((__tls_model__("initial-exec"), __visibility__("hidden")))
#else
#define SAZ_TLS __attribute__((__tls_model__("local-exec"), __visibility__("hidden")))
#define SAZ_LOCAL_EXEC
#endif
__extension__ extern __thread struct saz_here saz_here SAZ_TLS;

/* In a program of several threads saz_updated has the marks of the packet that ended last. */
#if SAZ_THREADS
__extension__ extern __thread unsigned char saz_own_marks[] SAZ_TLS;
extern unsigned char saz_all_marks[] __asm__("saz_updated");
#define saz_updated saz_own_marks
#endif

void saz_resolve_groups(void) SAZ_SEEN_HERE;
void saz_wait_slowly(void) SAZ_SEEN_HERE;
void saz_begin_slowly(void) SAZ_SEEN_HERE;
void saz_resume_slowly(int was) SAZ_SEEN_HERE;
void saz_enter_slowly(void *frame) SAZ_SEEN_HERE;
void saz_leave_slowly(void *frame) SAZ_SEEN_HERE;
void saz_round_slowly(void) SAZ_SEEN_HERE;

typedef __UINT64_TYPE__ saz_word __attribute__((__may_alias__));

#if SAZ_MARKED > 64
/* Of a long run of marks 64 at a time; the last may overlap. Volatile, or the compiler makes a rep movs of them. */
typedef __UINT64_TYPE__ saz_chunk __attribute__((__vector_size__(16), __may_alias__, __aligned__(1)));
#define SAZ_CHUNK(marks, i) (*(volatile saz_chunk *)((marks) + (i)))
#define SAZ_EACH_CHUNK(DO) \
	do { \
		unsigned saz_at; \
		for (saz_at = 0; saz_at + 64 <= SAZ_MARKED; saz_at += 64) { \
			DO(saz_at); \
			DO(saz_at + 16); \
			DO(saz_at + 32); \
			DO(saz_at + 48); \
		} \
		if (SAZ_MARKED % 64 > 48) \
			DO(SAZ_MARKED - 64); \
		if (SAZ_MARKED % 64 > 32) \
			DO(SAZ_MARKED - 48); \
		if (SAZ_MARKED % 64 > 16) \
			DO(SAZ_MARKED - 32); \
		if (SAZ_MARKED % 64 > 0) \
			DO(SAZ_MARKED - 16); \
	} while (0)
#endif

#if SAZ_MARK_WORDS
SAZ_INLINE void saz_clear_marks(void)
{
#if SAZ_MARKED > 64
#define SAZ_CLEAR_CHUNK(i) SAZ_CHUNK(saz_updated + SAZ_ALWAYS, i) = none
	saz_chunk none = { 0, 0 };

	SAZ_EACH_CHUNK(SAZ_CLEAR_CHUNK);
#else
	__builtin_memset(saz_updated + SAZ_ALWAYS, 0, SAZ_MARKED);
#endif
#if SAZ_GROUPS
	((saz_word *)saz_updated)[SAZ_MARK_WORDS - 1] = 0;
#endif
}
#endif

#if SAZ_INLINED
/* What happens for nearly each packet, without a call. */
SAZ_INLINE void saz_publish(void)
{
#if SAZ_GROUPS
	if (((saz_word *)saz_updated)[SAZ_MARK_WORDS - 1] != 0)
		saz_resolve_groups();
#endif
#if SAZ_THREADS && defined __SANITIZE_THREAD__
	{
		unsigned i;

		for (i = SAZ_ALWAYS; i < SAZ_ALWAYS + SAZ_MARKED; i++)
			__atomic_store_n(&saz_all_marks[i], saz_own_marks[i], __ATOMIC_RELAXED);
	}
#elif SAZ_THREADS
#if SAZ_MARKED > 64
#define SAZ_PUBLISH_CHUNK(i) SAZ_CHUNK(saz_all_marks + SAZ_ALWAYS, i) = SAZ_CHUNK(saz_own_marks + SAZ_ALWAYS, i)
	SAZ_EACH_CHUNK(SAZ_PUBLISH_CHUNK);
#else
	__builtin_memcpy(saz_all_marks + SAZ_ALWAYS, saz_own_marks + SAZ_ALWAYS, SAZ_MARKED);
#endif
#endif
}

/* A thread's own store may undo another's of that moment (SAZ_ASKED), who looks again. */
SAZ_INLINE void saz_wait(void)
{
	int other;

	saz_publish();
#if defined __GCC_ASM_FLAG_OUTPUTS__ && defined __x86_64__ && defined SAZ_LOCAL_EXEC && !defined __SANITIZE_THREAD__
	/* By name: an operand's address would be kept in a register throughout the program's loop. */
	__asm__ __volatile__("subl\t$1, %%fs:saz_here@tpoff" : "=@ccnc"(other) : : "memory");
#elif defined __GCC_ASM_FLAG_OUTPUTS__ && (defined __x86_64__ || defined __i386__) && !defined __SANITIZE_THREAD__
	__asm__ __volatile__("subl\t$1, %0" : "+m"(saz_here.busy), "=@ccnc"(other) : : "memory");
#else
	other = __atomic_load_n(&saz_here.busy, __ATOMIC_RELAXED);
	__atomic_store_n(&saz_here.busy, other - 1, __ATOMIC_RELEASE);
#endif
	if (__builtin_expect(other != 0, 0))
		saz_wait_slowly();
}

SAZ_INLINE int saz_was_quiet(void)
{
	return __builtin_expect(__atomic_add_fetch(&saz_here.busy, 1, __ATOMIC_SEQ_CST) == 0, 1) != 0;
}

SAZ_INLINE void saz_new_packet(void)
{
#ifdef __SANITIZE_THREAD__       /* a count that others read */
	__atomic_store_n(&saz_here.packets, saz_here.packets + 1, __ATOMIC_RELAXED);
#else
	saz_here.packets++;
#endif
	saz_clear_marks();
}

SAZ_INLINE void saz_packet_begin(void)
{
	if (saz_was_quiet())
		saz_new_packet();
	else
		saz_begin_slowly();
}

SAZ_INLINE void saz_round(void)
{
	if (__builtin_expect(__atomic_load_n(&saz_here.busy, __ATOMIC_RELAXED) == SAZ_PACKET, 1)) {
		saz_publish();
		saz_new_packet();
	} else {
		saz_round_slowly();
	}
}

SAZ_INLINE void saz_resume(void)
{
	int was = __atomic_exchange_n(&saz_here.busy, SAZ_NO_PACKET, __ATOMIC_SEQ_CST);

	if (__builtin_expect(was != SAZ_QUIET, 0))
		saz_resume_slowly(was);
}

SAZ_INLINE void saz_packet_enter(void *frame)
{
	if (saz_was_quiet()) {
		__atomic_store_n(&saz_here.busy, SAZ_SCOPE, __ATOMIC_RELAXED);
		__atomic_store_n(&saz_here.frame, (__UINTPTR_TYPE__)frame, __ATOMIC_RELAXED);
		saz_new_packet();
	} else {
		saz_enter_slowly(frame);
	}
}

/* An inner scope is not in the frame that is noted. */
SAZ_INLINE void saz_packet_leave(void *frame)
{
#ifdef __SANITIZE_THREAD__
	if (__atomic_load_n(&saz_here.frame, __ATOMIC_RELAXED) == (__UINTPTR_TYPE__)frame) {
#else
	if (__builtin_expect(saz_here.frame == (__UINTPTR_TYPE__)frame, 1)) {
#endif
		saz_publish();
		__atomic_store_n(&saz_here.busy, SAZ_QUIET, __ATOMIC_RELEASE);
	} else {
		saz_leave_slowly(frame);
	}
}
#endif

SAZ_INLINE void saz_scope_end(void *scope)
{
	(void)scope;
	saz_packet_leave(__builtin_dwarf_cfa());
}

SAZ_INLINE void saz_called_scope_end(void *scope)
{
	saz_called_leave(scope, __builtin_dwarf_cfa());
}

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

/* In a macro that several places use: the site goes by the line of the use; a unit with such has a header of its own. */
#ifndef SAZ_SITE
#define SAZ_SITE 0
#endif

/* As their namesakes, with the number of the allocation site in front; 0 is not tracked.  free and realloc also take
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
void *saz_adopt_block(unsigned site, const void *block);        /* tracks what a library got from malloc for us */
void *saz_retype_block(unsigned site, const void *block);       /* a block that is tracked already: its caller knows its type */
/* Around a call, whose type stays. */
#define saz_adopt(site, call) \
	(__extension__({ __auto_type saz_owned = (call); (__typeof__(saz_owned))saz_adopt_block(site, saz_owned); }))
#define saz_retype(site, call) \
	(__extension__({ __auto_type saz_typed = (call); (__typeof__(saz_typed))saz_retype_block(site, saz_typed); }))
void saz_free(void *block);

/* What is written down of each: saz_heap.c. */
struct saz_event {
	void *base;
	__UINT64_TYPE__ meta;           /* size << 24 | site << 3 | what; 0: not written yet */
};
enum { SAZ_E_NONE, SAZ_E_ADDED, SAZ_E_GONE, SAZ_E_TAKEN, SAZ_E_MOVED, SAZ_E_TYPED, SAZ_E_VOID };
#define SAZ_META(size, site, what) \
	((__UINT64_TYPE__)(size) << 24 | (__UINT64_TYPE__)(site) << 3 | (__UINT64_TYPE__)(what))
#ifdef SAZ_TEST
#define SAZ_YOUNG 16
#define SAZ_LOG 64
#elif defined __SANITIZE_THREAD__       /* all are looked at by whoever asks, which takes it long */
#define SAZ_YOUNG 1024
#define SAZ_LOG 131072
#else
#define SAZ_YOUNG 65536
#define SAZ_LOG 131072          /* memory that is never touched costs nothing */
#endif
extern struct saz_event saz_young[] SAZ_SEEN_HERE;      /* a block's place goes by its address */
extern struct saz_event saz_log[] SAZ_SEEN_HERE;
extern __SIZE_TYPE__ saz_log_end SAZ_SEEN_HERE;
#define SAZ_PLACE(base) (&saz_young[(__UINTPTR_TYPE__)(base) >> 4 & (SAZ_YOUNG - 1)])
#define SAZ_ODD(base) ((void *)((__UINTPTR_TYPE__)(base) | 1))
void saz_note_slowly(void *base, __UINT64_TYPE__ meta) SAZ_SEEN_HERE;

/*
 * In assembly these count as one instruction when the compiler decides what to inline, so that the program is inlined as it
 * was, and warned of no more than it was.  They touch nothing that the program's code does, and say so: what the program has in
 * registers stays there.
 *
 * The block's place is taken if it is free, at an odd address until it is filled in, and given back when the block goes.
 * Else that is an entry of the log.
 */
#if defined __x86_64__ && defined __LP64__ && defined __ELF__ && __GNUC__ >= 11 && !defined __clang__ && \
    !defined __SANITIZE_THREAD__ && !defined SAZ_RUNTIME
#define SAZ_PLACE_ASM "movl\t%k[base], %k[at]\n\tleaq\tsaz_young(%%rip), %[to]\n\tandl\t%[places], %k[at]\n\taddq\t%[at], %[to]\n\t"
#define SAZ_LOG_ASM "movl\t$16, %k[at]\n\tlock xaddq\t%[at], saz_log_end(%%rip)\n\tcmpq\t%[all], %[at]\n\tjae\t%l[saz_slowly]\n\t" \
	"leaq\tsaz_log(%%rip), %[to]\n\tmovq\t%[base], (%[to],%[at])\n\tmovq\t%[meta], 8(%[to],%[at])\n\tjmp\t2b\n\t.previous"

SAZ_INLINE void saz_note_added(void *base, __UINT64_TYPE__ meta)
{
	__UINT64_TYPE__ at;
	struct saz_event *to;
	void *was = 0;

	__asm__ __volatile__ __inline__ goto(SAZ_PLACE_ASM "leaq\t1(%[base]), %[at]\n\tlock cmpxchgq\t%[at], (%[to])\n\tjne\t1f\n\t"
	    "movq\t%[meta], 8(%[to])\n\tmovq\t%[base], (%[to])\n"
	    "2:\n\t.subsection 1\n1:\tcmpq\t%[base], %[was]\n\tje\t%l[saz_slowly]\n\t" SAZ_LOG_ASM
	    : [at] "=&r"(at), [to] "=&r"(to), [was] "+&a"(was)
	    : [base] "r"(base), [meta] "r"(meta), [places] "i"((SAZ_YOUNG - 1) * sizeof(struct saz_event)), [all] "i"(SAZ_LOG * sizeof(struct saz_event))
	    : "cc"
	    : saz_slowly);
	return;
saz_slowly:
	saz_note_slowly(base, meta);
}

/* A macro, for the first instruction of a call of free must be the user's line's, as below. */
#define SAZ_NOTE_GONE(base_) \
	do { \
		__label__ saz_slowly; \
		__UINT64_TYPE__ saz_at; \
		struct saz_event *saz_to; \
		void *saz_was = (base_); \
		__asm__ __volatile__ __inline__ goto(SAZ_PLACE_ASM "xorl\t%k[at], %k[at]\n\tlock cmpxchgq\t%[at], (%[to])\n\tjne\t1f\n" \
		    "2:\n\t.subsection 1\n1:\t" SAZ_LOG_ASM \
		    : [at] "=&r"(saz_at), [to] "=&r"(saz_to), "+&a"(saz_was) \
		    : [base] "r"(base_), [meta] "i"(SAZ_E_GONE), [places] "i"((SAZ_YOUNG - 1) * sizeof(struct saz_event)), \
		      [all] "i"(SAZ_LOG * sizeof(struct saz_event)) \
		    : "cc" \
		    : saz_slowly); \
		if (0) { \
		saz_slowly: \
			saz_note_slowly(base_, SAZ_META(0, 0, SAZ_E_GONE)); \
		} \
	} while (0)
#else
SAZ_INLINE void saz_note(void *base, __UINT64_TYPE__ meta)
{
	__SIZE_TYPE__ at = __atomic_fetch_add(&saz_log_end, sizeof(struct saz_event), __ATOMIC_ACQ_REL);
	struct saz_event *e = (struct saz_event *)((char *)saz_log + at);

	if (__builtin_expect(at >= SAZ_LOG * sizeof(struct saz_event), 0)) {
		saz_note_slowly(base, meta);
	} else {
		e->base = base;
		__atomic_store_n(&e->meta, meta, __ATOMIC_RELEASE);
	}
}

SAZ_INLINE void saz_note_added(void *base, __UINT64_TYPE__ meta)
{
	struct saz_event *to = SAZ_PLACE(base);
	void *was = 0;

	if (__builtin_expect(__atomic_compare_exchange_n(&to->base, &was, SAZ_ODD(base), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED), 1)) {
		__atomic_store_n(&to->meta, meta, __ATOMIC_RELAXED);
		__atomic_store_n(&to->base, base, __ATOMIC_RELEASE);
	} else if (was == base) {
		saz_note_slowly(base, meta);
	} else {
		saz_note(base, meta);
	}
}

SAZ_INLINE void saz_note_gone(void *base)
{
	struct saz_event *to = SAZ_PLACE(base);
	void *was = base;

	if (__builtin_expect(!__atomic_compare_exchange_n(&to->base, &was, (void *)0, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED), 0))
		saz_note(base, SAZ_META(0, 0, SAZ_E_GONE));
}
#define SAZ_NOTE_GONE(base) saz_note_gone(base)
#endif

#if SAZ_INLINED && !defined SAZ_RUNTIME
/*
 * Macros, for the call must be an instruction of the user's line: gdb sets no breakpoint at a line whose code is all from another
 * file, as that of an inline function is.  Each variable has the site's number in its name, so that none hides another's (-Wshadow).
 * NULL is noted as any block is: a test here would make the compiler warn of programs that do without.
 */
#define SAZ_MALLOC(site, n, got, size) \
	(__extension__({ __SIZE_TYPE__ n = size; void *got = __builtin_malloc(n); \
		saz_note_added(got, SAZ_META(n, site, SAZ_E_ADDED)); got; }))
#define SAZ_CALLOC(site, m, n, got, count, size) \
	(__extension__({ __SIZE_TYPE__ m = count, n = size; void *got = __builtin_calloc(m, n); \
		saz_note_added(got, SAZ_META(m * n, site, SAZ_E_ADDED)); got; }))
/* The record goes before the block does: another thread may be given the address at once.  No test for NULL, as above. */
#define SAZ_FREE(block) (__extension__({ void *saz_left = block; SAZ_NOTE_GONE(saz_left); __builtin_free(saz_left); }))

#if defined __cplusplus || (defined __STDC_VERSION__ && __STDC_VERSION__ >= 199901L)
#define saz_malloc(site, ...) SAZ_MALLOC(site, saz_size_##site, saz_got_##site, (__VA_ARGS__))
#define saz_calloc(site, count, ...) SAZ_CALLOC(site, saz_count_##site, saz_size_##site, saz_got_##site, (count), (__VA_ARGS__))
#define saz_free(...) SAZ_FREE((__VA_ARGS__))
#else
#define saz_malloc(site, size) SAZ_MALLOC(site, saz_size_##site, saz_got_##site, (size))
#define saz_calloc(site, count, size) SAZ_CALLOC(site, saz_count_##site, saz_size_##site, saz_got_##site, (count), (size))
#define saz_free(block) SAZ_FREE((block))
#endif
#endif

#ifdef __cplusplus
}
#endif
#endif
