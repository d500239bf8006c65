void probe(const void *, ...);
typedef struct { int tag; unsigned long len; unsigned char *p; } buf;
typedef struct crt { buf raw; int version; struct crt *next; } x509_crt;
typedef struct { int state; int (*f_vrfy)(void *, x509_crt *, int, int *); void *p_vrfy; x509_crt *ca; } ssl_context;
int x509_crt_parse(x509_crt *, const unsigned char *, unsigned long);
void ssl_set_verify(ssl_context *, int (*)(void *, x509_crt *, int, int *), void *);
void ssl_set_ca_chain(ssl_context *, x509_crt *, void *, const char *);
int ssl_handshake(ssl_context *);
struct session { x509_crt ca; void *beside; ssl_context ssl; void *behind; } all;
static int id;
static int verify(void *arg, x509_crt *cert, int depth, int *flags)
{
    probe(arg); // pts: id verify()
    probe(cert); // pts!: all ssl_handshake's[]
    probe(all.ssl.p_vrfy); // pts!: id+? verify()
    (void)depth; (void)flags;
    return 0;
}
int main(void)
{
    x509_crt_parse(&all.ca, (const unsigned char *)"x", 1);
    ssl_set_verify(&all.ssl, verify, &id);
    ssl_set_ca_chain(&all.ssl, &all.ca, 0, 0);
    probe(all.beside); // pts:
    probe(all.behind); // pts:
    probe(all.ca.next->next); // pts: x509_crt_parse's[]
    ssl_handshake(&all.ssl); // callbacks: verify
    return 0;
}
