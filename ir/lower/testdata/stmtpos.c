#define TWICE(x) ((x) + (x))
void out(char *, ...);
int v;
void f(int a)
{
	int arr[a];
	do {
		arr[0] = TWICE(v++);
		if (a > 3) { out("big %d", arr[0]); return; }
	} while (--a);
	v += ({ int t = a; t * 2; });
}
