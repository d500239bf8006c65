/*
 * saz_door.c - no thread until somebody knocks at the socket.
 *
 * In a process of two threads the C library locks its FILEs and its malloc at each call, for all of a
 * program's life; so a program of one thread stays so until the first request.  The kernel sends the thread a signal when
 * someone connects (O_ASYNC), SIGURG: nothing else uses it, it is ignored by default, and debuggers let it pass.  What
 * the handler does depends on where it finds the thread:
 *
 *	in a call that waits for a packet     it starts the service
 *	anywhere else                         it asks the thread to, when its next packet begins, and sets
 *	                                      a timer to come again: the thread may be on its way into such a call
 *
 * The first is as safe as a call from the program itself: the thread is between packets, and the kernel has it in
 * one of the system calls below, so neither malloc nor a lock that pthread_create needs is in the middle of anything.
 * The timer's interval doubles each time.
 *
 * The program does not notice: calls that the kernel does not restart after a handler (poll, select, epoll_wait,
 * nanosleep, those with a time limit) are started again, by setting the program counter back to their
 * instruction.  One for which another signal of the program waits ends with EINTR as it would without us.
 *
 * It is done once, and needs the GNU C library on x86-64.  Elsewhere, where the program has threads already, has
 * a handler for SIGURG or blocks it, and with SAZ_SERVICE=thread, the service starts with the first packet.
 */
#include "saz_rt_int.h"

#if !defined SAZ_NO_SERVICE && defined __x86_64__ && defined __LP64__ && defined __linux__ && defined __GLIBC__ && \
        !defined __SANITIZE_THREAD__

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

extern char __libc_single_threaded __attribute__((__weak__));   /* glibc 2.32 */

static int saz_door = -1;                       /* the socket, while nobody has knocked */
static struct sigaction saz_before;
static int saz_timer;
static long saz_interval;                       /* of the timer, ms */

/* Calls in which a program waits. */
static int waits(long number)
{
	switch (number) {
	case SYS_read: case SYS_readv: case SYS_recvfrom: case SYS_recvmsg: case SYS_recvmmsg: case SYS_accept: case SYS_accept4:
	case SYS_poll: case SYS_ppoll: case SYS_select: case SYS_pselect6: case SYS_epoll_wait: case SYS_epoll_pwait:
	case SYS_nanosleep: case SYS_clock_nanosleep: case SYS_pause: case SYS_rt_sigsuspend:
#ifdef SYS_epoll_pwait2
	case SYS_epoll_pwait2:
#endif
		return 1;
	}
	return 0;
}

/* Before a call's instruction the C library has MOV number, EAX (or clears it), and perhaps loads EDI from the stack. */
static long number_before(const unsigned char *call)
{
	int i, n;

	if ((call[-2] == 0x31 || call[-2] == 0x33) && call[-1] == 0xc0)
		return 0;
	for (i = 5; i <= 9; i++)
		if (call[-i] == 0xb8 && (i == 5 || call[5 - i] == 0x8b)) {
			memcpy(&n, call + 1 - i, sizeof n);
			return n;
		}
	return -1;
}

static int comes_next(const ucontext_t *u)
{
	sigset_t waiting;
	int i;

	if (sigpending(&waiting) != 0)
		return 0;
	for (i = 1; i < _NSIG; i++)
		if (sigismember(&waiting, i) == 1 && sigismember(&u->uc_sigmask, i) == 0)
			return 1;
	return 0;
}

/* Whether the thread is in one of those calls; *again: what the call's number must be set to, so that it starts again. */
static int in_call(const ucontext_t *u, long *again)
{
	const unsigned char *pc = (const unsigned char *)u->uc_mcontext.gregs[REG_RIP];
	long rax = (long)u->uc_mcontext.gregs[REG_RAX];
	size_t in_page = (uintptr_t)pc & 4095;          /* the one before, or behind, may not be there */

	*again = -1;
	if (in_page < 4095 && pc[0] == 0x0f && pc[1] == 0x05)
		return waits(rax);                      /* the kernel starts it again */
	if (rax != -EINTR || in_page < 16 || pc[-2] != 0x0f || pc[-1] != 0x05 || !waits(number_before(pc - 2)))
		return 0;
	*again = number_before(pc - 2);
	return 1;
}

