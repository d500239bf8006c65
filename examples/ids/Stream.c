/*
 * TCP sessions and their streams.  A session is found by its two ends in the order of their
 * addresses, so that both directions have one key.
 */
#include <stdlib.h>
#include <string.h>

#include "Ids.h"

#define TABLE_SIZE 1021
#define TIMEOUT 120000000ull

static Session *sessionTable[TABLE_SIZE];
static StreamSink streamSink;
static uint32_t holdLimit;

static struct
{
    uint64_t created, destroyed;
    uint64_t segmentsHeld, segmentsDropped;
    uint32_t mostHeld;
} streamStats;

static int BuildKey(SessionKey *key, const Packet *packet)
{
    int sourceIsLow = packet->source < packet->dest ||
                      (packet->source == packet->dest && packet->sourcePort < packet->destPort);

    memset(key, 0, sizeof(*key));
    if (sourceIsLow)
    {
        key->lowIp = packet->source;
        key->lowPort = packet->sourcePort;
        key->highIp = packet->dest;
        key->highPort = packet->destPort;
    }
    else
    {
        key->lowIp = packet->dest;
        key->lowPort = packet->destPort;
        key->highIp = packet->source;
        key->highPort = packet->sourcePort;
    }
    return sourceIsLow;
}

static uint32_t HashKey(const SessionKey *key)
{
    const uint8_t *bytes = (const uint8_t *)key;
    uint32_t hash = 17;
    size_t i;

    for (i = 0; i < sizeof(*key); i++)
    {
        hash = (hash + bytes[i]) * 2654435761u;
    }
    return (hash ^ hash >> 16) % TABLE_SIZE;
}

static void FreeSegments(Direction *direction)
{
    Segment *segment;

    while ((segment = direction->segments) != NULL)
    {
        direction->segments = segment->next;
        free(segment);
    }
    direction->held = 0;
}

static void DestroySession(Session *session)
{
    FreeSegments(&session->fromClient);
    FreeSegments(&session->fromServer);
    if (session->app.kind == APP_HTTP)
    {
        free(session->app.u.http.lastUri);
    }
    streamStats.destroyed++;
    free(session);
}

static Session *FindSession(const SessionKey *key)
{
    Session *session;

    for (session = sessionTable[HashKey(key)]; session != NULL; session = session->next)
    {
        if (memcmp(&session->key, key, sizeof(*key)) == 0)
        {
            return session;
        }
    }
    return NULL;
}

static Session *CreateSession(const SessionKey *key, bool clientIsLow)
{
    Session *session = calloc(1, sizeof(*session));
    uint32_t bucket = HashKey(key);

    if (session == NULL)
    {
        return NULL;
    }
    session->key = *key;
    session->clientIsLow = clientIsLow;
    session->next = sessionTable[bucket];
    sessionTable[bucket] = session;
    streamStats.created++;
    return session;
}

static int32_t Distance(uint32_t from, uint32_t to)
{
    return (int32_t)(to - from);
}

static void Deliver(Direction *direction, const Packet *packet, const uint8_t *bytes, uint32_t length)
{
    direction->expected += length;
    direction->delivered += length;
    streamSink(packet, bytes, length);
}

/* Delivers what is held and has become next. */
static void Flush(Direction *direction, const Packet *packet)
{
    Segment *segment;

    while ((segment = direction->segments) != NULL)
    {
        int32_t skip = Distance(segment->sequence, direction->expected);

        if (skip < 0)
        {
            break;
        }
        direction->segments = segment->next;
        direction->held -= segment->length;
        if ((uint32_t)skip < segment->length)
        {
            Deliver(direction, packet, segment->bytes + skip, segment->length - skip);
        }
        free(segment);
    }
}

