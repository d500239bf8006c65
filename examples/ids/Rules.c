#include <stdlib.h>
#include <string.h>

#include "Ids.h"

static Rule *packetRules;
static Rule *streamRules;

static uint8_t ProtocolByName(const char *name)
{
    if (strcmp(name, "tcp") == 0)
    {
        return 6;
    }
    if (strcmp(name, "udp") == 0)
    {
        return 17;
    }
    return strcmp(name, "icmp") == 0 ? 1 : 0;
}

/* Adds an option at the end. */
static void AddOption(Rule *rule, Option *option)
{
    Option **at = &rule->options;

    while (*at != NULL)
    {
        at = &(*at)->next;
    }
    *at = option;
}

static void FreeRule(Rule *rule)
{
    while (rule->options != NULL)
    {
        Option *option = rule->options;

        rule->options = option->next;
        FreeOption(option);
    }
    free(rule);
}

/* packet|stream PROTOCOL ID "message" name:argument; name:argument; ... */
static Rule *ParseRule(char *line, bool *stream)
{
    Rule *rule = calloc(1, sizeof(*rule));
    char where[16], protocol[16];
    int used = 0;
    char *word;

    if (rule == NULL)
    {
        return NULL;
    }
    if (sscanf(line, "%15s %15s %u \"%63[^\"]\" %n", where, protocol, &rule->id, rule->message, &used) != 4)
    {
        free(rule);
        return NULL;
    }
    *stream = strcmp(where, "stream") == 0;
    rule->protocol = ProtocolByName(protocol);
    for (word = strtok(line + used, ";\n"); word != NULL; word = strtok(NULL, ";\n"))
    {
        char *colon;
        Option *option;

        while (*word == ' ')
        {
            word++;
        }
        if (*word == '\0')
        {
            continue;
        }
        colon = strchr(word, ':');
        if (colon == NULL)
        {
            FreeRule(rule);
            return NULL;
        }
        *colon = '\0';
        option = ParseOption(word, colon + 1);
        if (option == NULL)
        {
            FreeRule(rule);
            return NULL;
        }
        AddOption(rule, option);
    }
    return rule;
}

int LoadRules(const char *file)
{
    FILE *in = fopen(file, "r");
    char line[512];
    unsigned number = 0;

    if (in == NULL)
    {
        perror(file);
        return FAILURE;
    }
    while (fgets(line, sizeof(line), in) != NULL)
    {
        bool stream;
        Rule *rule, **list;

        number++;
        if (line[0] == '#' || line[0] == '\n')
        {
            continue;
        }
        rule = ParseRule(line, &stream);
        if (rule == NULL)
        {
            fprintf(stderr, "%s:%u: this is no rule\n", file, number);
            fclose(in);
            return FAILURE;
        }
        list = stream ? &streamRules : &packetRules;
        rule->next = *list;
        *list = rule;
    }
    fclose(in);
    return SUCCESS;
}

void CheckRules(const Packet *packet, const uint8_t *bytes, uint32_t length, bool stream)
{
    Rule *rule;

    for (rule = stream ? streamRules : packetRules; rule != NULL; rule = rule->next)
    {
        Subject subject = {packet, bytes, length, 0};
        Option *option;

        if (rule->protocol != 0 && rule->protocol != packet->protocol)
        {
            continue;
        }
        rule->checked++;
        for (option = rule->options; option != NULL; option = option->next)
        {
            if (!option->check(option->context, &subject))
            {
                break;
            }
        }
        if (option == NULL)
        {
            rule->matched++;
            Alert(packet, rule->id, "%s", rule->message);
        }
    }
}

static void ReportList(const Rule *rule, FILE *to)
{
    for (; rule != NULL; rule = rule->next)
    {
        fprintf(to, "rule %u: checked %llu, matched %llu\n", rule->id, (unsigned long long)rule->checked,
                (unsigned long long)rule->matched);
    }
}

void ReportRules(FILE *to)
{
    ReportList(packetRules, to);
    ReportList(streamRules, to);
}

static void FreeList(Rule *rule)
{
    while (rule != NULL)
    {
        Rule *next = rule->next;

        FreeRule(rule);
        rule = next;
    }
}

void FreeRules(void)
{
    FreeList(packetRules);
    FreeList(streamRules);
    packetRules = NULL;
    streamRules = NULL;
}
