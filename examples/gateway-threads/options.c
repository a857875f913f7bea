/*
 * options - the command line of gateway-threads.
 */
#define _POSIX_C_SOURCE 200809L

#include "options.h"

#include <stdlib.h>
#include <unistd.h>

#include "../common/cli.h"

#define BYTES_MAX (1L << 30)
#define MEMORY_DEFAULT ((size_t)256 << 20)

const char program_name[] = "gateway-threads";

static const char help[] =
    "usage: gateway-threads [OPTION]... PORT ADDRESS ROOT [SECONDS]\n"
    "\n"
    "An HTTP server on 127.0.0.1 that hands every request to a FastCGI\n"
    "application. SIGTERM or SIGINT ends it.\n"
    "\n"
    "PORT     where HTTP clients connect; 0: any free port\n"
    "ADDRESS  of the application: unix:/path, /path, unix:@name, host:port\n"
    "         or [v6]:port\n"
    "ROOT     DOCUMENT_ROOT, an absolute path as the application sees it\n"
    "SECONDS  for the application to begin or continue its answer\n"
    "         (default: 60)\n"
    "\n"
    "  --total SECONDS  for the whole answer (default: no limit)\n"
    "  --no-abort       never send FCGI_ABORT_REQUEST, at which some\n"
    "                   applications exit\n"
    "  --memory BYTES   for all request bodies together; beyond it, answer\n"
    "                   503 (default: 256 MiB)\n"
    "  --drop-connection-named\n"
    "                   drop the fields that a client names in Connection;\n"
    "                   not behind a proxy, which may have added them\n"
    "  -p NAME=VALUE    set a CGI variable of all requests, in place of one "
    "that\n"
    "                   would be made; the last of a name counts\n"
    "  --help           print this help\n"
    "\n"
    "exit codes: 0 ended by a signal, or printed what was asked for; 1 could\n"
    "not listen or begin; 3 wrong usage or address.\n";

static bool read_operands(struct options *options, int count, char **operands)
{
    long port;

    if (count != 3 && count != 4) {
        return cli_refuse("expected PORT ADDRESS ROOT [SECONDS]");
    }
    options->port = operands[0];
    options->upstream = operands[1];
    options->root = operands[2];
    if (!cli_read_number("PORT", options->port, 0, 65535, &port)) {
        return false;
    }
    if (options->root[0] != '/') {
        return cli_refuse("ROOT must begin with a slash, not be '%s'",
                          options->root);
    }
    return count == 3 ||
           cli_read_seconds("SECONDS", operands[3], &options->timeout_ms);
}

bool options_read(struct options *options, int argc, char **argv, int *code)
{
    const struct cli_option table[] = {
        cli_seconds("--total", &options->total_ms),
        cli_flag("--no-abort", &options->no_abort),
        cli_bytes("--memory", &options->memory, 1, BYTES_MAX),
        cli_flag("--drop-connection-named", &options->drop_connection_named),
        cli_other("-p", variables_add, &options->variables),
        cli_help("--help"),
    };
    const struct cli cli = {table, sizeof(table) / sizeof(table[0]), help,
                            EXIT_FAILURE};

    *options = (struct options){.memory = MEMORY_DEFAULT};
    return cli_read(&cli, argc, argv, code) &&
           read_operands(options, argc - optind, argv + optind);
}
