/*
 * options - the command line of fcgi-client.
 */
#define _POSIX_C_SOURCE 200809L
#include "options.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/cli.h"

const char program_name[] = "fcgi-client";

enum {
    HELP = OPTION_LONG,
    TIMEOUT,
    CONNECT_TIMEOUT,
    ROLE,
    DATA,
    FAIL,
    EXPECT,
    TRACE,
    VERSION
};

static const struct option long_options[] = {
    {"timeout", required_argument, NULL, TIMEOUT},
    {"connect-timeout", required_argument, NULL, CONNECT_TIMEOUT},
    {"role", required_argument, NULL, ROLE},
    {"data", required_argument, NULL, DATA},
    {"fail", no_argument, NULL, FAIL},
    {"expect", required_argument, NULL, EXPECT},
    {"trace", no_argument, NULL, TRACE},
    {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: fcgi-client [options] ADDRESS SCRIPT[?QUERY]\n"
    "\n"
    "Asks a FastCGI application, such as PHP-FPM, and prints the body of its\n"
    "answer. What the application writes on its stderr goes to stderr.\n"
    "\n"
    "ADDRESS  unix:/path, /path, unix:@name, host:port or [v6]:port\n"
    "SCRIPT   the file to run, as the application sees it; or a page of its\n"
    "         own, such as /ping\n"
    "\n"
    "  -p NAME=VALUE         set a CGI variable, or replace one; the last\n"
    "                        of a name counts. None comes from the\n"
    "                        environment of this program.\n"
    "  -X METHOD             the method; GET, or POST with -d\n"
    "  -d DATA|@FILE|@-      send DATA, a file or standard input as the body;\n"
    "                        a form's, unless -p CONTENT_TYPE is given\n"
    "  -i                    print the status and the header fields first\n"
    "  -q                    do not print the body\n"
    "  -v                    tell on stderr what happened\n"
    "      --trace           print each record that passes, on stderr\n"
    "  -n COUNT              ask COUNT times on one pool of connections;\n"
    "                        print the last answer, and statistics on\n"
    "                        stderr; stop at the first that fails\n"
    "      --fail            fail when the HTTP status is 400 or above\n"
    "      --expect TEXT     fail unless the body contains TEXT\n"
    "      --timeout MS      of each whole request; 30000\n"
    "      --connect-timeout MS   to connect; 5000\n"
    "      --role ROLE       responder, authorizer or filter\n"
    "      --data DATA|@FILE|@-   what a filter is to filter\n"
    "  -h, --help            print this\n"
    "      --version         print the version\n"
    "\n"
    "Resolving a host name is the one step no time limit bounds.\n"
    "\n"
    "exit codes: 0 answered, whatever the HTTP status; 1 --fail or --expect\n"
    "not met; 3 wrong usage or address; 4 could not connect; 5 time limit;\n"
    "6 not a valid answer; 7 refused by the application; 8 local: memory, a\n"
    "file, standard output. A closed pipe on standard output ends the\n"
    "program by SIGPIPE, as it does any filter; 8 where that is ignored.\n";

static bool read_number(const char *name, const char *text, int *number)
{
    long value;

    if (!option_number(name, text, 1, INT_MAX, &value)) {
        return false;
    }
    *number = (int)value;
    return true;
}

static bool read_role(const char *text, enum fcgi_role *role)
{
    static const struct {
        const char *name;
        enum fcgi_role role;
    } roles[] = {
        {"responder", FCGI_ROLE_RESPONDER},
        {"authorizer", FCGI_ROLE_AUTHORIZER},
        {"filter", FCGI_ROLE_FILTER},
    };

    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(text, roles[i].name) == 0) {
            *role = roles[i].role;
            return true;
        }
    }
    return option_wrong(
        "--role must be responder, authorizer or filter, not '%s'", text);
}

