const unsigned char *net_recv(int *n);
unsigned net_sum(const unsigned char *, int);
unsigned net_fast(unsigned);
