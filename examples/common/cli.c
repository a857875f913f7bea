/*
 * options - what the command lines of these programs have in common. getopt's
 * variables are POSIX; its long options are not, but Linux, the BSDs and macOS
 * all have them.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool option_wrong(const char *format, ...)
{
    va_list arguments;

    (void)fprintf(stderr, "%s: ", program_name);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputs(" (see --help)\n", stderr);
    return false;
}

bool option_unknown(int option, const char *word)
{
    const char letter[3] = {'-', (char)optopt, '\0'};
    bool is_long = optopt == 0 || optopt >= OPTION_LONG;
    const char *shown = is_long ? word : letter;

    if (option == ':') {
        return option_wrong("%s needs a value", shown);
    }
    return option_wrong(optopt >= OPTION_LONG ? "%s: that takes no value"
                                              : "unknown option %s",
                        shown);
}

bool option_number(const char *name, const char *text, long least, long most,
                   long *number)
{
    size_t digits = strspn(text, "0123456789");

    errno = 0;
    *number = strtol(text, NULL, 10);
    if (digits == 0 || text[digits] != '\0' || errno != 0 || *number < least ||
        *number > most) {
        return option_wrong("%s must be a number from %ld to %ld, not '%s'",
                            name, least, most, text);
    }
    return true;
}

bool option_print(const char *format, ...)
{
    va_list arguments;
    bool printed;

    va_start(arguments, format);
    printed = vprintf(format, arguments) >= 0 && fflush(stdout) == 0;
    va_end(arguments);
    if (!printed) {
        (void)fprintf(stderr, "%s: standard output: %s\n", program_name,
                      strerror(errno));
    }
    return printed;
}

bool option_told(bool printed, int *code)
{
    *code = printed ? EXIT_SUCCESS : EXIT_FAILURE;
    return false;
}
