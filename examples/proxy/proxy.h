/* proxy: relays TCP connections to one of several servers. */
#ifndef PROXY_H
#define PROXY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "list.h"

/*
 * loop.c: waits for descriptors, and runs tasks.  What is found ready is not handled on the spot
 * but queued, so that a handler never finds itself below another one.
 */
struct task {
    struct list link; /* in the run queue, or with itself */
    void (*run)(struct task *);
};

struct watch {
    int fd;
    uint32_t ready; /* EPOLLIN and so on, since the task last ran */
    struct task *task;
};

struct timer {
    struct list link; /* by time */
    time_t at;        /* 0: not set */
    void (*expire)(struct timer *);
};

int loop_init(void);
void loop_run(void);
void loop_stop(void);
time_t loop_now(void);
int watch_add(struct watch *w, int fd, struct task *task, uint32_t events);
void watch_remove(struct watch *w);
void task_init(struct task *t, void (*run)(struct task *));
void task_queue(struct task *t);
void task_cancel(struct task *t);
void timer_init(struct timer *t, void (*expire)(struct timer *));
void timer_set(struct timer *t, time_t in);
void timer_clear(struct timer *t);

/* upstream.c */
struct upstream {
    struct sockaddr_in addr;
    char name[32];
    unsigned active;
    uint64_t total, failed;
    uint64_t bytes_up, bytes_down;
};

int upstream_add(const char *spec);
struct upstream *upstream_pick(void);
void upstream_done(struct upstream *u, uint64_t up, uint64_t down);
void upstream_failed(struct upstream *u);
void upstream_report(void);

/* peer.c: what is known of each client address. */
struct peer {
    struct list chain;
    struct in_addr addr;
    unsigned active, most;
    uint64_t total, refused;
    time_t last;
};

void peer_setup(unsigned limit);
struct peer *peer_open(struct in_addr addr); /* NULL: it has too many */
void peer_close(struct peer *p);
void peer_report(void);

/* relay.c */
int relay_listen(int port);
void relay_end(void);

#endif