static bool add_variable(struct options *options, const char *text)
{
    const char *equals = strchr(text, '=');

    if (equals == NULL || equals == text) {
        return option_wrong("-p must be NAME=VALUE, not '%s'", text);
    }
    options->variables[options->variable_count] = (struct fcgi_param){
        .name = text,
        .name_len = (size_t)(equals - text),
        .value = equals + 1,
        .value_len = strlen(equals + 1),
    };
    options->variable_count++;
    return true;
}

static bool read_method(struct options *options, const char *text)
{
    options->method = text;
    return text[0] != '\0' || option_wrong("-X must be a method");
}

static bool read_option(struct options *options, int option, const char *word)
{
    switch (option) {
    case 'p':
        return add_variable(options, optarg);
    case 'X':
        return read_method(options, optarg);
    case 'd':
        options->body = optarg;
        return true;
    case 'i':
        options->show_head = true;
        return true;
    case 'q':
        options->quiet = true;
        return true;
    case 'v':
        options->verbose = true;
        return true;
    case 'n':
        return read_number("-n", optarg, &options->count);
    case TIMEOUT:
        return read_number("--timeout", optarg, &options->timeout_ms);
    case CONNECT_TIMEOUT:
        return read_number("--connect-timeout", optarg,
                           &options->connect_timeout_ms);
    case ROLE:
        return read_role(optarg, &options->role);
    case DATA:
        options->data = optarg;
        return true;
    case FAIL:
        options->fail = true;
        return true;
    case TRACE:
        options->trace = true;
        return true;
    case EXPECT:
        options->expected = optarg;
        return optarg[0] != '\0' || option_wrong("--expect must be some text");
    default:
        return option_unknown(option, word);
    }
}

/* What each option alone cannot tell. */
static bool fits_together(const struct options *options)
{
    if (options->script[0] == '\0' || options->script[0] == '?') {
        return option_wrong("SCRIPT is empty");
    }
    if (options->role == FCGI_ROLE_AUTHORIZER && options->body != NULL) {
        return option_wrong("an authorizer takes no body: -d");
    }
    if (options->role != FCGI_ROLE_FILTER && options->data != NULL) {
        return option_wrong("--data is for --role filter");
    }
    if (options->body != NULL && options->data != NULL &&
        strcmp(options->body, "@-") == 0 && strcmp(options->data, "@-") == 0) {
        return option_wrong("-d and --data cannot both be standard input");
    }
    return true;
}

static bool read_operands(struct options *options, int count, char **operands)
{
    if (count != 2) {
        return option_wrong("expected ADDRESS and SCRIPT, got %d operands",
                            count);
    }
    options->address = operands[0];
    options->script = operands[1];
    return fits_together(options);
}

/* What was asked for instead of an answer has been printed, or could not be.
 * Always false. */
static bool tell(enum code *code, bool told)
{
    *code = told ? CODE_ANSWERED : CODE_LOCAL;
    return false;
}

static bool read_words(struct options *options, int argc, char **argv,
                       enum code *code)
{
    int option;

    opterr = 0;
    for (;;) {
        option = getopt_long(argc, argv, ":p:X:d:iqvn:h", long_options, NULL);
        switch (option) {
        case -1:
            return read_operands(options, argc - optind, argv + optind);
        case 'h':
        case HELP:
            return tell(code, option_print("%s", help));
        case VERSION:
            return tell(code,
                        option_print("%s %s\n", program_name, fcgi_version()));
        default:
            break;
        }
        if (!read_option(options, option, argv[optind - 1])) {
            return false;
        }
    }
}

bool options_read(struct options *options, int argc, char **argv,
                  enum code *code)
{
    *options = (struct options){
        .role = FCGI_ROLE_RESPONDER,
        .timeout_ms = 30000,
        .connect_timeout_ms = 5000,
        .count = 1,
        .variables = calloc((size_t)argc + 1, sizeof(struct fcgi_param)),
    };
    if (options->variables == NULL) {
        *code = CODE_LOCAL;
        fputs("fcgi-client: out of memory\n", stderr);
        return false;
    }
    *code = CODE_USAGE;
    return read_words(options, argc, argv, code);
}

void options_free(struct options *options)
{
    free(options->variables);
}
