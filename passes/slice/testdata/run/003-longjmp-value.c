/* What setjmp returns the second time is what longjmp was given. */
#include <setjmp.h>
static jmp_buf back;
static int total;
static void leave(int n)
{
	if (n > 3)
		longjmp(back, n);
	total += n;
}
int main(void)
{
	volatile int i = 0;
	int got = setjmp(back);
	if (got == 0)
		for (;;)
			leave(i++);
	total += got;
	return total != 10;
}
