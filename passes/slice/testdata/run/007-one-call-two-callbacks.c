/* A library function that calls two functions: what the first stores the second reads, though the program calls neither again. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
static int seen, last, order;
static int filter(const struct dirent *d)
{
	seen++;
	last = d->d_name[0] == '.';
	return seen <= 3;
}
static int compare(const struct dirent **a, const struct dirent **b)
{
	order += seen + last;
	return (a < b) - (a > b);
}
int main(void)
{
	struct dirent **list;
	int n = scandir("/", &list, filter, compare);
	for (int i = 0; i < n; i++)
		free(list[i]);
	if (n >= 0)
		free(list);
	return order == 0;
}
