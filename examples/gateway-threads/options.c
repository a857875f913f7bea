/*
 * options - the command line of gateway-threads.
 */
#define _POSIX_C_SOURCE 200809L

#include "options.h"

#include <getopt.h>

#include "../common/cli.h"

#define SECONDS_MAX 1000000
#define BYTES_MAX (1L << 30)
#define MEMORY_DEFAULT ((size_t)256 << 20)

const char program_name[] = "gateway-threads";

static const char help[] =
    "usage: gateway-threads [OPTION]... PORT ADDRESS ROOT [SECONDS]\n"
    "\n"
    "Serve HTTP at PORT of 127.0.0.1 (0: any free port) in front of the\n"
    "FastCGI application at ADDRESS, whose scripts are below ROOT. It must\n"
    "begin its answer, and go on with it, within SECONDS (60).\n"
    "\n"
    "  --total SECONDS  the whole answer must come within this; no limit\n"
    "  --no-abort       never send FCGI_ABORT_REQUEST: for applications that\n"
    "                   exit when they receive it\n"
    "  --memory BYTES   for all request bodies together, up to 1073741824;\n"
    "                   requests beyond it are refused with 503; 268435456\n"
    "  --drop-connection-named\n"
    "                   drop the fields that a client's Connection names; not\n"
    "                   behind a proxy, whose own fields could be named\n"
    "  --help           print this\n";

enum { TOTAL = OPTION_LONG, NO_ABORT, MEMORY, DROP_CONNECTION_NAMED, HELP };

static const struct option long_options[] = {
    {"total", required_argument, NULL, TOTAL},
    {"no-abort", no_argument, NULL, NO_ABORT},
    {"memory", required_argument, NULL, MEMORY},
    {"drop-connection-named", no_argument, NULL, DROP_CONNECTION_NAMED},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static bool read_seconds(const char *name, const char *text, int *milliseconds)
{
    long number;

    if (!option_number(name, text, 1, SECONDS_MAX, &number)) {
        return false;
    }
    *milliseconds = (int)number * 1000;
    return true;
}

static bool read_memory(size_t *bytes)
{
    long number;

    if (!option_number("--memory", optarg, 1, BYTES_MAX, &number)) {
        return false;
    }
    *bytes = (size_t)number;
    return true;
}

static bool read_option(struct options *options, int option, const char *word)
{
    switch (option) {
    case TOTAL:
        return read_seconds("--total", optarg, &options->total_ms);
    case NO_ABORT:
        options->no_abort = true;
        return true;
    case MEMORY:
        return read_memory(&options->memory);
    case DROP_CONNECTION_NAMED:
        options->drop_connection_named = true;
        return true;
    default:
        return option_unknown(option, word);
    }
}

static bool read_operands(struct options *options, int count, char **operands)
{
    long port;

    if (count != 3 && count != 4) {
        return option_wrong("expected PORT ADDRESS ROOT [SECONDS]");
    }
    options->port = operands[0];
    options->upstream = operands[1];
    options->root = operands[2];
    if (!option_number("PORT", options->port, 0, 65535, &port)) {
        return false;
    }
    if (options->root[0] != '/') {
        return option_wrong("ROOT must begin with a slash, not be '%s'",
                            options->root);
    }
    return count == 3 ||
           read_seconds("SECONDS", operands[3], &options->timeout_ms);
}

bool options_read(struct options *options, int argc, char **argv, int *code)
{
    int option;

    *options = (struct options){.memory = MEMORY_DEFAULT};
    *code = EXIT_USAGE;
    opterr = 0;
    do {
        option = getopt_long(argc, argv, ":", long_options, NULL);
        if (option == HELP) {
            return option_told(option_print("%s", help), code);
        }
        if (option != -1 && !read_option(options, option, argv[optind - 1])) {
            return false;
        }
    } while (option != -1);
    return read_operands(options, argc - optind, argv + optind);
}
