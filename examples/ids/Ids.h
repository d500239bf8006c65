/*
 * ids: a small intrusion detection system.
 *
 * A rule is a list of options, each a function and the arguments that it was parsed with.  A plug-in
 * sees packets (and bytes of reassembled streams) before the rules do, and keeps what it wants.
 */
#ifndef IDS_H
#define IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SUCCESS 0
#define FAILURE (-1)

typedef struct Session Session;

/* What the decoder found in a frame.  Addresses and ports are in host order. */
typedef struct
{
    uint64_t time; /* microseconds */
    uint32_t source, dest;
    uint16_t sourcePort, destPort;
    uint8_t protocol;
    uint8_t flags;
    uint32_t sequence;
    const uint8_t *payload;
    uint32_t payloadLength;
    Session *session;   /* TCP only */
    bool fromClient;
} Packet;

#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_RST 0x04
#define FLAG_ACK 0x10

bool DecodePacket(Packet *packet, const uint8_t *frame, uint32_t length);

/* ------------------------------------------------------------- plug-ins */

typedef struct
{
    const char *name;
    void *(*create)(void);
    void (*packet)(void *self, const Packet *packet);
    void (*data)(void *self, const Packet *packet, const uint8_t *bytes, uint32_t length);
    void (*report)(void *self, FILE *to);
    void (*destroy)(void *self);
} Plugin;

extern const Plugin scanPlugin, httpPlugin, ftpPlugin;

/* ------------------------------------------------------------- streams */

/* What a session's application plug-in knows of it. */
typedef enum
{
    APP_NONE,
    APP_HTTP,
    APP_FTP
} AppKind;

typedef struct
{
    AppKind kind;
    union
    {
        struct
        {
            uint32_t requests;
            char *lastUri;
        } http;
        struct
        {
            uint8_t state;
            uint16_t failures;
            char user[24];
        } ftp;
    } u;
} AppData;

/* Bytes that came before those in front of them. */
typedef struct Segment
{
    struct Segment *next;
    uint32_t sequence;
    uint32_t length;
    uint8_t bytes[];
} Segment;

typedef struct
{
    uint32_t lowIp, highIp;
    uint16_t lowPort, highPort;
} SessionKey;

typedef struct
{
    uint32_t expected;
    bool started;
    uint32_t held;      /* bytes in segments */
    Segment *segments;  /* by sequence */
    uint64_t delivered; /* bytes */
} Direction;

struct Session
{
    SessionKey key;
    Session *next;
    bool clientIsLow;
    uint8_t fins;
    uint64_t last;
    uint32_t alerts;
    Direction fromClient, fromServer;
    AppData app;
};

typedef void (*StreamSink)(const Packet *packet, const uint8_t *bytes, uint32_t length);

void StreamSetup(StreamSink sink, uint32_t limit);
void StreamPacket(Packet *packet);
void StreamExpire(uint64_t now);
void StreamEnd(void);
void StreamReport(FILE *to);

/* ------------------------------------------------------------- rules */

/* What an option looks at. */
typedef struct
{
    const Packet *packet;
    const uint8_t *bytes;
    uint32_t length;
    uint32_t cursor; /* behind the last match */
} Subject;

typedef bool (*OptionCheck)(void *context, Subject *subject);

typedef struct Option
{
    OptionCheck check;
    void *context;
    struct Option *next;
} Option;

typedef struct Rule
{
    unsigned id;
    char message[64];
    uint8_t protocol; /* 0: any */
    Option *options;
    struct Rule *next;
    /* run time */
    uint64_t checked, matched;
} Rule;

int LoadRules(const char *file);
void CheckRules(const Packet *packet, const uint8_t *bytes, uint32_t length, bool stream);
void ReportRules(FILE *to);
void FreeRules(void);

/* Parses `name:argument`.  NULL: there is no such option, or not with this argument. */
Option *ParseOption(const char *name, const char *argument);
void FreeOption(Option *option);

/* ------------------------------------------------------------- alerts */

void Alert(const Packet *packet, unsigned id, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
