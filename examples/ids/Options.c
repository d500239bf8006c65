/* The options of rules.  Each has its own arguments, which only it looks into. */
#include <stdlib.h>
#include <string.h>

#include "Ids.h"

typedef struct
{
    uint32_t length;
    bool relative;
    char bytes[60];
} ContentArgs;

typedef struct
{
    uint32_t low, high;
} RangeArgs;

/* So many in so many seconds, from one source. */
typedef struct
{
    uint32_t count;
    uint32_t seconds;
    struct
    {
        uint32_t source;
        uint32_t seen;
        uint64_t since;
    } tracked[64];
} ThresholdArgs;

static bool CheckContent(void *context, Subject *subject)
{
    const ContentArgs *args = context;
    uint32_t at = args->relative ? subject->cursor : 0;

    for (; at + args->length <= subject->length; at++)
    {
        if (memcmp(subject->bytes + at, args->bytes, args->length) == 0)
        {
            subject->cursor = at + args->length;
            return true;
        }
    }
    return false;
}

static bool CheckPort(void *context, Subject *subject)
{
    const RangeArgs *args = context;

    return subject->packet->destPort >= args->low && subject->packet->destPort <= args->high;
}

static bool CheckSize(void *context, Subject *subject)
{
    const RangeArgs *args = context;

    return subject->length >= args->low && subject->length <= args->high;
}

static bool CheckFlags(void *context, Subject *subject)
{
    const RangeArgs *args = context;

    return (subject->packet->flags & args->high) == args->low;
}

static bool CheckThreshold(void *context, Subject *subject)
{
    ThresholdArgs *args = context;
    const Packet *packet = subject->packet;
    uint32_t slot = (packet->source * 2654435761u) >> 26;

    if (args->tracked[slot].source != packet->source ||
        packet->time > args->tracked[slot].since + args->seconds * 1000000ull)
    {
        args->tracked[slot].source = packet->source;
        args->tracked[slot].seen = 0;
        args->tracked[slot].since = packet->time;
    }
    return ++args->tracked[slot].seen == args->count;
}

static void *ParseContent(const char *argument)
{
    ContentArgs *args = calloc(1, sizeof(*args));

    if (args == NULL)
    {
        return NULL;
    }
    if (*argument == '+')
    {
        args->relative = true;
        argument++;
    }
    args->length = strlen(argument);
    if (args->length == 0 || args->length > sizeof(args->bytes))
    {
        free(args);
        return NULL;
    }
    memcpy(args->bytes, argument, args->length);
    return args;
}

static void *ParseRange(const char *argument)
{
    RangeArgs *args = calloc(1, sizeof(*args));
    char *end;

    if (args != NULL)
    {
        args->low = args->high = strtoul(argument, &end, 0);
        if (*end == '-' || *end == '/')
        {
            args->high = strtoul(end + 1, NULL, 0);
        }
    }
    return args;
}

static void *ParseThreshold(const char *argument)
{
    ThresholdArgs *args = calloc(1, sizeof(*args));

    if (args != NULL && sscanf(argument, "%u/%u", &args->count, &args->seconds) != 2)
    {
        free(args);
        return NULL;
    }
    return args;
}

static const struct
{
    const char *name;
    void *(*parse)(const char *argument);
    OptionCheck check;
} optionTable[] = {
    {"content", ParseContent, CheckContent},
    {"port", ParseRange, CheckPort},
    {"size", ParseRange, CheckSize},
    {"flags", ParseRange, CheckFlags},
    {"threshold", ParseThreshold, CheckThreshold},
};

Option *ParseOption(const char *name, const char *argument)
{
    size_t i;

    for (i = 0; i < sizeof(optionTable) / sizeof(optionTable[0]); i++)
    {
        if (strcmp(optionTable[i].name, name) == 0)
        {
            Option *option = calloc(1, sizeof(*option));

            if (option == NULL)
            {
                return NULL;
            }
            option->check = optionTable[i].check;
            option->context = optionTable[i].parse(argument);
            if (option->context == NULL)
            {
                free(option);
                return NULL;
            }
            return option;
        }
    }
    return NULL;
}

void FreeOption(Option *option)
{
    free(option->context);
    free(option);
}
