/*
 * saz_service.c - the socket by which other programs look at the state and move it.
 *
 * From the first quiescent point on (so after a daemon has forked) there is a Unix stream socket, and from the first
 * connection on a thread that listens on it (saz_door.c).  A request is a line; the reply is "OK <len>" and that many bytes,
 * or "ERR <code> <text>":
 *
 *	HELLO                                   who this is
 *	STATS                                   counters
 *	LIST                                    variables, containers
 *	EXPORT [hold] [state] FILTER...         an image of the flows (saz_filter.c); state: variables too
 *	EXPORT [hold] snapshot                  an image of everything
 *	IMPORT [hold] LEN                       + LEN bytes; hold: staged only
 *	RENEW                                   the hold's time starts again
 *	COMMIT                                  what was exported is deleted; what was staged is put in place
 *	ABORT                                   ends the hold and changes nothing
 *
 * From a request with hold up to COMMIT or ABORT the program is paused.  A peer that closes the
 * connection or says nothing for SAZ_HOLD_MS aborts.  Nothing that a peer sends, or fails to send,
 * stops the program for longer than that.
 *
 * Where: $SAZ_SOCKET, or NAME.sock in $SAZ_SOCKET_DIR, $XDG_RUNTIME_DIR/saz or /tmp/saz-UID, where
 * NAME is $SAZ_INSTANCE or program-pid.  Only the same user (or root) is served.
 */
#include "saz_rt_int.h"

#ifdef SAZ_NO_SERVICE

void saz_service_start(void)
{
}

void saz_service_thread(void)
{
}

void saz_service_forked(void)
{
}

#else

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define P (&saz_program)
#define MAX_LINE 16384
#define MAX_PEERS 32
#define IDLE_MS 10000
#define STALL_MS 5000

static struct sockaddr_un saz_address;
static char saz_instance[80];
static int saz_listener = -1;
static pid_t saz_owner;
static size_t saz_max_image = SAZ_MAX_IMAGE_BYTES;

static struct {
	uint64_t exports, imports, moved_out, moved_in, refused, aborted, pauses, paused_us, longest_us;
} saz_stats;

/* ---- peers: nothing here waits for one of them ---- */

struct peer {
	int fd;                         /* -1: none */
	int alive;
	uint64_t deadline;              /* for what is under way, by saz_now_us */
	char *line;                     /* what has arrived: requests */
	size_t have;
	int in_body;                    /* of IMPORT: what arrives goes there */
	int body_hold;
	size_t body_len;
	struct saz_buf body;
	char head[320];                 /* the reply: first this, then out */
	size_t head_len, sent;
	struct saz_buf out;
	/* under hold */
	uint64_t hold_end;              /* 0: not held */
	struct saz_export *exported;
	struct saz_import *staged;
	unsigned char *image;           /* of staged */
};

static struct peer saz_peers[MAX_PEERS];
static struct peer *saz_holder;             /* for whom the program is paused */
static uint64_t saz_paused_at;

static void allow(struct peer *p, size_t len)
{
	p->deadline = saz_now_us() + STALL_MS * 1000u + len;    /* at least a megabyte a second */
}

/* Takes over the buffer. */
static void reply_buf(struct peer *p, struct saz_buf *b)
{
	if (b->failed)
		saz_buf_free(b);
	p->out = *b;
	p->sent = 0;
	p->head_len = (size_t)snprintf(p->head, sizeof p->head, "OK %lu\n", (unsigned long)b->len);
	memset(b, 0, sizeof *b);
	allow(p, p->out.len);
}

static void reply_ok(struct peer *p)
{
	struct saz_buf none;

	memset(&none, 0, sizeof none);
	reply_buf(p, &none);
}

static void refuse(struct peer *p, const struct saz_error *e)
{
	int n = snprintf(p->head, sizeof p->head, "ERR %s %s\n", e->code[0] ? e->code : "failed", e->text);
	int i;

	for (i = 0; i + 1 < n; i++)
		if (iscntrl((unsigned char)p->head[i]))
			p->head[i] = '?';
	p->head_len = (size_t)n;
	p->sent = 0;
	saz_stats.refused++;
	allow(p, 0);
}

static void refuse_text(struct peer *p, const char *code, const char *text)
{
	struct saz_error e;

	memset(&e, 0, sizeof e);
	saz_fail(&e, code, "%s", text);
	refuse(p, &e);
}

