#ifndef SIG_H
#define SIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIG_NAME_MAX 24
#define SIG_PREFIX_MAX 32

struct sig {
	struct sig *next;
	uint8_t proto;                  /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port;                  /* of the service; 0 when only the prefix counts */
	uint8_t prefix_len;             /* 0 when only the port counts */
	uint8_t prefix[SIG_PREFIX_MAX];
	char name[SIG_NAME_MAX];
};

/* Reads a signature file; on an error tells where and returns false. */
bool sig_load(const char *path);
void sig_free(void);

const struct sig *sig_by_port(uint8_t proto, uint16_t port);
const struct sig *sig_by_payload(uint8_t proto, const uint8_t *payload, size_t len);

#endif
