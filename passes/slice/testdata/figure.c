// The shape of the paper's running example: a loop that receives, a thread that
// processes, a queue between them.
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
char *source(void);
void sink(const void *);
int cond(void);

struct host { unsigned ip; int count; struct host *next; };
char *queue[100];
int head = 0, tail = 0;
struct host *hosts = 0;
sem_t full, empty;
int threshold, verbose;

static void enqueue(char *pkt)
{
    head = (head + 1) % 100; // -f +b
    queue[head] = pkt; // +f +b
}

static char *dequeue(void)
{
    int *index = &tail; // +f
    *index = (*index + 1) % 100; // +f +b
    return queue[*index]; // +f +b
}

static struct host *lookup(unsigned ip)
{
    struct host *curr = hosts; // +f +b
    while (curr) { // +f +b
        if (curr->ip == ip) // +f +b
            return curr; // +f +b
        curr = curr->next; // +f +b
    }
    return 0; // +f +b
}

static void *process(void *unused)
{
    (void)unused;
    while (1) {
        sem_wait(&empty);
        char *pkt = dequeue(); // +f +b
        if (!pkt) // +f
            return 0; // -f
        struct host *entry = lookup(*(unsigned *)pkt); // +f +b
        if (!entry) { // +f +b
            struct host *new = malloc(sizeof *new); // +f +b
            new->ip = *(unsigned *)pkt; // +f +b
            new->count = 0; // +f +b
            new->next = hosts; // +f +b
            hosts = new; // +f +b
            entry = new; // +f
        }
        entry->count++; // +f +b
        free(pkt); // +f
    }
}

int main(int argc, char **argv)
{
    pthread_t t;
    threshold = cond(); // -f +b
    verbose = threshold > 4; // -f -b
    sem_init(&full, 0, 100); // -f
    pthread_create(&t, 0, process, 0); // -f +b
    while (1) {
        char *pkt = source(); // +f +b
        enqueue(pkt); // +f +b
        struct host *entry = lookup(*(unsigned *)pkt); // +f +b
        if (!entry || entry->count < threshold) // +f +b
            sink(pkt); // +f +b
    }
}