static void print(struct saz_buf *b, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));
static void print(struct saz_buf *b, const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n > 0)
		saz_buf_add(b, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* ---- pauses ---- */

static int pause_for(struct peer *p)
{
	if (saz_holder != NULL) {
		refuse_text(p, "busy", "another peer holds the program");
		return 0;
	}
	switch (saz_pause(SAZ_PAUSE_MS)) {
	case SAZ_PAUSED:
		saz_holder = p;
		saz_paused_at = saz_now_us();
		saz_stats.pauses++;
		return 1;
	case SAZ_NOT_READY:
		refuse_text(p, "not-ready", "the program is still starting");
		break;
	case SAZ_ENDED:
		refuse_text(p, "ended", "the program's packet loop has ended");
		break;
	case SAZ_BUSY:
		refuse_text(p, "busy", "the program did not come to a quiescent point");
		break;
	}
	return 0;
}

static uint64_t resume(struct peer *p)
{
	uint64_t us;

	if (saz_holder != p)
		return 0;
	saz_unpause();
	us = saz_now_us() - saz_paused_at;
	saz_stats.paused_us += us;
	if (us > saz_stats.longest_us)
		saz_stats.longest_us = us;
	saz_holder = NULL;
	p->hold_end = 0;
	return us;
}

/* The program goes on first: what there is to free can wait. */
static uint64_t end_hold(struct peer *p)
{
	uint64_t us = resume(p);

	if (p->exported != NULL) {
		saz_export_free(p->exported);
		saz_mem_put(p->exported);
		p->exported = NULL;
	}
	saz_import_free(p->staged);
	p->staged = NULL;
	saz_mem_put(p->image);
	p->image = NULL;
	return us;
}

static void start_hold(struct peer *p)
{
	p->hold_end = saz_now_us() + SAZ_HOLD_MS * 1000u;
}

/* ---- requests ---- */

static void hello(struct peer *p)
{
	struct saz_buf b;

	memset(&b, 0, sizeof b);
	print(&b, "name %s\nprogram %s\npid %ld\nprotocol 1\nimage %u\nfingerprint %016" PRIx64 "\n", saz_instance,
	      P->name, (long)getpid(), SAZ_IMAGE_VERSION, P->fingerprint);
	print(&b, "packets %" PRIu64 "\nphase %s\n", saz_packets(), saz_phase());
	reply_buf(p, &b);
}

static void show_stats(struct peer *p)
{
	struct saz_buf b;
	size_t blocks, bytes;

	memset(&b, 0, sizeof b);
	saz_heap_stats(&blocks, &bytes);
	print(&b, "packets %" PRIu64 "\nvariables %u\ncontainers %u\nblocks %lu\nbytes %lu\n", saz_packets(), P->nvars,
	      P->ncontainers, (unsigned long)blocks, (unsigned long)bytes);
	print(&b, "exports %" PRIu64 "\nimports %" PRIu64 "\nentries_out %" PRIu64 "\nentries_in %" PRIu64 "\n",
	      saz_stats.exports, saz_stats.imports, saz_stats.moved_out, saz_stats.moved_in);
	print(&b, "refused %" PRIu64 "\naborted %" PRIu64 "\npauses %" PRIu64 "\npaused_us %" PRIu64
	      "\nlongest_pause_us %" PRIu64 "\n", saz_stats.refused, saz_stats.aborted, saz_stats.pauses, saz_stats.paused_us,
	      saz_stats.longest_us);
	reply_buf(p, &b);
}

static void list(struct peer *p)
{
	struct saz_entries entries;
	struct saz_error e;
	struct saz_buf b;
	size_t *count, i;

	memset(&b, 0, sizeof b);
	memset(&e, 0, sizeof e);
	count = SAZ_NEW(size_t, P->ncontainers);
	if (count == NULL)
		refuse_text(p, "memory", "no memory");
	if (count == NULL || !pause_for(p)) {
		saz_mem_put(count);
		return;
	}
	saz_heap_lock();
	if (!saz_entries_find(&entries, &e))
		entries.n = 0;
	for (i = 0; i < entries.n; i++)
		count[entries.list[i].container]++;
	saz_heap_unlock();
	saz_entries_free(&entries);
	for (i = 0; i < P->nvars; i++)
		print(&b, "variable %lu %s %lu %d\n", (unsigned long)i, P->symbols[i].name,
		      (unsigned long)P->symbols[i].size, P->updated[i]);
	for (i = 0; i < P->ncontainers; i++)
		print(&b, "container %lu %s %s %lu\n", (unsigned long)i, P->containers[i].name,
		      P->types[P->containers[i].entry].name, (unsigned long)count[i]);
	resume(p);
	saz_mem_put(count);
	reply_buf(p, &b);
}

static int word(const char **s, const char *w)
{
	size_t n = strlen(w);

	if (strncmp(*s, w, n) != 0 || ((*s)[n] != 0 && (*s)[n] != ' '))
		return 0;
	*s += n;
	*s += strspn(*s, " ");
	return 1;
}

static void export_state(struct peer *p, const char *args)
{
	struct saz_error e;
	struct saz_export *x;
	struct saz_filter *f = NULL;
	unsigned flags = 0;
	int hold = word(&args, "hold"), ok;

	memset(&e, 0, sizeof e);
	if (p->hold_end != 0) {
		refuse_text(p, "held", "this connection holds the program already");
		return;
	}
	if (word(&args, "state"))
		flags |= SAZ_I_STATE;
	if (!(flags & SAZ_I_STATE) && word(&args, "snapshot")) {
		flags |= SAZ_I_SNAPSHOT;
		if (*args != 0) {
			refuse_text(p, "filter", "a snapshot has no filter");
			return;
		}
	} else {
		f = saz_filter_parse(args, &e);
		if (f == NULL) {
			refuse(p, &e);
			return;
		}
		if (flags & SAZ_I_STATE && !saz_filter_is_all(f)) {
			saz_filter_free(f);
			refuse_text(p, "filter", "variables travel with the filter all only");
			return;
		}
	}
	x = SAZ_NEW(struct saz_export, 1);
	if (x == NULL || !pause_for(p)) {
		if (x == NULL)
			refuse_text(p, "memory", "no memory");
		saz_mem_put(x);
		saz_filter_free(f);
		return;
	}
	ok = saz_export(f, flags, saz_max_image, x, &e);
	saz_filter_free(f);
	if (!ok) {
		saz_mem_put(x);
		resume(p);
		refuse(p, &e);
		return;
	}
	saz_stats.exports++;
	p->exported = x;
	if (hold)
		start_hold(p);
	else
		resume(p);
	reply_buf(p, &x->image);
	if (!hold)
		end_hold(p);
}

static void print_counts(struct saz_buf *b, const struct saz_counts *c, uint64_t us)
{
	print(b, "entries %lu\nshared %lu\nreplaced %lu\nvariables %lu\nblocks %lu\nbytes %lu\n",
	      (unsigned long)c->entries, (unsigned long)c->shared, (unsigned long)c->replaced, (unsigned long)c->vars,
	      (unsigned long)c->blocks, (unsigned long)c->bytes);
	print(b, "opaque %lu\nlost %lu\nmanual %lu\nfreed %lu\nkept %lu\npaused_us %" PRIu64 "\n",
	      (unsigned long)c->opaque, (unsigned long)c->lost, (unsigned long)c->manual, (unsigned long)c->freed,
	      (unsigned long)c->kept, us);
}

static void commit_import(struct peer *p)
{
	struct saz_counts c;
	struct saz_buf b;
	uint64_t us;

	saz_import_commit(p->staged, &c);
	saz_stats.imports++;
	saz_stats.moved_in += c.entries;
	us = end_hold(p);
	memset(&b, 0, sizeof b);
	print_counts(&b, &c, us);
	reply_buf(p, &b);
}

static void import_request(struct peer *p, const char *args)
{
	uint64_t len;
	char *end;

	p->body_hold = word(&args, "hold");
	errno = 0;
	len = strtoull(args, &end, 10);
	if (!isdigit((unsigned char)*args) || *end != 0 || errno != 0) {
		refuse_text(p, "request", "IMPORT [hold] LEN");
	} else if (len > saz_max_image) {
		refuse_text(p, "size", "the image is too large (SAZ_MAX_IMAGE)");
	} else if (p->hold_end != 0) {
		refuse_text(p, "held", "this connection holds the program already");
	} else {
		p->body_len = (size_t)len;
		p->body.limit = saz_max_image;
		p->in_body = 1;
		allow(p, p->body_len);
		return;
	}
	p->alive = 0;           /* where the next request begins, nobody knows */
}

static void import_state(struct peer *p)
{
	struct saz_error e;
	size_t len = p->body.len;

	memset(&e, 0, sizeof e);
	p->in_body = 0;
	p->image = p->body.data;
	memset(&p->body, 0, sizeof p->body);
	if (!pause_for(p)) {
		end_hold(p);
		return;
	}
	p->staged = saz_import_stage(p->image, len, &e);
	if (p->staged == NULL) {
		end_hold(p);
		refuse(p, &e);
	} else if (p->body_hold) {
		start_hold(p);
		reply_ok(p);
	} else {
		commit_import(p);
	}
}

static void commit(struct peer *p)
{
	struct saz_error e;
	struct saz_counts c;
	struct saz_buf b;
	uint64_t us;

	memset(&e, 0, sizeof e);
	if (p->staged != NULL) {
		commit_import(p);
		return;
	}
	if (p->exported == NULL || p->hold_end == 0) {
		refuse_text(p, "no-hold", "nothing is held");
		return;
	}
	if (p->exported->flags & SAZ_I_SNAPSHOT) {
		refuse_text(p, "snapshot", "a snapshot is a copy and deletes nothing");
		return;
	}
	if (!saz_export_commit(p->exported, &e)) {
		end_hold(p);
		refuse(p, &e);
		return;
	}
	c = p->exported->counts;
	saz_stats.moved_out += c.entries;
	us = end_hold(p);
	memset(&b, 0, sizeof b);
	print_counts(&b, &c, us);
	reply_buf(p, &b);
}

static void request(struct peer *p, const char *line)
{
	if (word(&line, "HELLO")) {
		hello(p);
	} else if (word(&line, "STATS")) {
		show_stats(p);
	} else if (p->hold_end == 0 && word(&line, "LIST")) {
		list(p);
	} else if (word(&line, "EXPORT")) {
		export_state(p, line);
	} else if (word(&line, "IMPORT")) {
		import_request(p, line);
	} else if (word(&line, "COMMIT")) {
		commit(p);
	} else if (p->hold_end != 0 && word(&line, "RENEW")) {
		start_hold(p);
		reply_ok(p);
	} else if (p->hold_end != 0 && word(&line, "ABORT")) {
		saz_stats.aborted++;
		end_hold(p);
		reply_ok(p);
	} else {
		refuse_text(p, "request", "no such request now");
	}
}

/* Sends what it can; 1: all is sent. */
static int flush(struct peer *p)
{
	while (p->sent < p->head_len + p->out.len) {
		const char *at = p->sent < p->head_len ? p->head + p->sent : (char *)p->out.data + (p->sent - p->head_len);
		size_t n = p->sent < p->head_len ? p->head_len - p->sent : p->out.len - (p->sent - p->head_len);
		ssize_t r = send(p->fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				p->alive = 0;
			return 0;
		}
		p->sent += (size_t)r;
	}
	saz_buf_free(&p->out);
	p->head_len = p->sent = 0;
	p->deadline = saz_now_us() + IDLE_MS * 1000u;
	return 1;
}

/* Does what the bytes at hand ask for.  The memory for a body grows with what arrives, whatever
 * length was announced. */
static void process(struct peer *p)
{
	while (p->alive && p->head_len == 0) {
		char *nl;
		size_t n;

		if (p->in_body) {
			n = p->body_len - p->body.len < p->have ? p->body_len - p->body.len : p->have;
			if (saz_buf_add(&p->body, p->line, n) == NULL) {
				refuse_text(p, "memory", "no memory for the image");
				flush(p);
				p->alive = 0;
				break;
			}
			p->have -= n;
			memmove(p->line, p->line + n, p->have);
			if (p->body.len < p->body_len)
				break;
			import_state(p);
		} else {
			nl = memchr(p->line, '\n', p->have);
			if (nl == NULL) {
				if (p->have == MAX_LINE)
					p->alive = 0;
				break;
			}
			n = (size_t)(nl - p->line);
			*nl = 0;
			if (n != 0 && p->line[n - 1] == '\r')
				p->line[n - 1] = 0;
			if (strlen(p->line) + 1 < n)
				p->alive = 0;   /* bytes of zero: not our kind of peer */
			else
				request(p, p->line);
			p->have -= n + 1;
			memmove(p->line, nl + 1, p->have);
		}
		if (p->head_len != 0)
			flush(p);
	}
}

static void receive(struct peer *p)
{
	ssize_t n = recv(p->fd, p->line + p->have, MAX_LINE - p->have, MSG_DONTWAIT);

	if (n > 0)
		p->have += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		p->alive = 0;
	process(p);
}

static void end_peer(struct peer *p)
{
	if (p->hold_end != 0)
		saz_stats.aborted++;
	end_hold(p);
	close(p->fd);
	saz_mem_put(p->line);
	saz_buf_free(&p->body);
	saz_buf_free(&p->out);
	memset(p, 0, sizeof *p);
	p->fd = -1;
}

static void new_peer(void)
{
	int fd = accept4(saz_listener, NULL, NULL, SOCK_CLOEXEC);
	struct peer *p = NULL;
	struct ucred who;
	socklen_t len = sizeof who;
	int i;

	if (fd < 0)
		return;
	for (i = 0; i < MAX_PEERS; i++) {       /* the one that has been silent for longest makes room */
		if (saz_peers[i].fd < 0) {
			p = &saz_peers[i];
			break;
		}
		if (saz_peers[i].hold_end == 0 && (p == NULL || saz_peers[i].deadline < p->deadline))
			p = &saz_peers[i];
	}
	if (p == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 ||
	    (who.uid != geteuid() && who.uid != 0)) {
		close(fd);
		return;
	}
	if (p->fd >= 0)
		end_peer(p);
	p->line = saz_mem_get(MAX_LINE);
	if (p->line == NULL) {
		close(fd);
		return;
	}
	p->fd = fd;
	p->alive = 1;
	p->deadline = saz_now_us() + IDLE_MS * 1000u;
}

/* When the first of all deadlines comes, in milliseconds. */
static int next_deadline(void)
{
	uint64_t now = saz_now_us(), first = now + 60000000u;
	int i;

	for (i = 0; i < MAX_PEERS; i++) {
		const struct peer *p = &saz_peers[i];

		if (p->fd >= 0 && p->hold_end == 0 && p->deadline < first)
			first = p->deadline;
		if (p->fd >= 0 && p->hold_end != 0 && p->hold_end < first)
			first = p->hold_end;
	}
	return first <= now ? 0 : (int)((first - now) / 1000u) + 1;
}

static void *service(void *unused)
{
	struct pollfd f[MAX_PEERS + 1];
	int i;

	(void)unused;
	saz_tables_init();
	for (;;) {
		uint64_t now;

		f[MAX_PEERS].fd = saz_listener;
		f[MAX_PEERS].events = POLLIN;
		for (i = 0; i < MAX_PEERS; i++) {
			f[i].fd = saz_peers[i].fd;
			f[i].events = saz_peers[i].head_len != 0 ? POLLOUT : POLLIN;
		}
		if (poll(f, MAX_PEERS + 1, next_deadline()) < 0) {
			if (errno != EINTR)
				poll(NULL, 0, 100);
			continue;
		}
		for (i = 0; i < MAX_PEERS; i++) {
			if (saz_peers[i].fd < 0 || f[i].revents == 0)
				continue;
			if (saz_peers[i].head_len == 0)
				receive(&saz_peers[i]);
			else if (flush(&saz_peers[i]))
				process(&saz_peers[i]);
		}
		now = saz_now_us();
		for (i = 0; i < MAX_PEERS; i++) {
			const struct peer *p = &saz_peers[i];

			if (p->fd >= 0 && (!p->alive || now >= (p->hold_end != 0 ? p->hold_end : p->deadline)))
				end_peer(&saz_peers[i]);
		}
		if (f[MAX_PEERS].revents & POLLNVAL)
			return NULL;    /* the program closed our socket */
		if (f[MAX_PEERS].revents != 0)
			new_peer();
	}
}

/* ---- start and end ---- */

static void warn(const char *what, const char *path)
{
	fprintf(stderr, "saz: no control socket: %s%s%s: %s\n", what, path[0] ? " " : "", path, strerror(errno));
}

static int private_directory(const char *dir, int given)
{
	struct stat st;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return 0;
	if (given)
		return 1;
	if (lstat(dir, &st) != 0)
		return 0;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		errno = EPERM;
		return 0;
	}
	return 1;
}