static void come_again(void)
{
	struct itimerspec t;

	saz_interval = saz_interval == 0 ? 2 : saz_interval * 2;
	memset(&t, 0, sizeof t);
	t.it_value.tv_sec = saz_interval / 1000;
	t.it_value.tv_nsec = saz_interval % 1000 * 1000000;
	syscall(SYS_timer_settime, saz_timer, 0, &t, NULL);
}

static void knock(int number, siginfo_t *info, void *context);

/* As far as the program has not changed it since. */
static void restore_handler(void)
{
	struct sigaction now;

	if (sigaction(SIGURG, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == knock)
		sigaction(SIGURG, &saz_before, NULL);
}

void saz_door_shut(void)
{
	int flags;

	if (saz_door < 0)
		return;
	flags = fcntl(saz_door, F_GETFL);
	if (flags >= 0)
		fcntl(saz_door, F_SETFL, flags & ~O_ASYNC);
	saz_door = -1;
	syscall(SYS_timer_delete, saz_timer);
	restore_handler();
}

/* The child has no timer, and the socket's flags are the parent's. */
void saz_door_forked(void)
{
	if (saz_door >= 0)
		restore_handler();
	saz_door = -1;
}

static void knock(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	int saved = errno, waiting;
	long again;

	(void)number;
	(void)info;
	waiting = in_call(u, &again);
	if (saz_door >= 0) {
		if (waiting && saz_is_quiet()) {
			saz_service_thread();
		} else {
			saz_ask();
			come_again();
		}
	}
	if (again >= 0 && !comes_next(u)) {
		u->uc_mcontext.gregs[REG_RIP] -= 2;
		u->uc_mcontext.gregs[REG_RAX] = again;
	}
	errno = saved;
}

int saz_door_open(int listener)
{
	struct sigaction mine;
	struct sigevent event;
	struct f_owner_ex owner;
	struct pollfd f;
	sigset_t blocked;
	int flags = fcntl(listener, F_GETFL);

	if (&__libc_single_threaded != NULL && !__libc_single_threaded)
		return 0;
	if (flags < 0 || pthread_sigmask(SIG_BLOCK, NULL, &blocked) != 0 || sigismember(&blocked, SIGURG))
		return 0;
	if (sigaction(SIGURG, NULL, &saz_before) != 0 || (saz_before.sa_flags & SA_SIGINFO) != 0 ||
	    (saz_before.sa_handler != SIG_DFL && saz_before.sa_handler != SIG_IGN))
		return 0;
	memset(&event, 0, sizeof event);
	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = SIGURG;
	event.sigev_notify_thread_id = owner.pid = (pid_t)syscall(SYS_gettid);
	if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &saz_timer) != 0)
		return 0;
	saz_interval = 0;
	saz_door = listener;
	memset(&mine, 0, sizeof mine);
	mine.sa_sigaction = knock;
	mine.sa_flags = SA_SIGINFO | SA_RESTART;
	sigfillset(&mine.sa_mask);
	owner.type = F_OWNER_TID;
	f.fd = listener;
	f.events = POLLIN;
	if (sigaction(SIGURG, &mine, NULL) == 0 && fcntl(listener, F_SETOWN_EX, &owner) == 0 && fcntl(listener, F_SETSIG, SIGURG) == 0 &&
	    fcntl(listener, F_SETFL, flags | O_ASYNC) == 0 && poll(&f, 1, 0) == 0)
		return 1;
	saz_door_shut();        /* somebody is there already, or it does not work here */
	return 0;
}

#else

int saz_door_open(int listener)
{
	(void)listener;
	return 0;
}

void saz_door_shut(void)
{
}

void saz_door_forked(void)
{
}

#endif
