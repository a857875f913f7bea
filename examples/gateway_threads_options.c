/*
 * options - the command line of gateway-threads.
 */
#include "gateway_threads_options.h"

#include <string.h>

#include "common_options.h"

const char program_name[] = "gateway-threads";

static const char help[] =
    "usage: gateway-threads PORT ADDRESS ROOT [SECONDS]\n"
    "\n"
    "An HTTP server at PORT of 127.0.0.1 (0: any that is free) in front of "
    "the\n"
    "FastCGI application at ADDRESS, whose scripts are below ROOT. It may "
    "take\n"
    "SECONDS to answer; 60.\n";

static bool read_operands(struct options *options, int count, char **operands)
{
    long number = 0;

    if (count != 3 && count != 4) {
        return option_wrong("expected PORT ADDRESS ROOT [SECONDS]");
    }
    options->port = operands[0];
    options->upstream = operands[1];
    options->root = operands[2];
    if (!option_number("PORT", options->port, 0, 65535, &number)) {
        return false;
    }
    if (options->root[0] != '/') {
        return option_wrong("ROOT must begin with a slash, not be '%s'",
                            options->root);
    }
    if (count == 4 &&
        !option_number("SECONDS", operands[3], 1, 1000000, &number)) {
        return false;
    }
    options->timeout_ms = count == 4 ? (int)number * 1000 : 0;
    return true;
}

bool options_read(struct options *options, int argc, char **argv, int *code)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        return option_told(option_print("%s", help), code);
    }
    *code = EXIT_USAGE;
    return read_operands(options, argc - 1, argv + 1);
}
