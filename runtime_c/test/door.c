/*
 * door.c - programs of one thread that wait in one way or another while somebody knocks (saz_door.c).
 *
 *	door HOW        waits for a byte on standard input, in the call HOW; says whether the call was disturbed
 */
#define _GNU_SOURCE 1
#include "saz_rt.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "box.h"

static const char *how;
static int epoll, pair[2];
static volatile sig_atomic_t alarms;

static int is(const char *s)
{
	return strcmp(how, s) == 0;
}

static void on_alarm(int n)
{
	(void)n;
	alarms++;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void work(long ms)
{
	long end = now_ms() + ms;

	while (now_ms() < end)
		;
}

/* Each returns what its call does: 1 when the byte has come, -1 with errno. */
static int receive(void)
{
	struct pollfd f = { 0, POLLIN, 0 };
	struct timespec t = { 60, 0 };
	struct timeval tv = { 60, 0 };
	struct epoll_event ev;
	sigset_t none;
	fd_set set;
	char c[2];
	struct iovec v = { c, 1 };

	FD_ZERO(&set);
	FD_SET(0, &set);
	sigemptyset(&none);
	if (is("select"))
		return select(1, &set, NULL, NULL, NULL);
	if (is("select-time"))
		return select(1, &set, NULL, NULL, &tv);
	if (is("pselect"))
		return pselect(1, &set, NULL, NULL, &t, &none);
	if (is("ppoll"))
		return ppoll(&f, 1, &t, &none);
	if (is("poll-time"))
		return poll(&f, 1, 60000);
	if (is("epoll"))
		return epoll_wait(epoll, &ev, 1, -1);
	if (is("epoll-mask"))
		return epoll_pwait(epoll, &ev, 1, 60000, &none);
	if (is("read"))
		return (int)read(0, c, 1);
	if (is("readv"))
		return (int)readv(0, &v, 1);
	if (is("fgets"))
		return fgets(c, 2, stdin) != NULL ? 1 : -1;
	if (is("recv"))                         /* with a time limit, which the kernel does not restart */
		return recv(pair[0], c, 1, 0) == 1 ? 1 : errno == EAGAIN ? 1 : -1;
	if (is("busy"))
		return poll(&f, 1, 0) + 2;      /* 2: a packet that is not the last */
	return poll(&f, 1, -1);
}

static void prepare(void)
{
	struct epoll_event ev = { EPOLLIN, { NULL } };
	struct timeval tv = { 1, 0 };
	struct sigaction a;
	sigset_t s;

	memset(&a, 0, sizeof a);
	a.sa_handler = on_alarm;
	epoll = epoll_create1(0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &ev);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	sigaction(SIGALRM, &a, NULL);
	if (is("has-handler"))
		sigaction(SIGURG, &a, NULL);
	if (is("ignores"))
		signal(SIGURG, SIG_IGN);
	if (is("blocks")) {
		sigemptyset(&s);
		sigaddset(&s, SIGURG);
		sigprocmask(SIG_BLOCK, &s, NULL);
	}
}

static int say(const char *text)
{
	printf("%s\n", text);
	return 0;
}

int main(int argc, char **argv)
{
	int r, first = 1;

	how = argc > 1 ? argv[1] : "poll";
	prepare();
	if (is("sleep")) {
		struct timespec t = { 2, 0 }, left = { 0, 0 };
		long start;

		SAZ_RECEIVE(getpid());
		start = now_ms();
		r = SAZ_IDLE(nanosleep(&t, &left));
		return say(r == 0 && now_ms() - start >= 2000 ? "undisturbed" : "disturbed");
	}
	if (is("signals")) {                    /* the program's own still end its calls */
		alarm(2);
		r = SAZ_RECEIVE(receive());
		return say(r < 0 && errno == EINTR && alarms == 1 ? "undisturbed" : "disturbed");
	}
	if (is("suspends")) {
		sigset_t none;

		sigemptyset(&none);
		alarm(2);
		r = SAZ_RECEIVE(sigsuspend(&none));
		return say(r < 0 && errno == EINTR && alarms == 1 ? "undisturbed" : "disturbed");
	}
	while ((r = SAZ_RECEIVE(receive())) == 2 || (first && r > 0 && !is("busy"))) {
		if (r == 2) {
			work(1);
			continue;
		}
		first = 0;
		if (is("slow")) {               /* the first packet waits, in its midst */
			long start = now_ms();

			if (poll(NULL, 0, 1000) != 0 || now_ms() - start < 1000)
				return say("disturbed");
		}
		if (is("works"))                /* it works, and then there is no second packet */
			work(1000);
		if (is("forks")) {
			struct sigaction a;
			int status;
			pid_t child = fork();

			if (child == 0) {
				sigaction(SIGURG, NULL, &a);
				_exit(a.sa_handler == SIG_DFL ? 7 : 8);
			}
			if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7)
				return say("the child has our handler");
		}
		if (is("slow") || is("works") || is("forks")) {
			char c;

			if (read(0, &c, 1) == 1)
				continue;
		}
		break;
	}
	if (r == 3)
		r = 1;
	return say(r == 1 ? "undisturbed" : strerror(errno));
}
