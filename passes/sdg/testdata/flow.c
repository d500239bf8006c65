#include <pthread.h>
#include <signal.h>
int rx(void);
int a, b, c, d, e, flag;

static void helper(int *p)
{
    *p = 1; // helper
}

static void setup(void)
{
    a = 1; // setup
    helper(&a); // setup_calls
    b = a; // setup_end
}

static void work(int v)
{
    c = v; // work
    helper(&c); // work_calls
    d = c; // work_end
}

static void *thread(void *arg)
{
    e = d; // thread
    return arg;
}

static void handler(int s)
{
    flag = s; // handler
}

static void report(void)
{
    a = e; // report
}

int main(void)
{
    pthread_t t;
    setup(); // main_setup
    b = 2; // before
    pthread_create(&t, 0, thread, 0);
    signal(SIGINT, handler);
    while (!flag) { // loop
        int v = rx(); // rx
        if (v > 0) // test
            work(v); // main_work
        else
            b = v; // other
    }
    report(); // main_report
    return 0;
}

//@ setup -> setup_end before rx work helper report thread !setup
//@ rx -> rx work helper other report !before !setup !setup_end !main_setup
//@ work -> work helper work_end report thread !setup !setup_end !before
//@ helper -> setup_end work_end work before helper
//@ report -> !rx !work !setup
//@ before -> rx work thread !setup
//@ thread -> rx work report handler !before !setup !setup_end
//@ handler -> handler rx !before !setup
//@ other -> other rx work !before
//@ work_end -> thread work !setup_end
//@ main_work ctl test
//@ other ctl test
//@ rx ctl loop
//@ main_report ctl
//@ before ctl