static void Hold(Direction *direction, const Packet *packet)
{
    Segment **at = &direction->segments;
    Segment *segment;

    if (direction->held + packet->payloadLength > holdLimit)
    {
        streamStats.segmentsDropped++;
        return;
    }
    while (*at != NULL && Distance((*at)->sequence, packet->sequence) > 0)
    {
        at = &(*at)->next;
    }
    segment = malloc(sizeof(*segment) + packet->payloadLength);
    if (segment == NULL)
    {
        streamStats.segmentsDropped++;
        return;
    }
    segment->sequence = packet->sequence;
    segment->length = packet->payloadLength;
    memcpy(segment->bytes, packet->payload, packet->payloadLength);
    segment->next = *at;
    *at = segment;
    direction->held += packet->payloadLength;
    streamStats.segmentsHeld++;
    if (direction->held > streamStats.mostHeld)
    {
        streamStats.mostHeld = direction->held;
    }
}

static void Reassemble(Direction *direction, const Packet *packet)
{
    int32_t ahead;

    if (packet->flags & FLAG_SYN)
    {
        direction->expected = packet->sequence + 1;
        direction->started = true;
        return;
    }
    if (!direction->started)
    {
        direction->expected = packet->sequence;
        direction->started = true;
    }
    if (packet->payloadLength == 0)
    {
        return;
    }
    ahead = Distance(direction->expected, packet->sequence);
    if (ahead > 0)
    {
        Hold(direction, packet);
        return;
    }
    if ((uint32_t)-ahead < packet->payloadLength)
    {
        Deliver(direction, packet, packet->payload - ahead, packet->payloadLength + ahead);
    }
    Flush(direction, packet);
}

void StreamSetup(StreamSink sink, uint32_t limit)
{
    streamSink = sink;
    holdLimit = limit;
}

static void Unlink(Session *session)
{
    Session **at = &sessionTable[HashKey(&session->key)];

    while (*at != session)
    {
        at = &(*at)->next;
    }
    *at = session->next;
}

/* Sets the packet's session, and hands on what has come in order. */
void StreamPacket(Packet *packet)
{
    SessionKey key;
    int sourceIsLow = BuildKey(&key, packet);
    Session *session = FindSession(&key);
    bool opens = (packet->flags & (FLAG_SYN | FLAG_ACK)) == FLAG_SYN;

    if (session != NULL && opens && (session->fins == 3 || packet->time > session->last + TIMEOUT))
    {
        Unlink(session);
        DestroySession(session);
        session = NULL;
    }
    if (session == NULL)
    {
        /* Without a SYN the lower port is taken for the server's. */
        bool sourceIsClient = opens || (!(packet->flags & FLAG_SYN) && packet->sourcePort > packet->destPort);

        session = CreateSession(&key, sourceIsClient == (bool)sourceIsLow);
        if (session == NULL)
        {
            return;
        }
    }
    packet->session = session;
    packet->fromClient = session->clientIsLow == (bool)sourceIsLow;
    if (packet->time > session->last)
    {
        session->last = packet->time;
    }
    Reassemble(packet->fromClient ? &session->fromClient : &session->fromServer, packet);
    if (packet->flags & FLAG_RST)
    {
        session->fins = 3;
    }
    else if (packet->flags & FLAG_FIN)
    {
        session->fins |= packet->fromClient ? 1 : 2;
    }
}

void StreamExpire(uint64_t now)
{
    int i;

    for (i = 0; i < TABLE_SIZE; i++)
    {
        Session **at = &sessionTable[i];

        while (*at != NULL)
        {
            Session *session = *at;

            if (now > session->last + TIMEOUT)
            {
                *at = session->next;
                DestroySession(session);
            }
            else
            {
                at = &session->next;
            }
        }
    }
}

void StreamEnd(void)
{
    StreamExpire(UINT64_MAX);
}

void StreamReport(FILE *to)
{
    fprintf(to, "streams: %llu created, %llu destroyed, %llu segments held, %llu dropped, at most %u bytes\n",
            (unsigned long long)streamStats.created, (unsigned long long)streamStats.destroyed,
            (unsigned long long)streamStats.segmentsHeld, (unsigned long long)streamStats.segmentsDropped,
            streamStats.mostHeld);
}
