/*
 * options - the command line of fcgi-gateway.
 */
#define _POSIX_C_SOURCE 200809L

#include "options.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>

#include <fcgi_client.h>

#include "../common/cli.h"

#define NUMBER_MAX 100000
#define SECONDS_MAX 1000000
#define BYTES_MAX (1L << 30)

/* The memory of all workers, where nobody says how much each may take: each has
 * its share, but enough for some of the longest bodies that are gathered. */
#define MEMORY_DEFAULT ((size_t)256 * 1024 * 1024)
#define GATHER_DEFAULT ((size_t)8 * 1024 * 1024)
#define SHARE_MIN (4 * GATHER_DEFAULT)

#if LONG_MAX > 0x7fffffffL
#define MEMORY_MAX (1L << 40)
#else
#define MEMORY_MAX (1L << 30)
#endif

const char program_name[] = "fcgi-gateway";

static const char help[] =
    "usage: fcgi-gateway --listen HOST:PORT --upstream ADDRESS --root DIR\n"
    "\n"
    "An HTTP/1.1 server in front of a FastCGI application: every request is\n"
    "the application's. It ends at SIGTERM or SIGINT when the requests under\n"
    "way have ended, at a second one at once.\n"
    "\n"
    "  --listen HOST:PORT    where HTTP clients connect, or [v6]:PORT;\n"
    "                        port 0: any that is free\n"
    "  --upstream ADDRESS    the application: unix:/path, /path, unix:@name,\n"
    "                        host:port or [v6]:port\n"
    "  --root DIR            DOCUMENT_ROOT, as the application sees it; from\n"
    "                        the root of its file system\n"
    "  --index NAME          the script of a path that names none; index.php\n"
    "  --workers N           threads, from 1 to 100000; 1\n"
    "  --connections N       at most so many to the application, of all\n"
    "                        workers together, from their number to 100000;\n"
    "                        keep it below pm.max_children of PHP-FPM; 0, any\n"
    "                        number, where it is not given\n"
    "  --no-keep             a connection for each request: for applications\n"
    "                        that serve no other while one is kept\n"
    "  --no-abort            never send FCGI_ABORT_REQUEST: for applications\n"
    "                        that end when they are told to give up\n"
    "  --timeout SECONDS     for the application to go on: to connect to it,\n"
    "                        to begin its answer, to continue it; 60\n"
    "  --total SECONDS       for it to answer whole, the wait for a "
    "connection\n"
    "                        included; any time, where it is not given\n"
    "  --client-timeout SECONDS  for the client to go on; 60\n"
    "  --least-rate BYTES    a second, which the client must keep, sending "
    "and\n"
    "                        receiving, or its time runs out; 500; 0: any\n"
    "  --gather BYTES        a body up to this long is read whole before the\n"
    "                        application is asked, up to 1073741824; a longer\n"
    "                        one is handed on as it comes, or refused if it "
    "is\n"
    "                        chunked, as PHP needs its length; 8388608\n"
    "  --stream-chunked      hand chunked bodies on as they come instead\n"
    "  --memory BYTES        for each worker, and the requests that it has\n"
    "                        under way, with what is gathered; beyond, "
    "requests\n"
    "                        are refused with 503; 268435456, shared by all\n"
    "                        workers, but at least 33554432 for each\n"
    "  --drop-connection-named  drop the fields that a client's Connection\n"
    "                        names: not behind a proxy, whose own fields "
    "could\n"
    "                        be named\n"
    "  --access-log          a line for each request on standard output, in\n"
    "                        the Common Log Format, with why it ended early\n"
    "  --help                print this\n"
    "  --version             print the version\n"
    "\n"
    "exit codes: 0 ended by a signal, or printed what was asked for; 1 could\n"
    "not listen or begin; 3 wrong usage or address.\n";

enum {
    LISTEN = OPTION_LONG,
    UPSTREAM,
    ROOT,
    INDEX,
    WORKERS,
    CONNECTIONS,
    NO_KEEP,
    NO_ABORT,
    TIMEOUT,
    TOTAL,
    CLIENT_TIMEOUT,
    LEAST_RATE,
    GATHER,
    STREAM_CHUNKED,
    MEMORY,
    DROP_CONNECTION_NAMED,
    ACCESS_LOG,
    HELP,
    VERSION
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, LISTEN},
    {"upstream", required_argument, NULL, UPSTREAM},
    {"root", required_argument, NULL, ROOT},
    {"index", required_argument, NULL, INDEX},
    {"workers", required_argument, NULL, WORKERS},
    {"connections", required_argument, NULL, CONNECTIONS},
    {"no-keep", no_argument, NULL, NO_KEEP},
    {"no-abort", no_argument, NULL, NO_ABORT},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"total", required_argument, NULL, TOTAL},
    {"client-timeout", required_argument, NULL, CLIENT_TIMEOUT},
    {"least-rate", required_argument, NULL, LEAST_RATE},
    {"gather", required_argument, NULL, GATHER},
    {"stream-chunked", no_argument, NULL, STREAM_CHUNKED},
    {"memory", required_argument, NULL, MEMORY},
    {"drop-connection-named", no_argument, NULL, DROP_CONNECTION_NAMED},
    {"access-log", no_argument, NULL, ACCESS_LOG},
    {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
    {NULL, 0, NULL, 0},
};

