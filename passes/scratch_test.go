package passes_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"saz/ir/models"
	"saz/passes"
	"saz/passes/persist"
	"saz/passes/pointer/ctest"
	"saz/passes/scratch"
	"saz/passes/update"
)

// Each case says of its variables, in a comment behind the declaration, whether
// packets update them without carrying anything (scratch), or carry something (kept).
var scratchCases = []struct{ name, text string }{
	{"a copy of a packet, as long as it is", `/* callback */
static unsigned char whole[2002];           /* scratch: two bytes that nobody names are before it */
static unsigned char front[2014];           /* kept: what is before the copy stays from packet to packet */
static unsigned char part[2000];            /* kept: as long as somebody else says */
static unsigned char other[2000];           /* kept: a copy of something else */
static unsigned char store[2000];           /* kept */
static int n;                               /* kept */
static int sum(const unsigned char *p, int len) { int s = 0; for (int i = 0; i < len; i++) s += p[i]; return s; }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h)
{
	unsigned char *const copy = whole + 2;
	memcpy(copy, p, h->caplen);
	printf("%d\n", sum(copy, h->caplen));
	memcpy(front + 14, p, h->caplen);
	if (n == 3) front[0] = p[0];
	printf("%d\n", sum(front, h->caplen));
	memcpy(part, p, n);
	printf("%d\n", sum(part, h->caplen));
	memcpy(other, store, h->caplen);
	printf("%d\n", sum(other, h->caplen));
	store[n++ % 2000] = p[0];
}
static void done(void) {}`},
	{"an array of which a packet reads what it has just collected", `/* callback */
struct e { unsigned char key[6]; int n; };
static struct e table[64];                  /* kept */
static struct e copy[64];                   /* scratch */
static struct e more[64];                   /* kept: one more than was collected is read */
static struct e half[64];                   /* kept: of each element only a part is written */
static struct e some[64];                   /* kept: the counter goes up without a write, too */
static struct e back[64];                   /* kept: the counter goes on from packet to packet */
static struct e fixed[64];                  /* kept: all are read, however many were collected */
static struct e once[64];                   /* kept: what stands at the counter is read, nothing says that it is below it */
static int last;                            /* kept */
static __thread struct e own[64];           /* scratch: whatever other threads have in theirs */
static int sum(const unsigned char *k) { int s = 0; for (int i = 0; i < 6; i++) s += k[i]; return s; }
static void packet(const unsigned char *p, const struct pcap_pkthdr *h)
{
	unsigned n = 0, m = 0, q = 0, z = 0, w = 0; int k;
	table[p[0] & 63].n++;
	for (k = 0; k < 64; k++)
		if (table[k].n > 3) {
			copy[n++] = table[k];
			more[m++] = table[k];
			half[q].n = table[k].n; q++;
		}
	for (k = 0; k < 64; k++) {
		if (table[k].n > 4) some[z] = table[k];
		z++;
		if (table[k].n > 5) { back[last & 63] = table[k]; last++; }
	}
	for (k = 0; k < n; k++) table[sum(copy[k].key) & 63] = copy[k];
	for (k = 0; k <= m; k++) printf("%d", more[k].n);
	for (k = 0; k < q; k++) printf("%d", half[k].key[0]);
	for (k = 0; k < z; k++) printf("%d", some[k].n);
	for (k = 0; k < last; k++) printf("%d", back[k & 63].n);
	for (k = 0; k < n && k < 9; k++) fixed[w++] = copy[k];
	for (k = 0; k < 64; k++) printf("%d", fixed[k].n);
	w = 0;
	for (k = 0; k < 64; k++) { if (table[k].n) own[w++] = table[k]; else once[w] = table[k]; }
	while (w > 0) { w--; if (w < 3) printf("%d", once[w].n); }
	unsigned u = 0;
	for (k = 0; k < 64; k++) if (table[k].n) own[u++] = table[k];
	for (unsigned j = u; ; ) { if (j >= u) break; printf("%d", own[j].n); }
}
static void done(void) {}`},
	{"a helper steered by a field that is one of two families", `/* callback */
struct info { int af; const unsigned char *pkt; };
struct host { uint8_t af; struct in6_addr ip; struct host *next; };
static struct host *hosts;                  /* kept */
static struct host none;
static char always[46];                     /* scratch */
static char maybe[46];                      /* kept: a host without a family is printed, too */
static char room[10];                       /* kept: it is too short, inet_ntop fails */
static char guarded[46];                    /* scratch */
static char given[46];                      /* scratch: 10 at this call, whatever others say */
static const char *text(const struct in6_addr ip, int af, char *dest)
{
	if (af == AF_INET) {
		if (!inet_ntop(AF_INET, &ip, dest, INET_ADDRSTRLEN + 1)) { perror("died"); return NULL; }
	} else if (af == AF_INET6) {
		if (!inet_ntop(AF_INET6, &ip, dest, INET6_ADDRSTRLEN)) { perror("died"); return NULL; }
	}
	return dest;
}
static void print(struct host *h, struct host *other)
{
	text(h->ip, h->af, always);
	printf("%s\n", always);
	text(other->ip, other->af, maybe);
	printf("%s\n", maybe);
	if (!inet_ntop(h->af, &h->ip, room, sizeof room)) perror("room");
	puts(room);
	if (other->af == AF_INET6) {
		if (!inet_ntop(other->af, &other->ip, guarded, sizeof guarded)) perror("guarded");
		puts(guarded);
	}
	text(h->ip, AF_INET6, given);
	puts(given);
}
static void add(struct info *i)
{
	struct host *h = calloc(1, sizeof *h);
	h->af = i->af;
	memcpy(&h->ip, i->pkt + 26, 4);
	h->next = hosts;
	hosts = h;
	print(h, i->pkt[0] ? h : &none);
}
static void four(struct info *i) { i->af = AF_INET; }
static void inner(const unsigned char *p, int depth)
{
	struct info i;
	memset(&i, 0, sizeof i);
	i.pkt = p;
	four(&i);
	add(&i);
	if (depth < 3) inner(p + 20, depth + 1);
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	struct info i = {0};
	i.pkt = p;
	if (p[12] == 8) {
		four(&i);
		add(&i);
	} else if (p[12] == 0x86) {
		i.af = AF_INET6;
		add(&i);
	} else
		inner(p, 0);
}
static void done(void) {}`},
	{"the same, but a packet of neither family gets through", `/* callback */
struct info { int af; };
static char buf[46];                        /* kept */
static const char *text(const void *ip, int af, char *dest)
{
	if (af == AF_INET) inet_ntop(AF_INET, ip, dest, 46);
	else if (af == AF_INET6) inet_ntop(AF_INET6, ip, dest, 46);
	return dest;
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	struct info i = {0};
	if (p[12] == 8) i.af = AF_INET;
	text(p, i.af, buf);
	puts(buf);
}
static void done(void) {}`},
	{"the field is changed between two looks at it", `/* callback */
static int af;                              /* scratch */
static char buf[46];                        /* kept */
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	af = p[12] == 8 ? AF_INET : AF_INET6;
	if (af == AF_INET) inet_ntop(AF_INET, p, buf, 46);
	else {
		af = AF_INET;
		if (af == AF_INET6) inet_ntop(AF_INET6, p, buf, 46);
	}
	puts(buf);
}
static void done(void) {}`},
	{"buffers handed out by functions", `/* callback */
static char *last;                          /* kept */
static char kept[8][16];                    /* kept: this one is found again through last */
static const char *link_name(int n)
{
	static char tmp[32];                /* scratch */
	if (n == 1) return "ether";
	if (n > 7) return NULL;
	snprintf(tmp, sizeof tmp, "unknown-%d", n);
	return tmp;
}
static char *early(int n)
{
	static char buf[32];                /* kept: handed out before it is written */
	if (n == 3) return buf;
	snprintf(buf, sizeof buf, "%d", n);
	return buf;
}
static char *bytes(int n)
{
	static char raw[32];                /* kept: its reader looks beyond the string */
	snprintf(raw, sizeof raw, "%d", n);
	return n ? raw : NULL;
}
static int look(const char *s, int i) { return s[i]; }
static void show(const char *s) { puts(s ? s : "-"); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	const char *s = link_name(p[0]);
	if (s) show(s);
	show(early(p[1]));
	const char *r = bytes(p[2]);
	if (r) printf("%d", look(r, p[3] & 31));
	if (last) puts(last);
	snprintf(kept[p[4] & 7], 16, "%d", p[4]);
	last = kept[p[4] & 7];
}
static void done(void) {}`},
	{"one constant between any two packets", `/* callback */
struct st { int depth; int *at; };
static int busy;                            /* scratch */
static int leaky;                           /* kept */
static int begins = 7;                      /* scratch */
static int other = 7;                       /* kept: 0 after the first packet */
static int configured;                      /* kept: main() sets it */
static struct st st;                        /* scratch: by a callee, and a memset */
static int *current;                        /* scratch */
static int asked;                           /* kept: a handler sets it */
static int total;                           /* kept */
static int nested;                          /* scratch */
static void handler(int n) { asked = 1; }
static void reset(void) { memset(&st, 0, sizeof st); current = NULL; }
static void work(const unsigned char *p)
{
	if (busy) abort();
	if (nested++) printf("again");
	if (p[0] > 3) work(p + 1);
	nested = 0;
}
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	if (busy) printf("busy");
	busy = 1;
	if (current) printf("%d", *current);
	current = &total;
	if (st.depth) printf("%d", *st.at);
	st.depth = p[0];
	st.at = &total;
	if (leaky) printf("leaky");
	leaky = p[1];
	if (begins != 7) printf("b");
	begins = p[2];
	if (other) printf("%d", other);
	if (configured) printf("c");
	if (asked) { printf("asked"); asked = 0; }
	configured = 1;
	busy = 0;
	work(p);
	begins = 7;
	other = 0;
	configured = 0;
	reset();
	total++;
	if (p[3]) return;
	leaky = 0;
}
static void __attribute__((constructor)) before(void) { signal(SIGINT, handler); }
static void set_up(void) { configured = 3; }
static void done(void) { if (total > 100) set_up(); }
static void __attribute__((constructor)) begin(void) { set_up(); }`},
	{"a constant at the receive, in a loop", `
static int flag;                            /* scratch */
static int skipped;                         /* kept: continue goes past its reset */
static int n;                               /* kept */
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	if (flag++) printf("flag");
	if (skipped++) printf("skipped");
	n++;
	flag = 0;
	if (p[0]) return;
	skipped = 0;
}
static void done(void) { printf("%d", n); }`},
	{"set on the way to the first packet", `/* callback */
static int level;                           /* kept */
static void use(int n) { if (level) printf("%d", level); level = n; }
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) { use(p[0]); level = 0; }
static void __attribute__((noinline)) options(void) { use(2); }
static void done(void) {}
#define main main1
static int main1(void);
#undef main
#define pcap_loop(a, b, c, d) (options(), (pcap_loop)(a, b, c, d))`},
	{"settings beside what packets write, and pointers to what they write", `/* callback */
struct conf { int limit; int found; int *where; };
static struct conf conf;                    /* scratch: limit is set once */
static struct conf last;                    /* kept */
static int counters[4];                     /* kept */
static int *const at = counters;            /* kept: what it points at is counted up */
static void __attribute__((constructor)) begin(void) { conf.limit = atoi(getenv("LIMIT")); last.limit = 2; }
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	conf.found = p[0] > conf.limit;
	if (conf.found) printf("%d", conf.found);
	if (last.limit == last.found) puts("again");
	last.found = p[0];
	at[p[1] & 3]++;
}
static void done(void) {}`},
	{"a procedure that calls itself with a pointer further on", `/* callback */
struct n { int v, w; };
static struct n all[64];                    /* scratch */
static struct n some[64];                   /* kept */
static int sum(const struct n *n, int left) { return left ? n->v + n->w + sum(n + 1, left - 1) : 0; }
static int weigh(const struct n *n, int left) { return left ? n[1].w + weigh((const struct n *)&n->w, left - 1) : 0; }
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	memset(all, 0, sizeof all);
	all[p[0] & 63].v = 1;
	printf("%d %d", sum(all, 64), weigh(all, 9));
	some[p[0] & 63].v = 1;
	printf("%d %d", sum(some, 64), weigh(some, 9));
}
static void done(void) {}`},
	{"a buffer that is lent to a stream", `/* callback */
static char io[512];                        /* kept */
static char mine[512];                      /* scratch */
static FILE *log_;
static void __attribute__((constructor)) begin(void) { log_ = fopen("log", "w"); setvbuf(log_, io, _IOFBF, sizeof io); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	snprintf(mine, sizeof mine, "%d", p[0]);
	fprintf(log_, "%s", mine);
}
static void done(void) {}`},
	{"constants compared as other types", `/* callback */
static char one[16];                        /* scratch */
static char two[16];                        /* scratch */
static char three[16];                      /* kept */
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	unsigned mode = p[0] ? -1 : 256;
	if (mode == -1) sprintf(one, "%d", p[1]);
	else if (mode == 256) sprintf(one, "256");
	puts(one);
	_Bool any = mode;
	if (any == 1) sprintf(two, "any");
	puts(two);
	unsigned char low = mode;
	if (low == 255) sprintf(three, "low");
	puts(three);
}
static void done(void) {}`},
	{"a helper that prints what it is given reads nothing else", `/* callback */
static char one[32];                        /* scratch */
static char two[32];                        /* kept: printed before it is made */
static void show(const char *label, const char *s) { printf("%s %s\n", label, s); }
static void make(char *to, int n) { sprintf(to, "%d", n); }
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	make(one, p[0]);
	show("one", one);
	show("two", two);
	make(two, p[1]);
}
static void done(void) {}`},
	{"the events that epoll_wait fills in are this round's; what is read before it is not", `/* callback */
#include <sys/epoll.h>
static struct epoll_event these[8];         /* scratch */
static struct epoll_event those[8];         /* kept: looked at before */
static void packet(const unsigned char *p, const struct pcap_pkthdr *hd) {
	int n = epoll_wait(3, these, 8, 0);
	for (int i = 0; i < n; i++) printf("%d", these[i].data.fd);
	printf("%d", those[0].data.fd);
	epoll_wait(4, those, 8, 0);
}
static void done(void) {}`},
}

