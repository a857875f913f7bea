/*
 * options - the command line of fcgi-echo.
 */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include <fcgi_client/error.h>

#include "../common/cli.h"

const char program_name[] = "fcgi-echo";

static const char help[] =
    "usage: fcgi-echo [ADDRESS]\n"
    "\n"
    "A FastCGI application that answers with what it was asked. It says on\n"
    "standard output where it listens, and ends at SIGTERM or SIGINT.\n"
    "\n"
    "ADDRESS: unix:/path, /path, unix:@name, host:port or [v6]:port, port 0\n"
    "being any that is free; the socket on descriptor 0 where none is given.\n"
    "\n"
    "  --help     print this\n"
    "  --version  print the version\n"
    "\n"
    "exit codes: 0 ended by a signal, or printed what was asked for; 1 could\n"
    "not listen or begin; 3 wrong usage or address.\n";

bool options_read(const char **address, int argc, char **argv, int *code)
{
    const char *word = argc > 1 ? argv[1] : NULL;

    *address = word;
    *code = EXIT_USAGE;
    if (argc > 2) {
        return option_wrong("expected one ADDRESS, not '%s' too", argv[2]);
    }
    if (word == NULL || word[0] != '-') {
        return true;
    }
    if (strcmp(word, "--help") == 0) {
        return option_told(option_print("%s", help), code);
    }
    if (strcmp(word, "--version") == 0) {
        return option_told(
            option_print("%s %s\n", program_name, fcgi_version()), code);
    }
    return option_wrong("unknown option %s", word);
}
