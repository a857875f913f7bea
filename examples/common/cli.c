/*
 * cli - getopt_long() driven by a table.
 *
 * Long options are not POSIX, but Linux, the BSDs and macOS all have them.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/error.h>

/* What getopt_long() returns for the first long option of the table, and from
 * there on for the others: no character is that large. */
#define FIRST_LONG 256

#define SECONDS_MAX 1000000

/*
 * Reports.
 */

/* An argument may hold anything: a line feed must not make two lines of it. */
static void print_line(const char *text)
{
    (void)fprintf(stderr, "%s: ", program_name);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        (void)fputc(c < ' ' || c == 0x7f ? '?' : c, stderr);
    }
    (void)fputc('\n', stderr);
}

bool cli_refuse(const char *format, ...)
{
    static const char hint[] = " (see --help)";
    char line[1024];
    size_t room = sizeof(line) - sizeof(hint);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, room, format, arguments);
    va_end(arguments);
    (void)strcat(line, hint);
    print_line(line);
    return false;
}

int cli_fail(int code, const char *what, const char *why)
{
    char line[1024];

    (void)snprintf(line, sizeof(line), "%s%s%s", what,
                   why[0] == '\0' ? "" : ": ", why);
    print_line(line);
    return code;
}

/*
 * Values.
 */

bool cli_read_number(const char *name, const char *text, long least, long most,
                     long *number)
{
    size_t digits = strspn(text, "0123456789");

    errno = 0;
    *number = strtol(text, NULL, 10);
    if (digits == 0 || text[digits] != '\0' || errno != 0 || *number < least ||
        *number > most) {
        return cli_refuse("%s must be a number from %ld to %ld, not '%s'", name,
                          least, most, text);
    }
    return true;
}

bool cli_read_seconds(const char *name, const char *text, int *milliseconds)
{
    long number;

    if (!cli_read_number(name, text, 1, SECONDS_MAX, &number)) {
        return false;
    }
    *milliseconds = (int)number * 1000;
    return true;
}

static bool read_int(const struct cli_option *option, const char *text)
{
    long number;

    if (!cli_read_number(option->name, text, option->least, option->most,
                         &number)) {
        return false;
    }
    *(int *)option->value = (int)number;
    return true;
}

static bool read_size(const struct cli_option *option, const char *text)
{
    long number;

    if (!cli_read_number(option->name, text, option->least, option->most,
                         &number)) {
        return false;
    }
    *(size_t *)option->value = (size_t)number;
    return true;
}

/* `text` is NULL where the option takes no value. */
static bool store(const struct cli_option *option, const char *text)
{
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)option->value = true;
        return true;
    case CLI_TEXT:
        *(const char **)option->value = text;
        return true;
    case CLI_NUMBER:
        return read_int(option, text);
    case CLI_BYTES:
        return read_size(option, text);
    case CLI_SECONDS:
        return cli_read_seconds(option->name, text, option->value);
    default:
        return option->read(option->value, text);
    }
}

/*
 * The table.
 */

static bool is_long(const struct cli_option *option)
{
    return option->name[1] == '-';
}

static bool takes_value(const struct cli_option *option)
{
    return option->kind != CLI_FLAG && option->kind != CLI_HELP &&
           option->kind != CLI_VERSION;
}

/* The colon in front makes getopt_long() tell a missing value from an unknown
 * option. */
static void make_short_options(const struct cli *cli, char *letters)
{
    *letters++ = ':';
    for (size_t i = 0; i < cli->count; i++) {
        if (!is_long(&cli->options[i])) {
            *letters++ = cli->options[i].name[1];
            *letters = ':';
            letters += takes_value(&cli->options[i]);
        }
    }
    *letters = '\0';
}

static void make_long_options(const struct cli *cli, struct option *words)
{
    for (size_t i = 0; i < cli->count; i++) {
        const struct cli_option *option = &cli->options[i];

        if (is_long(option)) {
            *words++ = (struct option){
                .name = option->name + 2,
                .has_arg =
                    takes_value(option) ? required_argument : no_argument,
                .val = FIRST_LONG + (int)i,
            };
        }
    }
    *words = (struct option){0};
}

