/*
 * options - what the command lines of these programs have in common.
 *
 * Whatever is wrong is one line on standard error, which begins with the
 * program's name.
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <stdbool.h>

/** What the servers end with: wrong usage, or a malformed address. */
#define EXIT_USAGE 3

/** Each program tells its name. */
extern const char program_name[];

/** A code for getopt_long(); those of long options alone begin here. */
#define OPTION_LONG 256

/** Say what is wrong. Always false, for the caller to return. */
bool option_wrong(const char *format, ...);

/** Say what getopt_long() could not make sense of: it returned `option`, ':'
 *  or '?', with argv[optind - 1] being `word`. Always false. */
bool option_unknown(int option, const char *word);

/** Read a decimal number of that range; what is none is said. */
bool option_number(const char *name, const char *text, long least, long most,
                   long *number);

/** Print what was asked for in place of work; false: that failed, and was
 *  said. */
bool option_print(const char *format, ...);

/** The code to end with, now that it was printed or not. Always false, for the
 *  caller to return. */
bool option_told(bool printed, int *code);

#endif