func TestScratch(t *testing.T) {
	decl := regexp.MustCompile(`(?m)^\s*(?:static )?[\w *]*?[\w*]*[ *](\w+)(?:\[[^;]*\])?(?: = \w+)?;\s*/\* (scratch|kept)`)
	for _, x := range scratchCases {
		t.Run(x.name, func(t *testing.T) {
			want := map[string]string{}
			for _, m := range decl.FindAllStringSubmatch(x.text, -1) {
				want[m[1]] = m[2]
			}
			c := &passes.Context{Prog: ctest.Text(t, source(x.text)), Models: models.Default(), Jobs: 2}
			if err := c.Need(scratch.Pass); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			why := map[string]string{}
			for i := range persist.Of(c).Vars {
				v := &persist.Of(c).Vars[i]
				switch r := scratch.Of(c); {
				case update.Of(c).Updateable[v.ID] == nil:
				case r.Scratch[v.ID] != nil:
					got[v.Name], why[v.Name] = "scratch", r.Scratch[v.ID][0].Text
				default:
					got[v.Name] = "kept"
					for _, w := range r.Carries(v.ID) {
						why[v.Name] += w.Text + "; "
					}
				}
			}
			if len(want) == 0 {
				t.Fatal("no expectation was found")
			}
			for name, w := range want {
				if got[name] != w {
					t.Errorf("%s is %q, want %s (%s)", name, got[name], w, why[name])
				}
			}
		})
	}
}

