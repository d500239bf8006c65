/* A transport's functions and a data layer's stand in one table; a call that passes a descriptor is not of one that takes a connection. */
struct conn { int fd; void *data; };
typedef int (*any)(void);

static int get_dst(int fd, void *to, unsigned n, int way) { return fd; }
static int to_buf(struct conn *c, void *buf, int n) { return c->fd; }
static double scale(double by, void *of, unsigned n, int way) { return by; }
static int as_long(long fd, void *to, unsigned n, int way) { return fd; }

static any table[10] = { (any)get_dst, (any)to_buf, (any)scale, (any)as_long };

int main(int argc, char **argv)
{
    struct conn c = { argc, argv };
    if (argc < 9) return 0;
    ((int (*)(int, void *, unsigned, int))table[argc])(c.fd, &c, sizeof c, 1); // calls: get_dst as_long
    ((int (*)(struct conn *, void *, int))table[argc])(&c, &c, 1); // calls: to_buf
    ((int (*)(int, void *, unsigned, int))table[argc])(0, &c, sizeof c, 1); // calls: get_dst to_buf as_long
    return 0;
}
