#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

#include "conn.h"
#include "host.h"

/* Opens config.log; a NULL or "-" file name is standard output. */
bool log_open(const char *path);
bool log_close(void);

void log_conn_new(const struct conn *c);
void log_conn_end(const struct conn *c, const char *reason);
void log_host_new(const struct host *h);
void log_service(const struct host *h, const struct service *s);

#endif
