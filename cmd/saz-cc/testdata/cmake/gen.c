#include <stdio.h>
int main(void)
{
	printf("const int table[] = {");
	for (int i = 0; i < 16; i++)
		printf("%d,", i * i);
	puts("};");
	return 0;
}
