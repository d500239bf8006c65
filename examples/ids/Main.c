#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "Ids.h"

#define MAX_PLUGINS 8
#define EXPIRE_EVERY 256

typedef struct
{
    const Plugin *plugin;
    void *self;
} LoadedPlugin;

static LoadedPlugin plugins[MAX_PLUGINS];
static int pluginCount;
static FILE *alertFile;
static uint64_t alertCount;
static const char *program = "ids";

/* What the capture's callback needs. */
typedef struct
{
    uint64_t packets;
    uint64_t undecoded;
    uint64_t sinceExpiry;
    int linkType;
} Capture;

void Alert(const Packet *packet, unsigned id, const char *format, ...)
{
    va_list arguments;

    alertCount++;
    if (packet->session != NULL)
    {
        packet->session->alerts++;
    }
    fprintf(alertFile, "%llu.%06llu [%u] ", (unsigned long long)(packet->time / 1000000),
            (unsigned long long)(packet->time % 1000000), id);
    va_start(arguments, format);
    vfprintf(alertFile, format, arguments);
    va_end(arguments);
    fprintf(alertFile, " %u.%u.%u.%u:%u -> %u.%u.%u.%u:%u\n", packet->source >> 24, packet->source >> 16 & 255,
            packet->source >> 8 & 255, packet->source & 255, packet->sourcePort, packet->dest >> 24,
            packet->dest >> 16 & 255, packet->dest >> 8 & 255, packet->dest & 255, packet->destPort);
}

static void OnData(const Packet *packet, const uint8_t *bytes, uint32_t length)
{
    int i;

    for (i = 0; i < pluginCount; i++)
    {
        if (plugins[i].plugin->data != NULL)
        {
            plugins[i].plugin->data(plugins[i].self, packet, bytes, length);
        }
    }
    CheckRules(packet, bytes, length, true);
}

static void OnPacket(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    Capture *capture = (Capture *)user;
    Packet packet;
    int i;

    capture->packets++;
    memset(&packet, 0, sizeof(packet));
    packet.time = (uint64_t)header->ts.tv_sec * 1000000 + header->ts.tv_usec;
    if (!DecodePacket(&packet, bytes, header->caplen))
    {
        capture->undecoded++;
        return;
    }
    if (++capture->sinceExpiry == EXPIRE_EVERY)
    {
        capture->sinceExpiry = 0;
        StreamExpire(packet.time);
    }
    if (packet.protocol == 6)
    {
        StreamPacket(&packet);
    }
    for (i = 0; i < pluginCount; i++)
    {
        if (plugins[i].plugin->packet != NULL)
        {
            plugins[i].plugin->packet(plugins[i].self, &packet);
        }
    }
    CheckRules(&packet, packet.payload, packet.payloadLength, false);
}

static int LoadPlugin(const Plugin *plugin)
{
    void *self = plugin->create();

    if (self == NULL || pluginCount == MAX_PLUGINS)
    {
        fprintf(stderr, "%s: can't load %s\n", program, plugin->name);
        return FAILURE;
    }
    plugins[pluginCount].plugin = plugin;
    plugins[pluginCount].self = self;
    pluginCount++;
    return SUCCESS;
}

int main(int argc, char **argv)
{
    char error[PCAP_ERRBUF_SIZE];
    Capture capture = {0, 0, 0, 0};
    pcap_t *pcap;
    int i;

    if (argc < 3 || argc > 4)
    {
        fprintf(stderr, "usage: %s RULES CAPTURE [ALERTS]\n", program);
        return 2;
    }
    alertFile = argc == 4 ? fopen(argv[3], "w") : stdout;
    if (alertFile == NULL)
    {
        perror(argv[3]);
        return 1;
    }
    if (LoadRules(argv[1]) != SUCCESS || LoadPlugin(&scanPlugin) != SUCCESS ||
        LoadPlugin(&httpPlugin) != SUCCESS || LoadPlugin(&ftpPlugin) != SUCCESS)
    {
        return 1;
    }
    pcap = pcap_open_offline(argv[2], error);
    if (pcap == NULL)
    {
        fprintf(stderr, "%s: %s\n", program, error);
        return 1;
    }
    capture.linkType = pcap_datalink(pcap);
    if (capture.linkType != DLT_EN10MB)
    {
        fprintf(stderr, "%s: %s is no capture of Ethernet\n", program, argv[2]);
        return 1;
    }
    StreamSetup(OnData, 65536);
    if (pcap_loop(pcap, -1, OnPacket, (u_char *)&capture) < 0)
    {
        fprintf(stderr, "%s: %s\n", program, pcap_geterr(pcap));
    }
    pcap_close(pcap);

    StreamEnd();
    fprintf(alertFile, "packets: %llu, %llu not decoded, %llu alerts\n", (unsigned long long)capture.packets,
            (unsigned long long)capture.undecoded, (unsigned long long)alertCount);
    StreamReport(alertFile);
    ReportRules(alertFile);
    for (i = 0; i < pluginCount; i++)
    {
        plugins[i].plugin->report(plugins[i].self, alertFile);
        plugins[i].plugin->destroy(plugins[i].self);
    }
    FreeRules();
    return fclose(alertFile) == 0 ? 0 : 1;
}
