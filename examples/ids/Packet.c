/* The decoder: bytes by their places, as the standards number them. */
#include <string.h>

#include "Ids.h"

#define ETHERNET_LENGTH 14

static uint16_t Get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t Get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool DecodePacket(Packet *packet, const uint8_t *frame, uint32_t length)
{
    const uint8_t *ip = frame + ETHERNET_LENGTH;
    const uint8_t *transport;
    uint32_t headerLength, total, rest;

    if (length < ETHERNET_LENGTH + 20 || Get16(frame + 12) != 0x0800 || ip[0] >> 4 != 4)
    {
        return false;
    }
    headerLength = (ip[0] & 15) * 4u;
    total = Get16(ip + 2);
    if (headerLength < 20 || total < headerLength || total > length - ETHERNET_LENGTH)
    {
        return false;
    }
    if (Get16(ip + 6) & 0x1fff)
    {
        return false; /* not the first fragment */
    }
    packet->source = Get32(ip + 12);
    packet->dest = Get32(ip + 16);
    packet->protocol = ip[9];
    transport = ip + headerLength;
    rest = total - headerLength;
    switch (packet->protocol)
    {
    case 6:
        if (rest < 20 || (transport[12] >> 4) * 4u < 20 || (transport[12] >> 4) * 4u > rest)
        {
            return false;
        }
        packet->sourcePort = Get16(transport);
        packet->destPort = Get16(transport + 2);
        packet->sequence = Get32(transport + 4);
        packet->flags = transport[13];
        packet->payload = transport + (transport[12] >> 4) * 4u;
        packet->payloadLength = rest - (transport[12] >> 4) * 4u;
        return true;
    case 17:
        if (rest < 8)
        {
            return false;
        }
        packet->sourcePort = Get16(transport);
        packet->destPort = Get16(transport + 2);
        packet->payload = transport + 8;
        packet->payloadLength = rest - 8;
        return true;
    default:
        packet->payload = transport;
        packet->payloadLength = rest;
        return true;
    }
}
