struct entry {
	struct entry *next;
	unsigned char key[6];
	unsigned hits : 12, live : 1;
	union {
		int number;
		char *text;
	} u;
};
extern struct entry *table[64];
static int misses = 3;
struct entry *find(const unsigned char *key, unsigned h)
{
	struct entry *e;
	for (e = table[h & 63]; e; e = e->next)
		if (e->key[0] == key[0] && e->live) {
			e->hits++;
			return e;
		}
	misses++;
	return 0;
}
struct entry copy(struct entry *e, int n)
{
	struct entry c = { .u.number = n }, *p = &c;
	if (e)
		*p = *e;
	return c;
}
const char *name(void)
{
	static const char *names[] = { "a", "b" };
	return names[1] + misses;
}