/* The option that getopt_long() returned; NULL: it has found a mistake. */
static const struct cli_option *find(const struct cli *cli, int found)
{
    if (found >= FIRST_LONG) {
        return &cli->options[found - FIRST_LONG];
    }
    for (size_t i = 0; i < cli->count; i++) {
        if (!is_long(&cli->options[i]) && cli->options[i].name[1] == found) {
            return &cli->options[i];
        }
    }
    return NULL;
}

/* getopt_long() returned ':' or '?', and `word` is the last that it read. */
static bool refuse_word(int found, const char *word)
{
    const char letter[3] = {'-', (char)optopt, '\0'};
    bool is_known = optopt >= FIRST_LONG;
    const char *shown = is_known || optopt == 0 ? word : letter;

    if (found == ':') {
        return cli_refuse("%s needs a value", shown);
    }
    return cli_refuse(is_known ? "%s: this option takes no value"
                               : "unknown option %s",
                      shown);
}

/* Print what was asked for in place of work. Always false. */
static bool answer(const struct cli *cli, enum cli_kind kind, int *code)
{
    int printed = kind == CLI_HELP
                      ? printf("%s", cli->help)
                      : printf("%s %s\n", program_name, fcgi_version());

    *code = EXIT_SUCCESS;
    if (printed < 0 || fflush(stdout) != 0) {
        *code = cli_fail(cli->failure, "standard output", strerror(errno));
    }
    return false;
}

bool cli_read(const struct cli *cli, int argc, char **argv, int *code)
{
    struct option words[CLI_OPTIONS_MAX + 1];
    char letters[2 * CLI_OPTIONS_MAX + 2];
    const struct cli_option *option;
    int found;

    assert(cli->count <= CLI_OPTIONS_MAX);
    make_short_options(cli, letters);
    make_long_options(cli, words);
    *code = EXIT_USAGE;
    opterr = 0;
    for (;;) {
        found = getopt_long(argc, argv, letters, words, NULL);
        if (found == -1) {
            return true;
        }
        option = find(cli, found);
        if (option == NULL) {
            return refuse_word(found, argv[optind - 1]);
        }
        if (option->kind == CLI_HELP || option->kind == CLI_VERSION) {
            return answer(cli, option->kind, code);
        }
        if (!store(option, optarg)) {
            return false;
        }
    }
}

/*
 * Options.
 */

struct cli_option cli_flag(const char *name, bool *value)
{
    return (struct cli_option){.name = name, .kind = CLI_FLAG, .value = value};
}

struct cli_option cli_text(const char *name, const char **value)
{
    return (struct cli_option){.name = name, .kind = CLI_TEXT, .value = value};
}

struct cli_option cli_number(const char *name, int *value, long least,
                             long most)
{
    return (struct cli_option){.name = name,
                               .kind = CLI_NUMBER,
                               .value = value,
                               .least = least,
                               .most = most};
}

struct cli_option cli_bytes(const char *name, size_t *value, long least,
                            long most)
{
    return (struct cli_option){.name = name,
                               .kind = CLI_BYTES,
                               .value = value,
                               .least = least,
                               .most = most};
}

struct cli_option cli_seconds(const char *name, int *milliseconds)
{
    return (struct cli_option){
        .name = name, .kind = CLI_SECONDS, .value = milliseconds};
}

struct cli_option cli_other(const char *name,
                            bool (*read)(void *value, const char *text),
                            void *value)
{
    return (struct cli_option){
        .name = name, .kind = CLI_OTHER, .value = value, .read = read};
}

struct cli_option cli_help(const char *name)
{
    return (struct cli_option){.name = name, .kind = CLI_HELP};
}

struct cli_option cli_version(const char *name)
{
    return (struct cli_option){.name = name, .kind = CLI_VERSION};
}
