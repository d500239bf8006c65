#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>

#include "sig.h"

/* In the order of the file: the first match wins, so that a file can put the rare case first. */
static struct sig *sigs;

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* "\xNN" stands for one byte, as a prefix may hold blanks and binary. */
static bool parse_prefix(const char *text, struct sig *s)
{
	while (*text != '\0') {
		int byte = (unsigned char)*text++;

		if (byte == '\\') {
			int hi, lo;

			if (text[0] != 'x' || (hi = hex_digit(text[1])) < 0 || (lo = hex_digit(text[2])) < 0)
				return false;
			byte = hi * 16 + lo;
			text += 3;
		}
		if (s->prefix_len == SIG_PREFIX_MAX)
			return false;
		s->prefix[s->prefix_len++] = (uint8_t)byte;
	}
	return s->prefix_len > 0;
}

static bool parse_port(const char *text, struct sig *s)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (end == text || *end != '\0' || port < 1 || port > 65535)
		return false;
	s->port = (uint16_t)port;
	return true;
}

static const char *parse_line(char *line, struct sig *s)
{
	char *kind = strtok(line, " \t");
	char *proto = strtok(NULL, " \t");
	char *what = strtok(NULL, " \t");
	char *name = strtok(NULL, " \t");

	if (name == NULL || strtok(NULL, " \t") != NULL)
		return "want four words: port|prefix tcp|udp WHAT NAME";
	if (strcmp(proto, "tcp") == 0)
		s->proto = IPPROTO_TCP;
	else if (strcmp(proto, "udp") == 0)
		s->proto = IPPROTO_UDP;
	else
		return "the protocol is neither tcp nor udp";
	if (strcmp(kind, "port") == 0) {
		if (!parse_port(what, s))
			return "the port is not a number from 1 to 65535";
	} else if (strcmp(kind, "prefix") == 0) {
		if (!parse_prefix(what, s))
			return "the prefix is too long, or a \\xNN in it is wrong";
	} else {
		return "the first word is neither port nor prefix";
	}
	if (strlen(name) >= sizeof s->name)
		return "the name is too long";
	strcpy(s->name, name);
	return NULL;
}

bool sig_load(const char *path)
{
	FILE *in = fopen(path, "r");
	struct sig **tail = &sigs;
	char line[256];
	int number = 0;

	if (in == NULL) {
		fprintf(stderr, "monitor: %s: %s\n", path, strerror(errno));
		return false;
	}
	while (fgets(line, sizeof line, in) != NULL) {
		const char *problem;
		struct sig *s;

		number++;
		line[strcspn(line, "\r\n")] = '\0';
		if (line[strspn(line, " \t")] == '\0' || line[0] == '#')
			continue;
		s = calloc(1, sizeof *s);
		problem = s == NULL ? "out of memory" : parse_line(line, s);
		if (problem != NULL) {
			fprintf(stderr, "monitor: %s:%d: %s\n", path, number, problem);
			free(s);
			fclose(in);
			return false;
		}
		*tail = s;
		tail = &s->next;
	}
	fclose(in);
	return true;
}

void sig_free(void)
{
	while (sigs != NULL) {
		struct sig *next = sigs->next;

		free(sigs);
		sigs = next;
	}
}

const struct sig *sig_by_port(uint8_t proto, uint16_t port)
{
	for (const struct sig *s = sigs; s != NULL; s = s->next)
		if (s->prefix_len == 0 && s->proto == proto && s->port == port)
			return s;
	return NULL;
}

const struct sig *sig_by_payload(uint8_t proto, const uint8_t *payload, size_t len)
{
	for (const struct sig *s = sigs; s != NULL; s = s->next)
		if (s->prefix_len != 0 && s->proto == proto && s->prefix_len <= len &&
		    memcmp(payload, s->prefix, s->prefix_len) == 0)
			return s;
	return NULL;
}
