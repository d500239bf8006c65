void probe(const void *, ...);
#include <stdlib.h>
/* More places in one block of unknown layout than are kept apart. */
#define S(i) *(int **)((char *)m + 8 * (i)) = &x[0]; sum += **(int **)((char *)m + 8 * (i));
#define S4(i) S(i) S(i + 1) S(i + 2) S(i + 3)
#define S16(i) S4(i) S4(i + 4) S4(i + 8) S4(i + 12)
#define S64(i) S16(i) S16(i + 16) S16(i + 32) S16(i + 48)
int x[2] = { 1, 2 }, y;
struct two { int *a, *b; };
int main(int argc, char **argv)
{
    int sum = 0;
    void *m = malloc(argc * 4096);
    for (int i = 0; i < argc; i++) {
        S64(0) S64(64)
    }
    *(int **)((char *)m + 1600) = &y;
    probe(*(int **)((char *)m + 800)); // pts: x y
    struct two t = *(struct two *)((char *)m + 8);
    probe(t.b); // pts: x y
    sum += *t.b;
    return sum == 0;
}