// What a handler wrote before it received is older than the packet that it then got.
func TestScratchBeforeReceive(t *testing.T) {
	c := &passes.Context{Prog: ctest.Text(t, `
#include <stdio.h>
#include <sys/socket.h>
static int before, after, wrapped;
static char buf[100];
static long get(int fd) { before = fd; wrapped = 1; return recv(fd, buf, sizeof buf, 0); }
static void handle(int fd) { long n = get(fd); after = n; printf("%d %d", after, before); }
int main(void) {
	for (int i = 0;; i++) {
		wrapped = 2;
		handle(i & 3);
		if (wrapped == 2) break;
	}
	return 0;
}`), Models: models.Default(), Jobs: 2}
	if err := c.Need(scratch.Pass); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"before": false, "after": true, "wrapped": false, "buf": true}
	for i := range persist.Of(c).Vars {
		v := &persist.Of(c).Vars[i]
		if w, ok := want[v.Name]; ok && w != (scratch.Of(c).Scratch[v.ID] != nil) {
			t.Errorf("%s: scratch is %v", v.Name, !w)
		}
	}
}

// Locals of a procedure that calls itself: each frame has its own. In a forked child the outer frames are never returned to.
func TestScratchRecursive(t *testing.T) {
	const text = `
#include <stdio.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>
static int limit = 9;
static void relay(int in, int out);
static void add(long *sum, long n) { *sum += n; }
static void start(int in, int out, long *n) { *n -= 1; %s }
static void relay(int in, int out) {
	struct timeval tv;
	long n, sum = 0;
	for (;;) {
		char buf[99];
		fd_set set;
		FD_ZERO(&set); FD_SET(in, &set);
		tv.tv_sec = limit; tv.tv_usec = 0;
		if (select(9, &set, 0, 0, limit ? &tv : 0) <= 0) break;
		n = recv(in, buf, sizeof buf, 0);
		if (n <= 0) break;
		if (buf[0] == 'P') start(out, in, &n);
		add(&sum, n);
		send(out, buf, n, 0);
	}
	printf("%%ld\n", sum);
}
int main(void) { relay(3, 4); return 0; }`
	for _, x := range []struct{ name, how, want string }{
		{"001 forked", "if (fork() == 0) { relay(in, out); _exit(0); }", "n scratch sum kept tv scratch"},
		{"002 called", "relay(in, out);", "n kept sum kept tv scratch"},
	} {
		c := &passes.Context{Prog: ctest.Text(t, fmt.Sprintf(text, x.how)), Models: models.Default(), Jobs: 2}
		if err := c.Need(scratch.Pass); err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range persist.Of(c).Vars {
			v := &persist.Of(c).Vars[i]
			if update.Of(c).Updateable[v.ID] == nil || v.Name != "tv" && v.Name != "n" && v.Name != "sum" || c.Prog.Funcs[v.Proc].Name != "relay" {
				continue
			}
			verdict := "kept"
			if scratch.Of(c).Scratch[v.ID] != nil {
				verdict = "scratch"
			}
			got = append(got, v.Name+" "+verdict)
		}
		slices.Sort(got)
		if s := strings.Join(got, " "); s != x.want {
			t.Errorf("%s: got %s, want %s", x.name, s, x.want)
		}
	}
}
