#ifndef BOX_H
#define BOX_H
#include <stdio.h>
void box_packet(const char *line);      /* "src dst sport dport proto length" */
void box_dump(FILE *out);
void box_start(FILE *log);
void box_end(void);
#endif
