/*
 * options - the command line of fcgi-gateway.
 */
#define _POSIX_C_SOURCE 200809L

#include "gateway_events_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: fcgi-gateway --listen HOST:PORT --upstream ADDRESS --root DIR\n"
    "\n"
    "  --listen HOST:PORT    where HTTP clients connect; port 0: any\n"
    "  --upstream ADDRESS    the application: unix:/path or host:port\n"
    "  --root DIR            DOCUMENT_ROOT, as the application sees it\n"
    "  --index NAME          the script of a path that names none; "
    "index.php\n"
    "  --workers N           threads; 1\n"
    "  --connections N       at most so many to the application; keep it\n"
    "                        below pm.max_children of PHP-FPM\n"
    "  --timeout SECONDS     for the application to answer; 60\n"
    "  --client-timeout SECONDS  for the client to go on; 60\n"
    "  --gather BYTES        the longest chunked body that is gathered, as\n"
    "                        PHP needs to know its length; 8388608\n"
    "  --stream-chunked      hand chunked bodies on as they come instead\n"
    "  --access-log          a line for each request on standard output\n";

enum kind { TEXT, NUMBER, SECONDS, BYTES, FLAG };

struct option {
    const char *name;
    enum kind kind;
    void *value;
};

static bool complain(const char *what, const char *about)
{
    (void)fprintf(stderr, "fcgi-gateway: %s: %s\n%s", what, about, usage);
    return false;
}

static bool read_number(const char *text, long max, long *number)
{
    char *end;

    errno = 0;
    *number = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *number >= 0 &&
           *number <= max;
}

static bool store(const struct option *option, const char *text)
{
    long number = 0;

    switch (option->kind) {
    case TEXT:
        *(const char **)option->value = text;
        return true;
    case FLAG:
        *(bool *)option->value = true;
        return true;
    case NUMBER:
        if (!read_number(text, 100000, &number)) {
            return false;
        }
        *(int *)option->value = (int)number;
        return true;
    case SECONDS:
        if (!read_number(text, 1000000, &number) || number == 0) {
            return false;
        }
        *(int *)option->value = (int)number * 1000;
        return true;
    case BYTES:
    default:
        if (!read_number(text, 1L << 30, &number)) {
            return false;
        }
        *(size_t *)option->value = (size_t)number;
        return true;
    }
}

static const struct option *find(const struct option *options, size_t count,
                                 const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static bool is_complete(const struct options *options)
{
    return options->listen != NULL && options->upstream != NULL &&
           options->root != NULL && options->root[0] == '/' &&
           options->workers > 0;
}

bool options_read(struct options *options, int argc, char **argv)
{
    const struct option known[] = {
        {"--listen", TEXT, &options->listen},
        {"--upstream", TEXT, &options->upstream},
        {"--root", TEXT, &options->root},
        {"--index", TEXT, &options->index},
        {"--workers", NUMBER, &options->workers},
        {"--connections", NUMBER, &options->connections},
        {"--timeout", SECONDS, &options->timeout_ms},
        {"--client-timeout", SECONDS, &options->client_timeout_ms},
        {"--gather", BYTES, &options->gather},
        {"--stream-chunked", FLAG, &options->stream_chunked},
        {"--access-log", FLAG, &options->access_log},
    };

    *options = (struct options){.index = "index.php",
                                .workers = 1,
                                .timeout_ms = 60000,
                                .client_timeout_ms = 60000,
                                .gather = (size_t)8 * 1024 * 1024};
    for (int i = 1; i < argc; i++) {
        const struct option *option =
            find(known, sizeof(known) / sizeof(known[0]), argv[i]);
        const char *text = "";
        if (option == NULL) {
            return complain(argv[i], "unknown option");
        }
        if (option->kind != FLAG) {
            text = argv[i + 1]; /* NULL behind the last */
            i += 1;
        }
        if (text == NULL || !store(option, text)) {
            return complain(option->name, "needs another value");
        }
    }
    return is_complete(options)
               ? true
               : complain("needed", "--listen, --upstream, --root /...");
}
