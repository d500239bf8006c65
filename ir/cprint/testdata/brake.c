// Linked with a program that may not end: it is killed after BRAKE_MS milliseconds
// of processor time.
#define _DEFAULT_SOURCE
#include <stdlib.h>
#include <sys/time.h>

__attribute__((constructor)) static void brake(void)
{
	const char *s = getenv("BRAKE_MS");
	long ms = s ? atol(s) : 0;
	struct itimerval t = { .it_value = { ms / 1000, ms % 1000 * 1000 } };
	if (ms > 0)
		setitimer(ITIMER_VIRTUAL, &t, 0);
}
