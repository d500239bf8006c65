/* What a library keeps of the program and calls later: the functions that it was given, not those
 * that what it was given as data may be, too. */
#include <pthread.h>

static void destroy(void *p) { (void)p; }
static void never(void *p) { (void)p; }
static void handed(void *p) { (void)p; }
static void as_bytes(void *p) { (void)p; }
static void by_name(void *p) { (void)p; }

extern void probe(const void *);
void probe(const void *p) { (void)p; }

static pthread_key_t key, other;
static void *cookie;
static int item;

static void keep(pthread_key_t *k, void *f) { pthread_key_create(k, (void (*)(void *))f); }

/* Handed over as data, but seen to be a function: the model of another library might call it. */
static void hand(void *f) { pthread_setspecific(other, f); }

static void hand_bytes(char *f) { pthread_setspecific(other, f); }

/* A name of a file, by way of more calls than one looks through, is no function though it may be kept. */
static void deep5(char *name) { pthread_setspecific(key, name); }
static void deep4(char *name) { deep5(name); }
static void deep3(char *name) { deep4(name); }
static void deep2(char *name) { deep3(name); }
static void deep1(char *name) { deep2(name); }

/* But a function is one, by way of a call through a pointer, too. */
static void far(void *p) { (void)p; }
static void far5(char *f) { pthread_setspecific(other, f); }
static void far4(char *f) { far5(f); }
static void far3(char *f) { far4(f); }
static void far2(char *f) { far3(f); }
static void (*const by_pointer)(char *) = far2;
static void far1(char *f) { by_pointer(f); }

/* Bytes that a library hands out by its argument are bytes: no pointers are in them. */
__attribute__((weak)) void SSL_get0_alpn_selected(const void *, const unsigned char **, unsigned *); /* it need not be there: this runs in no test */
static const unsigned char *selected;
static void ssl(void) {
	unsigned n;
	SSL_get0_alpn_selected(0, &selected, &n);
	*(void **)(char *)selected = cookie;
	probe(*(void **)(char *)selected); // pts:
}

static void *work(void *arg) {
	pthread_setspecific(key, arg);
	pthread_setspecific(other, cookie);
	return arg;
}

int main(int argc, char **argv) {
	pthread_t t;
	hand((void *)handed);
	hand_bytes((char *)as_bytes);
	deep1(argc > 5 ? cookie : "name");
	far1((char *)far);
	if (argc > 99)
		ssl();
	cookie = argc > 5 ? (void *)never : &item;
	pthread_key_create(&key, destroy); // calls: pthread_key_create destroy by_name ?handed ?as_bytes far
	keep(&other, (void *)by_name);
	pthread_create(&t, 0, work, &item); // calls: pthread_create work
	pthread_join(t, 0);
	return 0;
}
