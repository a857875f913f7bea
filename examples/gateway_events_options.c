/*
 * options - the command line of fcgi-gateway.
 */
#define _POSIX_C_SOURCE 200809L

#include "gateway_events_options.h"

#include <getopt.h>
#include <string.h>

#include <fcgi_client.h>

#include "common_options.h"

#define NUMBER_MAX 100000
#define SECONDS_MAX 1000000
#define BYTES_MAX (1L << 30)

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
    "  --connections N       at most so many to the application, up to\n"
    "                        100000; keep it below pm.max_children of\n"
    "                        PHP-FPM; 0, any number, where it is not given\n"
    "  --no-keep             a connection for each request: for applications\n"
    "                        that serve no other while one is kept\n"
    "  --timeout SECONDS     for the application to answer; 60\n"
    "  --client-timeout SECONDS  for the client to go on; 60\n"
    "  --gather BYTES        the longest chunked body that is gathered, as\n"
    "                        PHP needs to know its length, up to 1073741824;\n"
    "                        8388608\n"
    "  --stream-chunked      hand chunked bodies on as they come instead\n"
    "  --access-log          a line for each request on standard output, in\n"
    "                        the Common Log Format\n"
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
    TIMEOUT,
    CLIENT_TIMEOUT,
    GATHER,
    STREAM_CHUNKED,
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
    {"timeout", required_argument, NULL, TIMEOUT},
    {"client-timeout", required_argument, NULL, CLIENT_TIMEOUT},
    {"gather", required_argument, NULL, GATHER},
    {"stream-chunked", no_argument, NULL, STREAM_CHUNKED},
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

static bool read_bytes(const char *name, size_t *bytes)
{
    long number;

    if (!option_number(name, optarg, 0, BYTES_MAX, &number)) {
        return false;
    }
    *bytes = (size_t)number;
    return true;
}

static bool read_option(struct options *options, int option, const char *word)
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
    case WORKERS:
        return read_count("--workers", 1, &options->workers);
    case CONNECTIONS:
        return read_count("--connections", 0, &options->connections);
    case NO_KEEP:
        options->no_keep = true;
        return true;
    case TIMEOUT:
        return read_seconds("--timeout", &options->timeout_ms);
    case CLIENT_TIMEOUT:
        return read_seconds("--client-timeout", &options->client_timeout_ms);
    case GATHER:
        return read_bytes("--gather", &options->gather);
    case STREAM_CHUNKED:
        options->stream_chunked = true;
        return true;
    case ACCESS_LOG:
        options->access_log = true;
        return true;
    default:
        return option_unknown(option, word);
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
    return options->root[0] == '/' ||
           option_wrong("--root must begin with a slash, not be '%s'",
                        options->root);
}

bool options_read(struct options *options, int argc, char **argv, int *code)
{
    int option;

    *options = (struct options){.index = "index.php",
                                .workers = 1,
                                .timeout_ms = 60000,
                                .client_timeout_ms = 60000,
                                .gather = (size_t)8 * 1024 * 1024};
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
    return is_complete(options);
}
