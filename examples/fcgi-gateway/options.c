/*
 * options - the command line of fcgi-gateway.
 */
#define _POSIX_C_SOURCE 200809L

#include "options.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "../common/cli.h"

#define NUMBER_MAX 100000
#define BYTES_MAX (1L << 30)
#define HEAD_MIN 1024
#define HEAD_DEFAULT ((size_t)64 * 1024)

/* Unless --memory is given, all workers share this much, but each has enough
 * for some of the longest bodies that are gathered. */
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
    "                    [OPTION]...\n"
    "\n"
    "An HTTP/1.1 server that hands every request to a FastCGI application.\n"
    "SIGTERM or SIGINT ends it once the requests under way have ended; a\n"
    "second one ends it at once.\n"
    "\n"
    "  --listen HOST:PORT  for HTTP clients, or [v6]:PORT; port 0: any free\n"
    "  --upstream ADDRESS  the application: unix:/path, /path, unix:@name,\n"
    "                      host:port or [v6]:port\n"
    "  --root DIR          DOCUMENT_ROOT, as the application sees it\n"
    "  --index NAME        the script of a path that does not name one\n"
    "                      (default: index.php)\n"
    "  --workers N         threads (default: 1)\n"
    "  --connections N     to the application, from all workers; below\n"
    "                      pm.max_children of PHP-FPM (default: no limit)\n"
    "  --no-keep           a connection for each request, for applications\n"
    "                      that serve no other while one is kept\n"
    "  --requests N        over a connection; the pm.max_requests of PHP-FPM\n"
    "                      (default: no limit)\n"
    "  --idle SECONDS      for which a connection is kept without a request\n"
    "                      (default: 2)\n"
    "  --no-abort          never send FCGI_ABORT_REQUEST, at which some\n"
    "                      applications exit\n"
    "  --timeout SECONDS   for the application to accept a connection, begin\n"
    "                      its answer or continue it (default: 60)\n"
    "  --total SECONDS     for the whole answer, with the wait for a\n"
    "                      connection (default: no limit)\n"
    "  --client-timeout SECONDS\n"
    "                      for the client to go on (default: 60)\n"
    "  --least-rate BYTES  a second, from or to the client, below which its\n"
    "                      time runs out; 0: any (default: 500)\n"
    "  --gather BYTES      read bodies up to this long before asking; stream\n"
    "                      longer ones, refuse if chunked (default: 8 MiB)\n"
    "  --stream-chunked    stream chunked bodies of any length; not for PHP,\n"
    "                      which needs the length\n"
    "  --memory BYTES      for each worker's requests; beyond it, answer 503\n"
    "                      (default: 256 MiB for all, at least 32 MiB each)\n"
    "  --max-head BYTES    for the head of a request (default: 64 KiB)\n"
    "  --max-answer-head BYTES\n"
    "                      for the head of an answer (default: 64 KiB)\n"
    "  -p NAME=VALUE       set a CGI variable of all requests, in place of "
    "one\n"
    "                      that would be made; the last of a name counts\n"
    "  --drop-connection-named\n"
    "                      drop the fields that a client's Connection names;\n"
    "                      not behind a proxy, which may have added them\n"
    "  --access-log        log each request on standard output: Common Log\n"
    "                      Format, and why it ended early\n"
    "  --help              print this help\n"
    "  --version           print the version\n"
    "\n"
    "exit codes: 0 ended by a signal, or printed what was asked for; 1 could\n"
    "not listen or begin; 3 wrong usage or address.\n";

static bool check_options(const struct options *options)
{
    if (options->listen == NULL) {
        return cli_refuse("--listen is missing");
    }
    if (options->upstream == NULL) {
        return cli_refuse("--upstream is missing");
    }
    if (options->root == NULL) {
        return cli_refuse("--root is missing");
    }
    if (options->root[0] != '/') {
        return cli_refuse("--root must begin with a slash, not be '%s'",
                          options->root);
    }
    return options->connections == 0 ||
           options->connections >= options->workers ||
           cli_refuse("--connections must be at least --workers, %d, not %d",
                      options->workers, options->connections);
}

static size_t share_memory(int workers)
{
    size_t share = MEMORY_DEFAULT / (size_t)workers;

    return share > SHARE_MIN ? share : SHARE_MIN;
}

static bool read_words(struct options *options, int argc, char **argv,
                       int *code)
{
    const struct cli_option table[] = {
        cli_text("--listen", &options->listen),
        cli_text("--upstream", &options->upstream),
        cli_text("--root", &options->root),
        cli_text("--index", &options->index),
        cli_number("--workers", &options->workers, 1, NUMBER_MAX),
        cli_number("--connections", &options->connections, 0, NUMBER_MAX),
        cli_flag("--no-keep", &options->no_keep),
        cli_number("--requests", &options->requests, 1, NUMBER_MAX),
        cli_seconds("--idle", &options->idle_ms),
        cli_flag("--no-abort", &options->no_abort),
        cli_seconds("--timeout", &options->timeout_ms),
        cli_seconds("--total", &options->total_ms),
        cli_seconds("--client-timeout", &options->client_timeout_ms),
        cli_number("--least-rate", &options->least_rate, 0, BYTES_MAX),
        cli_bytes("--gather", &options->gather, 0, BYTES_MAX),
        cli_flag("--stream-chunked", &options->stream_chunked),
        cli_bytes("--memory", &options->memory, 1, MEMORY_MAX),
        cli_bytes("--max-head", &options->max_head, HEAD_MIN, BYTES_MAX),
        cli_bytes("--max-answer-head", &options->max_answer_head, HEAD_MIN,
                  BYTES_MAX),
        cli_other("-p", variables_add, &options->variables),
        cli_flag("--drop-connection-named", &options->drop_connection_named),
        cli_flag("--access-log", &options->access_log),
        cli_help("--help"),
        cli_version("--version"),
    };
    const struct cli cli = {table, sizeof(table) / sizeof(table[0]), help,
                            EXIT_FAILURE};

    return cli_read(&cli, argc, argv, code);
}

bool options_read(struct options *options, int argc, char **argv, int *code)
{
    *options = (struct options){.index = "index.php",
                                .workers = 1,
                                .timeout_ms = 60000,
                                .client_timeout_ms = 60000,
                                .least_rate = 500,
                                .gather = GATHER_DEFAULT,
                                .max_head = HEAD_DEFAULT,
                                .max_answer_head = HEAD_DEFAULT};
    if (!read_words(options, argc, argv, code)) {
        return false;
    }
    if (optind < argc) {
        return cli_refuse("unexpected argument '%s'", argv[optind]);
    }
    if (options->memory == 0) {
        options->memory = share_memory(options->workers);
    }
    return check_options(options);
}
