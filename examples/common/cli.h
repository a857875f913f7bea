/*
 * cli - the command line of a program, read from a table of its options:
 *
 *     const struct cli_option table[] = {
 *         cli_number("--workers", &workers, 1, 100),
 *         cli_flag("-q", &quiet),
 *         cli_help("--help"),
 *     };
 *
 * A mistake is reported in one line on standard error, which begins with the
 * program's name.
 */
#ifndef EXAMPLES_COMMON_CLI_H
#define EXAMPLES_COMMON_CLI_H

#include <stdbool.h>
#include <stddef.h>

/** The exit code for wrong usage, a malformed address included. Never 2, which
 *  health checkers reserve. */
#define EXIT_USAGE 3

/** The longest table. */
#define CLI_OPTIONS_MAX 32

/** Each program defines its name. */
extern const char program_name[];

/** An option: one of the functions below makes it. */
struct cli_option {
    const char *name; /* "--word" or "-c" */
    enum cli_kind {
        CLI_FLAG,
        CLI_TEXT,
        CLI_NUMBER,
        CLI_SECONDS,
        CLI_BYTES,
        CLI_OTHER,
        CLI_HELP,
        CLI_VERSION
    } kind;
    void *value;
    long least, most;
    bool (*read)(void *value, const char *text);
};

/** An option without a value, which sets a bool. */
struct cli_option cli_flag(const char *name, bool *value);

/** Any text. */
struct cli_option cli_text(const char *name, const char **value);

/** A decimal number of a range: a count or a size. */
struct cli_option cli_number(const char *name, int *value, long least,
                             long most);
struct cli_option cli_bytes(const char *name, size_t *value, long least,
                            long most);

/** A number of seconds from 1 on, stored as milliseconds. */
struct cli_option cli_seconds(const char *name, int *milliseconds);

/** A text that `read` understands. False: it does not, and has reported why. */
struct cli_option cli_other(const char *name,
                            bool (*read)(void *value, const char *text),
                            void *value);

/** Print the help or the version, and end the program. */
struct cli_option cli_help(const char *name);
struct cli_option cli_version(const char *name);

/** A command line. */
struct cli {
    const struct cli_option *options;
    size_t count;     /**< of the options */
    const char *help; /**< for cli_help() */
    int failure;      /**< the exit code where that cannot be printed */
};

/**
 * Read the options of a command line.
 *
 * @param code  set to the exit code where there is nothing to do
 * @return whether there is something to do; the operands begin at
 *         argv[optind]
 */
bool cli_read(const struct cli *cli, int argc, char **argv, int *code);

/** Read what is not an option's value. False: it is not a decimal number of
 *  that range, which has been reported. */
bool cli_read_number(const char *name, const char *text, long least, long most,
                     long *number);
bool cli_read_seconds(const char *name, const char *text, int *milliseconds);

/** Report a mistake in the command line. Always false, for the caller to
 *  return. */
bool cli_refuse(const char *format, ...);

/** Report a failure: what failed, and why if that is not empty. Returns
 *  `code`, for the caller to return. */
int cli_fail(int code, const char *what, const char *why);

#endif
