unsigned pktsum(const unsigned char *p, unsigned long n);
unsigned inner_fold(unsigned long sum);