static bool read_count(const char *name, long least, int *count)
{
    long number;

    if (!option_number(name, optarg, least, NUMBER_MAX, &number)) {
        return false;
    }
    *count = (int)number;
    return true;
}

static bool read_seconds(const char *name, int *milliseconds)
{
    long number;

    if (!option_number(name, optarg, 1, SECONDS_MAX, &number)) {
        return false;
    }
    *milliseconds = (int)number * 1000;
    return true;
}

static bool read_bytes(const char *name, long least, long most, size_t *bytes)
{
    long number;

    if (!option_number(name, optarg, least, most, &number)) {
        return false;
    }
    *bytes = (size_t)number;
    return true;
}

static bool read_rate(const char *name, int *rate)
{
    size_t bytes;

    if (!read_bytes(name, 0, BYTES_MAX, &bytes)) {
        return false;
    }
    *rate = (int)bytes;
    return true;
}

/* What has a value that is no number, or none. */
static bool read_plain(struct options *options, int option, const char *word)
{
    switch (option) {
    case LISTEN:
        options->listen = optarg;
        return true;
    case UPSTREAM:
        options->upstream = optarg;
        return true;
    case ROOT:
        options->root = optarg;
        return true;
    case INDEX:
        options->index = optarg;
        return true;
    case NO_KEEP:
        options->no_keep = true;
        return true;
    case NO_ABORT:
        options->no_abort = true;
        return true;
    case STREAM_CHUNKED:
        options->stream_chunked = true;
        return true;
    case DROP_CONNECTION_NAMED:
        options->drop_connection_named = true;
        return true;
    case ACCESS_LOG:
        options->access_log = true;
        return true;
    default:
        return option_unknown(option, word);
    }
}

static bool read_option(struct options *options, int option, const char *word)
{
    switch (option) {
    case WORKERS:
        return read_count("--workers", 1, &options->workers);
    case CONNECTIONS:
        return read_count("--connections", 0, &options->connections);
    case TIMEOUT:
        return read_seconds("--timeout", &options->timeout_ms);
    case TOTAL:
        return read_seconds("--total", &options->total_ms);
    case CLIENT_TIMEOUT:
        return read_seconds("--client-timeout", &options->client_timeout_ms);
    case LEAST_RATE:
        return read_rate("--least-rate", &options->least_rate);
    case GATHER:
        return read_bytes("--gather", 0, BYTES_MAX, &options->gather);
    case MEMORY:
        return read_bytes("--memory", 1, MEMORY_MAX, &options->memory);
    default:
        return read_plain(options, option, word);
    }
}

static bool is_complete(const struct options *options)
{
    if (options->listen == NULL) {
        return option_wrong("--listen is missing");
    }
    if (options->upstream == NULL) {
        return option_wrong("--upstream is missing");
    }
    if (options->root == NULL) {
        return option_wrong("--root is missing");
    }
    if (options->root[0] != '/') {
        return option_wrong("--root must begin with a slash, not be '%s'",
                            options->root);
    }
    return options->connections == 0 ||
           options->connections >= options->workers ||
           option_wrong("--connections must be at least --workers, %d, not %d",
                        options->workers, options->connections);
}

static size_t share_of_memory(int workers)
{
    size_t share = MEMORY_DEFAULT / (size_t)workers;

    return share > SHARE_MIN ? share : SHARE_MIN;
}

bool options_read(struct options *options, int argc, char **argv, int *code)
{
    int option;

    *options = (struct options){.index = "index.php",
                                .workers = 1,
                                .timeout_ms = 60000,
                                .client_timeout_ms = 60000,
                                .least_rate = 500,
                                .gather = GATHER_DEFAULT};
    *code = EXIT_USAGE;
    opterr = 0;
    do {
        option = getopt_long(argc, argv, ":", long_options, NULL);
        if (option == HELP) {
            return option_told(option_print("%s", help), code);
        }
        if (option == VERSION) {
            return option_told(
                option_print("%s %s\n", program_name, fcgi_version()), code);
        }
        if (option != -1 && !read_option(options, option, argv[optind - 1])) {
            return false;
        }
    } while (option != -1);
    if (optind < argc) {
        return option_wrong("'%s' belongs to no option", argv[optind]);
    }
    if (options->memory == 0) {
        options->memory = share_of_memory(options->workers);
    }
    return is_complete(options);
}
