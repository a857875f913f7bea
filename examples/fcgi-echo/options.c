/*
 * options - the command line of fcgi-echo.
 */
#define _POSIX_C_SOURCE 200809L

#include "options.h"

#include <stdlib.h>
#include <unistd.h>

#include "../common/cli.h"

const char program_name[] = "fcgi-echo";

static const char help[] =
    "usage: fcgi-echo [ADDRESS]\n"
    "\n"
    "A FastCGI application that answers with what it was asked. It prints\n"
    "where it listens. SIGTERM or SIGINT ends it.\n"
    "\n"
    "ADDRESS  unix:/path, /path, unix:@name, host:port or [v6]:port; port 0:\n"
    "         any free one (default: the socket on descriptor 0)\n"
    "\n"
    "  --help     print this help\n"
    "  --version  print the version\n"
    "\n"
    "exit codes: 0 ended by a signal, or printed what was asked for; 1 could\n"
    "not listen or begin; 3 wrong usage or address.\n";

bool options_read(const char **address, int argc, char **argv, int *code)
{
    const struct cli_option table[] = {cli_help("--help"),
                                       cli_version("--version")};
    const struct cli cli = {table, 2, help, EXIT_FAILURE};

    *address = argc > 1 ? argv[1] : NULL;
    *code = EXIT_USAGE;
    if (argc > 2) {
        return cli_refuse("unexpected argument '%s'", argv[2]);
    }
    return cli_read(&cli, argc, argv, code);
}
