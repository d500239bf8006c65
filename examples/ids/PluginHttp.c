/* HTTP requests: counts them, and complains of those that ask for the same thing again and again. */
#include <stdlib.h>
#include <string.h>

#include "Ids.h"

#define MAX_URI 200

typedef struct
{
    uint64_t requests;
    uint64_t repeated;
    uint32_t longestUri;
} HttpState;

static void *HttpCreate(void)
{
    return calloc(1, sizeof(HttpState));
}

static void HttpData(void *self, const Packet *packet, const uint8_t *bytes, uint32_t length)
{
    HttpState *state = self;
    AppData *app = &packet->session->app;
    const uint8_t *end;
    uint32_t uriLength;
    char *uri;

    if (!packet->fromClient || packet->destPort != 80 || length < 5 || memcmp(bytes, "GET ", 4) != 0)
    {
        return;
    }
    if (app->kind == APP_NONE)
    {
        app->kind = APP_HTTP;
    }
    if (app->kind != APP_HTTP)
    {
        return;
    }
    end = memchr(bytes + 4, ' ', length - 4);
    uriLength = end == NULL ? length - 4 : (uint32_t)(end - (bytes + 4));
    if (uriLength > MAX_URI)
    {
        Alert(packet, 2, "URI of %u bytes", uriLength);
        uriLength = MAX_URI;
    }
    state->requests++;
    app->u.http.requests++;
    if (uriLength > state->longestUri)
    {
        state->longestUri = uriLength;
    }
    uri = malloc(uriLength + 1);
    if (uri == NULL)
    {
        return;
    }
    memcpy(uri, bytes + 4, uriLength);
    uri[uriLength] = '\0';
    if (app->u.http.lastUri != NULL && strcmp(app->u.http.lastUri, uri) == 0)
    {
        state->repeated++;
        Alert(packet, 3, "request %u repeats %s", app->u.http.requests, uri);
    }
    free(app->u.http.lastUri);
    app->u.http.lastUri = uri;
}

static void HttpReport(void *self, FILE *to)
{
    const HttpState *state = self;

    fprintf(to, "http: %llu requests, %llu repeated, longest URI %u\n", (unsigned long long)state->requests,
            (unsigned long long)state->repeated, state->longestUri);
}

const Plugin httpPlugin = {"http", HttpCreate, NULL, HttpData, HttpReport, free};
