void probe(const void *, ...);
/* Functions that nobody described: see the package's and the models' README. */
extern void *mystery(void *, void (*)(void *));
extern void other(void *);
extern int (*hook)(char **);
struct s { int *p; struct s *next; } a, b, alone;
int x, y, hidden;
static char *text;
static void cb(void *arg)
{
    probe(arg); // pts: a+? b+? cb() main.local+? unknown x+?
}
int main(void)
{
    int local = 0;
    a.p = &x;
    a.next = &b;
    b.p = &local;
    alone.p = &y;
    void *r = mystery(&a, cb); // callbacks: cb
    probe(r); // pts: a+? b+? cb() main.local+? unknown x+?
    probe(b.p); // pts: a+? b+? cb() main.local+? unknown x+?
    probe(alone.p); // pts: alone+? unknown y+?
    other(&alone);
    probe(alone.p); // pts: alone+? unknown y+?
    hook(&text); // calls:
    probe(text); // pts: text+? unknown
    return hidden;
}
