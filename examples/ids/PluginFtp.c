/* FTP logins: three that fail in one session are an attack. */
#include <stdlib.h>
#include <string.h>

#include "Ids.h"

enum
{
    FTP_START,
    FTP_USER,
    FTP_PASSWORD
};

#define FAILURES_TO_ALERT 3

typedef struct
{
    uint64_t logins;
    uint64_t failures;
} FtpState;

static void *FtpCreate(void)
{
    return calloc(1, sizeof(FtpState));
}

static void FtpCommand(FtpState *state, AppData *app, const uint8_t *bytes, uint32_t length)
{
    uint32_t n;

    if (length > 5 && memcmp(bytes, "USER ", 5) == 0)
    {
        for (n = 5; n < length && bytes[n] > ' ' && n - 5 < sizeof(app->u.ftp.user) - 1; n++)
        {
            app->u.ftp.user[n - 5] = bytes[n];
        }
        app->u.ftp.user[n - 5] = '\0';
        app->u.ftp.state = FTP_USER;
    }
    else if (length > 5 && memcmp(bytes, "PASS ", 5) == 0 && app->u.ftp.state == FTP_USER)
    {
        app->u.ftp.state = FTP_PASSWORD;
        state->logins++;
    }
}

static void FtpAnswer(FtpState *state, AppData *app, const Packet *packet, const uint8_t *bytes, uint32_t length)
{
    if (app->u.ftp.state != FTP_PASSWORD || length < 3)
    {
        return;
    }
    app->u.ftp.state = FTP_START;
    if (memcmp(bytes, "530", 3) != 0)
    {
        app->u.ftp.failures = 0;
        return;
    }
    state->failures++;
    if (++app->u.ftp.failures == FAILURES_TO_ALERT)
    {
        Alert(packet, 4, "%u failed logins, the last as %s", FAILURES_TO_ALERT, app->u.ftp.user);
    }
}

static void FtpData(void *self, const Packet *packet, const uint8_t *bytes, uint32_t length)
{
    FtpState *state = self;
    AppData *app = &packet->session->app;
    uint16_t port = packet->fromClient ? packet->destPort : packet->sourcePort;

    if (port != 21)
    {
        return;
    }
    if (app->kind == APP_NONE)
    {
        app->kind = APP_FTP;
    }
    if (app->kind != APP_FTP)
    {
        return;
    }
    if (packet->fromClient)
    {
        FtpCommand(state, app, bytes, length);
    }
    else
    {
        FtpAnswer(state, app, packet, bytes, length);
    }
}

static void FtpReport(void *self, FILE *to)
{
    const FtpState *state = self;

    fprintf(to, "ftp: %llu logins, %llu failed\n", (unsigned long long)state->logins,
            (unsigned long long)state->failures);
}

const Plugin ftpPlugin = {"ftp", FtpCreate, NULL, FtpData, FtpReport, free};
