/* What follows setjmp runs again after longjmp: a load there sees a store that
   comes later in the text. */
#include <setjmp.h>
static jmp_buf again;
static void jump(int n) { longjmp(again, n); }
int main(void)
{
	volatile int tries = 0;
	setjmp(again);
	int seen = tries;
	tries = seen + 1;
	if (seen < 2)
		jump(seen + 1);
	return seen != 2;
}
