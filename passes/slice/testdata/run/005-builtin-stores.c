/* A builtin that says whether a sum overflows stores the sum: it was taken to touch nothing, and so nobody updated total. */
#include <stdio.h>

static int total, twice[2];

static int add(int n)
{
	return __builtin_add_overflow(total, n, &total);
}

int main(void)
{
	int over = 0;
	for (int i = 1; i < 5; i++) {
		over += add(i);
		over += __builtin_smul_overflow(total, 2, &twice[i & 1]);
	}
	printf("%d %d %d %d\n", total, twice[0], twice[1], over);
	return 0;
}
