// A library's loop: a callback gets what was handed over with it, here or in another callback, and the loop depends on that. What comes
// after the loop has ended does not matter to it.
int source(void);
void sink(const void *);
int cond(void);
struct event; struct event_base; struct timeval;
struct event_base *event_base_new(void);
struct event *event_new(struct event_base *, int, short, void (*)(int, short, void *), void *);
int event_add(struct event *, const struct timeval *);
int event_base_once(struct event_base *, int, short, void (*)(int, short, void *), void *, const struct timeval *);
int event_base_dispatch(struct event_base *);

static struct event_base *base;
static int shared, kept, other;

static void third(int fd, short what, void *arg)
{
    sink(arg); // +f +b
}

static void second(int fd, short what, void *arg)
{
    int y = shared; // +f +b
    kept = y; // +f +b
    event_base_once(base, -1, 1, third, &kept, 0); // +b
    (void)arg;
}

static void first(int fd, short what, void *arg)
{
    int *p = arg;
    *p = source(); // +f +b
    other++; // -b
}

int main(void)
{
    base = event_base_new(); // -f +b
    event_add(event_new(base, -1, 16, first, &shared), 0); // -f +b
    event_add(event_new(base, -1, 16, second, 0), 0); // -f +b
    event_base_dispatch(base); // +b
    shared = cond(); // -f -b
    return other; // -b
}
