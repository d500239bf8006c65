/*
 * A relay is a connection of a client and the one to a server that belongs to it, with a buffer for
 * each direction.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy.h"

#define BUFFER_SIZE 16384
#define IDLE_SECONDS 60

struct buffer {
    size_t start, end; /* of data */
    bool eof;          /* the source has ended */
    bool closed;       /* and the sink knows */
    uint64_t total;
    char data[BUFFER_SIZE];
};

struct relay {
    struct list all;
    unsigned id;
    struct watch client, server;
    struct task pump;
    struct timer idle;
    struct peer *peer;
    struct upstream *upstream;
    bool connected;
    struct buffer up, down;
};

static struct list relays = LIST_INIT(relays);
static unsigned last_id;
static struct {
    uint64_t accepted, refused, reads, writes, partial, timeouts;
    size_t fullest;
} stats;

static struct watch listener;
static struct task accepting;

static void relay_close(struct relay *r, const char *why)
{
    printf("relay %u %s via %s up %llu down %llu\n", r->id, why, r->upstream->name,
           (unsigned long long)r->up.total, (unsigned long long)r->down.total);
    fflush(stdout);
    watch_remove(&r->client);
    watch_remove(&r->server);
    task_cancel(&r->pump);
    timer_clear(&r->idle);
    upstream_done(r->upstream, r->up.total, r->down.total);
    peer_close(r->peer);
    list_del(&r->all);
    free(r);
}

/* -1: the connection is broken. */
static int fill(struct buffer *b, struct watch *from)
{
    while (!b->eof && b->end < BUFFER_SIZE) {
        ssize_t n = recv(from->fd, b->data + b->end, BUFFER_SIZE - b->end, 0);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        if (n == 0) {
            b->eof = true;
            break;
        }
        stats.reads++;
        b->end += n;
        b->total += n;
        if (b->end - b->start > stats.fullest)
            stats.fullest = b->end - b->start;
    }
    return 0;
}

static int drain(struct buffer *b, struct watch *to)
{
    while (b->start < b->end) {
        ssize_t n = send(to->fd, b->data + b->start, b->end - b->start, MSG_NOSIGNAL);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        stats.writes++;
        if ((size_t)n < b->end - b->start)
            stats.partial++;
        b->start += n;
    }
    b->start = b->end = 0;
    if (b->eof && !b->closed) {
        b->closed = true;
        shutdown(to->fd, SHUT_WR);
    }
    return 0;
}

static int pass(struct buffer *b, struct watch *from, struct watch *to)
{
    bool again;

    do {
        bool full = b->end == BUFFER_SIZE;
        uint64_t before = b->total;

        if (fill(b, from) < 0 || drain(b, to) < 0)
            return -1;
        again = b->total != before || (full && b->end == 0); /* there may be more to read */
    } while (again && b->end < BUFFER_SIZE);
    return 0;
}

static void pump(struct task *t)
{
    struct relay *r = container_of(t, struct relay, pump);

    if (!r->connected) {
        int error = 0;
        socklen_t size = sizeof error;

        if (!(r->server.ready & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
            return;
        if (getsockopt(r->server.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0) {
            upstream_failed(r->upstream);
            relay_close(r, "unreachable");
            return;
        }
        r->connected = true;
    }
    r->client.ready = r->server.ready = 0;
    if (pass(&r->up, &r->client, &r->server) < 0 || pass(&r->down, &r->server, &r->client) < 0) {
        relay_close(r, "broken");
        return;
    }
    if (r->up.closed && r->down.closed) {
        relay_close(r, "done");
        return;
    }
    timer_set(&r->idle, IDLE_SECONDS);
}

static void timed_out(struct timer *t)
{
    struct relay *r = container_of(t, struct relay, idle);

    stats.timeouts++;
    relay_close(r, "idle");
}

static int dial(const struct upstream *u)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&u->addr, sizeof u->addr) < 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

static void open_relay(int fd, struct in_addr from)
{
    struct relay *r;
    struct peer *peer = peer_open(from);
    int server;

    if (peer == NULL) {
        stats.refused++;
        close(fd);
        return;
    }
    r = calloc(1, sizeof *r);
    if (r == NULL) {
        peer_close(peer);
        close(fd);
        return;
    }
    r->upstream = upstream_pick();
    server = dial(r->upstream);
    if (server < 0) {
        upstream_failed(r->upstream);
        upstream_done(r->upstream, 0, 0);
        peer_close(peer);
        close(fd);
        free(r);
        return;
    }
    r->id = ++last_id;
    r->peer = peer;
    task_init(&r->pump, pump);
    timer_init(&r->idle, timed_out);
    list_add_tail(&relays, &r->all);
    watch_add(&r->client, fd, &r->pump, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    watch_add(&r->server, server, &r->pump, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    timer_set(&r->idle, IDLE_SECONDS);
}

static void do_accept(struct task *t)
{
    (void)t;
    listener.ready = 0;
    for (;;) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        int fd = accept4(listener.fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            return;
        stats.accepted++;
        open_relay(fd, from.sin_addr);
    }
}

/* Prints the port, as 0 lets the system choose one. */
int relay_listen(int port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof addr;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(fd, 128) < 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &size) < 0)
        return -1;
    task_init(&accepting, do_accept);
    if (watch_add(&listener, fd, &accepting, EPOLLIN) < 0)
        return -1;
    printf("port %d\n", ntohs(addr.sin_port));
    fflush(stdout);
    return 0;
}

void relay_end(void)
{
    while (!list_empty(&relays))
        relay_close(container_of(relays.next, struct relay, all), "end");
    watch_remove(&listener);
    printf("accepted %llu refused %llu timeouts %llu\n", (unsigned long long)stats.accepted,
           (unsigned long long)stats.refused, (unsigned long long)stats.timeouts);
    fprintf(stderr, "%llu reads, %llu writes (%llu partial), fullest buffer %zu\n",
            (unsigned long long)stats.reads, (unsigned long long)stats.writes,
            (unsigned long long)stats.partial, stats.fullest);
}
