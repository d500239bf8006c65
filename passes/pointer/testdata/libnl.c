void probe(const void *, ...);
struct nl_cb; struct nl_msg; struct nl_sock; struct nlmsghdr; struct nlattr;
struct nl_cb *nl_cb_alloc(int);
int nl_cb_set(struct nl_cb *, int, int, int (*)(struct nl_msg *, void *), void *);
int nl_cb_err(struct nl_cb *, int, int (*)(void *, void *, void *), void *);
int nl_recvmsgs(struct nl_sock *, struct nl_cb *);
struct nl_sock *nl_socket_alloc(void);
struct nl_msg *nlmsg_alloc(void);
struct nlmsghdr *nlmsg_hdr(struct nl_msg *);
void *nlmsg_data(const struct nlmsghdr *);
int nla_parse(struct nlattr **, int, struct nlattr *, int, const void *);
static int got, status;
static int message(struct nl_msg *m, void *arg)
{
    probe(arg); // pts: got message()
    (void)m;
    return 0;
}
static int error(void *who, void *err, void *arg)
{
    probe(arg); // pts: error() status
    (void)who; (void)err;
    return 0;
}
int main(void)
{
    struct nl_cb *cb = nl_cb_alloc(0);
    struct nlattr *tb[4];
    struct nl_msg *m = nlmsg_alloc();
    nl_cb_set(cb, 0, 3, message, &got);
    nl_cb_err(cb, 3, error, &status);
    nla_parse(tb, 3, nlmsg_data(nlmsg_hdr(m)), 0, 0);
    probe(tb[1]); // pts!: nlmsg_alloc@-4
    nl_recvmsgs(nl_socket_alloc(), cb); // callbacks: error message
    return 0;
}
