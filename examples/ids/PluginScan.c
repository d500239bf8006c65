/* Port scans: how many different ports does an address ask for?  Sources are in a binary tree. */
#include <stdlib.h>

#include "Ids.h"

#define PORTS_TO_ALERT 15
#define WINDOW 60000000ull

typedef struct Source
{
    struct Source *left, *right;
    uint32_t address;
    uint64_t since;
    uint32_t ports;
    uint32_t alerts;
    uint8_t asked[32]; /* a bit for each port, by its low byte */
} Source;

typedef struct
{
    Source *root;
    uint32_t sources;
    uint64_t syns;
} ScanState;

static void *ScanCreate(void)
{
    return calloc(1, sizeof(ScanState));
}

static Source *FindSource(ScanState *state, uint32_t address)
{
    Source **at = &state->root;

    while (*at != NULL)
    {
        if (address == (*at)->address)
        {
            return *at;
        }
        at = address < (*at)->address ? &(*at)->left : &(*at)->right;
    }
    *at = calloc(1, sizeof(Source));
    if (*at != NULL)
    {
        (*at)->address = address;
        state->sources++;
    }
    return *at;
}

static void ScanPacket(void *self, const Packet *packet)
{
    ScanState *state = self;
    Source *source;
    uint8_t port = packet->destPort & 0xff;
    unsigned i;

    if (packet->protocol != 6 || (packet->flags & (FLAG_SYN | FLAG_ACK)) != FLAG_SYN)
    {
        return;
    }
    state->syns++;
    source = FindSource(state, packet->source);
    if (source == NULL)
    {
        return;
    }
    if (packet->time > source->since + WINDOW)
    {
        source->since = packet->time;
        source->ports = 0;
        for (i = 0; i < sizeof(source->asked); i++)
        {
            source->asked[i] = 0;
        }
    }
    if (source->asked[port / 8] & 1 << port % 8)
    {
        return;
    }
    source->asked[port / 8] |= 1 << port % 8;
    if (++source->ports == PORTS_TO_ALERT)
    {
        source->alerts++;
        Alert(packet, 1, "port scan");
    }
}

static void ScanReport(void *self, FILE *to)
{
    const ScanState *state = self;

    fprintf(to, "scan: %llu SYNs from %u sources\n", (unsigned long long)state->syns, state->sources);
}

static void FreeTree(Source *source)
{
    if (source != NULL)
    {
        FreeTree(source->left);
        FreeTree(source->right);
        free(source);
    }
}

static void ScanDestroy(void *self)
{
    ScanState *state = self;

    FreeTree(state->root);
    free(state);
}

const Plugin scanPlugin = {"scan", ScanCreate, ScanPacket, NULL, ScanReport, ScanDestroy};