static int make_path(void)
{
	const char *path = getenv("SAZ_SOCKET"), *dir = getenv("SAZ_SOCKET_DIR"), *run = getenv("XDG_RUNTIME_DIR");
	const char *name = getenv("SAZ_INSTANCE");
	char made[sizeof saz_address.sun_path];
	int n;

	if (name != NULL && name[0] != 0 && strchr(name, '/') == NULL && name[0] != '.')
		snprintf(saz_instance, sizeof saz_instance, "%.60s", name);
	else
		snprintf(saz_instance, sizeof saz_instance, "%.40s-%ld", program_invocation_short_name, (long)getpid());
	if (path != NULL && path[0] != 0) {
		n = snprintf(saz_address.sun_path, sizeof saz_address.sun_path, "%s", path);
		errno = ENAMETOOLONG;
		return (size_t)n < sizeof saz_address.sun_path;
	}
	if (dir != NULL && dir[0] != 0)
		n = snprintf(made, sizeof made, "%s", dir);
	else if (run != NULL && run[0] != 0)
		n = snprintf(made, sizeof made, "%s/saz", run);
	else
		n = snprintf(made, sizeof made, "/tmp/saz-%ld", (long)geteuid());
	errno = ENAMETOOLONG;
	if ((size_t)n >= sizeof made)
		return 0;
	n = snprintf(saz_address.sun_path, sizeof saz_address.sun_path, "%s/%s.sock", made, saz_instance);
	if ((size_t)n >= sizeof saz_address.sun_path)
		return 0;
	if (!private_directory(made, dir != NULL && dir[0] != 0)) {
		snprintf(saz_address.sun_path, sizeof saz_address.sun_path, "%s", made);
		return 0;
	}
	return 1;
}

