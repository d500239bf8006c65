#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "proxy.h"

#define BATCH 32

static int epoll_fd = -1;
static volatile int stopped;
static time_t now;
static struct list run_queue = LIST_INIT(run_queue);
static struct list timers = LIST_INIT(timers);

int loop_init(void)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    now = time(NULL);
    return epoll_fd < 0 ? -1 : 0;
}

void loop_stop(void)
{
    stopped = 1;
}

time_t loop_now(void)
{
    return now;
}

int watch_add(struct watch *w, int fd, struct task *task, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = w };

    w->fd = fd;
    w->ready = 0;
    w->task = task;
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

void watch_remove(struct watch *w)
{
    if (w->fd >= 0) {
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
        close(w->fd);
        w->fd = -1;
    }
}

void task_init(struct task *t, void (*run)(struct task *))
{
    list_init(&t->link);
    t->run = run;
}

void task_queue(struct task *t)
{
    if (list_empty(&t->link))
        list_add_tail(&run_queue, &t->link);
}

void task_cancel(struct task *t)
{
    list_del(&t->link);
}

void timer_init(struct timer *t, void (*expire)(struct timer *))
{
    list_init(&t->link);
    t->at = 0;
    t->expire = expire;
}

/* Most timers are set for the same time ahead, so the right place is near the end. */
void timer_set(struct timer *t, time_t in)
{
    struct list *at;

    list_del(&t->link);
    t->at = now + in;
    for (at = timers.prev; at != &timers; at = at->prev)
        if (container_of(at, struct timer, link)->at <= t->at)
            break;
    list_add_tail(at->next, &t->link);
}

void timer_clear(struct timer *t)
{
    list_del(&t->link);
    t->at = 0;
}

static void run_timers(void)
{
    while (!list_empty(&timers)) {
        struct timer *t = container_of(timers.next, struct timer, link);

        if (t->at > now)
            break;
        timer_clear(t);
        t->expire(t);
    }
}

static void run_tasks(void)
{
    while (!list_empty(&run_queue)) {
        struct task *t = container_of(run_queue.next, struct task, link);

        list_del(&t->link);
        t->run(t);
    }
}

void loop_run(void)
{
    struct epoll_event events[BATCH];

    while (!stopped) {
        int n = epoll_wait(epoll_fd, events, BATCH, 1000);

        now = time(NULL);
        if (n < 0 && errno != EINTR) {
            perror("proxy: epoll_wait");
            return;
        }
        for (int i = 0; i < n; i++) {
            struct watch *w = events[i].data.ptr;

            w->ready |= events[i].events;
            task_queue(w->task);
        }
        run_tasks();
        run_timers();
    }
}
