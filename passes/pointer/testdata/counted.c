/* A number in front of what is handed out, and a size of which only that is known: the pointer was lost. */
#include <stdlib.h>
void probe(void *);

static void *counted(size_t n)
{
    long *p = calloc(1, n + sizeof(long));
    *p++ = n;
    return p;
}

struct node {
    int n;
    struct node *next;
};

int main(int argc, char **argv)
{
    char *c = counted(argc);
    probe(c); // pts: calloc@test.c:7+8
    struct node *a = counted(sizeof *a + argc);
    a->next = (struct node *)c;
    probe(a->next); // pts: calloc@test.c:7+8
    return 0;
}