/* A socket on which nobody answers is left over from a process that died. */
static int remove_stale(void)
{
	struct stat st;
	int fd, alive;

	if (lstat(saz_address.sun_path, &st) != 0)
		return 1;
	errno = EADDRINUSE;
	if (!S_ISSOCK(st.st_mode))
		return 0;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	alive = fd < 0 || connect(fd, (struct sockaddr *)&saz_address, sizeof saz_address) == 0 || errno == EAGAIN;
	if (fd >= 0)
		close(fd);
	errno = EADDRINUSE;
	return !alive && unlink(saz_address.sun_path) == 0;
}

static int open_socket(void)
{
	saz_address.sun_family = AF_UNIX;
	if (!make_path() || !remove_stale())
		return 0;
	saz_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (saz_listener < 0)
		return 0;
	if (bind(saz_listener, (struct sockaddr *)&saz_address, sizeof saz_address) == 0) {
		saz_owner = getpid();
		if (chmod(saz_address.sun_path, 0600) == 0 && listen(saz_listener, 16) == 0)
			return 1;
		unlink(saz_address.sun_path);
		saz_owner = 0;
	}
	close(saz_listener);
	saz_listener = -1;
	return 0;
}

/* Called by the program's own thread between packets: at the first quiescent point, or by saz_door.c. */
void saz_service_thread(void)
{
	static int started;
	sigset_t all, before;
	pthread_t thread;
	int r;

	if (__atomic_exchange_n(&started, 1, __ATOMIC_SEQ_CST) || saz_listener < 0)
		return;
	saz_door_shut();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, NULL, service, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0) {
		pthread_detach(thread);
		return;
	}
	errno = r;
	warn("no thread for", saz_address.sun_path);
	unlink(saz_address.sun_path);
	saz_owner = 0;
	close(saz_listener);
	saz_listener = -1;
}

void saz_service_start(void)
{
	const char *max = getenv("SAZ_MAX_IMAGE"), *wanted = getenv("SAZ_SERVICE");
	int i;

	if (wanted != NULL && (strcmp(wanted, "off") == 0 || strcmp(wanted, "0") == 0))
		return;
	if (max != NULL && strtoull(max, NULL, 10) != 0)
		saz_max_image = (size_t)strtoull(max, NULL, 10);
	if (!open_socket()) {
		warn("", saz_address.sun_path);
		return;
	}
	for (i = 0; i < MAX_PEERS; i++)
		saz_peers[i].fd = -1;
	if ((wanted != NULL && strcmp(wanted, "thread") == 0) || !saz_door_open(saz_listener))
		saz_service_thread();
}

void saz_service_forked(void)
{
	int i;

	saz_door_forked();
	if (saz_listener >= 0)
		close(saz_listener);
	for (i = 0; saz_listener >= 0 && i < MAX_PEERS; i++)
		if (saz_peers[i].fd >= 0)
			close(saz_peers[i].fd);
	saz_listener = -1;
}

static __attribute__((__destructor__)) void finish(void)
{
	if (saz_owner != 0 && saz_owner == getpid())
		unlink(saz_address.sun_path);
}

#endif
