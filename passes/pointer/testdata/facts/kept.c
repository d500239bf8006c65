/* What a library keeps of the program and calls later: the functions that it was given, not those
 * that what it was given as data may be, too. */
#include <pthread.h>

static void destroy(void *p) { (void)p; }
static void never(void *p) { (void)p; }
static void handed(void *p) { (void)p; }
static void as_bytes(void *p) { (void)p; }
static void by_name(void *p) { (void)p; }

static pthread_key_t key, other;
static void *cookie;
static int item;

static void keep(pthread_key_t *k, void *f) { pthread_key_create(k, (void (*)(void *))f); }

/* Handed over as data, but seen to be a function: the model of another library might call it. */
static void hand(void *f) { pthread_setspecific(other, f); }

static void hand_bytes(char *f) { pthread_setspecific(other, f); }

static void *work(void *arg) {
	pthread_setspecific(key, arg);
	pthread_setspecific(other, cookie);
	return arg;
}

int main(int argc, char **argv) {
	pthread_t t;
	hand((void *)handed);
	hand_bytes((char *)as_bytes);
	cookie = argc > 5 ? (void *)never : &item;
	pthread_key_create(&key, destroy); // calls: pthread_key_create destroy by_name ?handed ?as_bytes
	keep(&other, (void *)by_name);
	pthread_create(&t, 0, work, &item); // calls: pthread_create work
	pthread_join(t, 0);
	return 0;
}
