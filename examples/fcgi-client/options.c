/*
 * options - the command line of fcgi-client.
 */
#define _POSIX_C_SOURCE 200809L

#include "options.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "../common/cli.h"

const char program_name[] = "fcgi-client";

static const char help[] =
    "usage: fcgi-client [OPTION]... ADDRESS SCRIPT[?QUERY]\n"
    "\n"
    "Send a request to a FastCGI application, such as PHP-FPM, and print the\n"
    "body of its answer. What it writes on its stderr goes to stderr.\n"
    "\n"
    "ADDRESS  unix:/path, /path, unix:@name, host:port or [v6]:port\n"
    "SCRIPT   the file to run, as the application sees it; or a page of its\n"
    "         own, such as /fpm/status\n"
    "\n"
    "  -p NAME=VALUE         set a CGI variable; the last of a name counts.\n"
    "                        None comes from the environment.\n"
    "  --script-name NAME    SCRIPT_NAME, and the path of the request "
    "(default:\n"
    "                        SCRIPT without its folder; all of it if it has "
    "no\n"
    "                        extension, as a page of the application's has "
    "not)\n"
    "  -X METHOD             the method (default: GET; with -d: POST)\n"
    "  -d DATA|@FILE|@-      send DATA, a file or standard input as the body;\n"
    "                        a form's, unless -p CONTENT_TYPE is given\n"
    "  -i                    print the status and the header fields first\n"
    "  -q                    do not print the body\n"
    "  -v                    report on stderr how each request went\n"
    "  -n COUNT              send COUNT requests, until one fails; print the\n"
    "                        last answer, and statistics (default: 1)\n"
    "  --trace               print each record that passes, on stderr\n"
    "  --fail                fail if the HTTP status is 400 or above\n"
    "  --expect TEXT         fail unless the body contains TEXT\n"
    "  --timeout MS          for each whole request (default: 30000)\n"
    "  --connect-timeout MS  to connect (default: 5000)\n"
    "  --max-head BYTES      for the head of the answer (default: 64 KiB)\n"
    "  --role ROLE           responder, authorizer or filter (default:\n"
    "                        responder)\n"
    "  --data DATA|@FILE|@-  what a filter filters\n"
    "  -h, --help            print this help\n"
    "  --version             print the version\n"
    "\n"
    "No time limit bounds the resolution of a host name.\n"
    "\n"
    "exit codes: 0 answered, whatever the HTTP status; 1 --fail or --expect\n"
    "not met; 3 wrong usage or address; 4 could not connect; 5 time limit;\n"
    "6 not a valid answer; 7 refused by the application; 8 local: memory, a\n"
    "file, standard output. A closed pipe on standard output ends the\n"
    "program by SIGPIPE, like any filter; 8 where SIGPIPE is ignored.\n";

/*
 * Values of options.
 */

static bool read_role(void *value, const char *text)
{
    static const struct {
        const char *name;
        enum fcgi_role role;
    } roles[] = {
        {"responder", FCGI_ROLE_RESPONDER},
        {"authorizer", FCGI_ROLE_AUTHORIZER},
        {"filter", FCGI_ROLE_FILTER},
    };
    enum fcgi_role *role = value;

    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(text, roles[i].name) == 0) {
            *role = roles[i].role;
            return true;
        }
    }
    return cli_refuse(
        "--role must be responder, authorizer or filter, not '%s'", text);
}

/*
 * All of it.
 */

static bool is_empty(const char *text)
{
    return text != NULL && text[0] == '\0';
}

static bool is_standard_input(const char *text)
{
    return text != NULL && strcmp(text, "@-") == 0;
}

static bool check_options(const struct options *options)
{
    if (is_empty(options->method)) {
        return cli_refuse("-X must not be empty");
    }
    if (options->script_name != NULL &&
        (options->script_name[0] != '/' ||
         strchr(options->script_name, '?') != NULL)) {
        return cli_refuse("--script-name must begin with a slash and have no "
                          "query, not be '%s'",
                          options->script_name);
    }
    if (is_empty(options->expected)) {
        return cli_refuse("--expect must not be empty");
    }
    if (options->role == FCGI_ROLE_AUTHORIZER && options->body != NULL) {
        return cli_refuse("-d: an authorizer takes no body");
    }
    if (options->role != FCGI_ROLE_FILTER && options->data != NULL) {
        return cli_refuse("--data needs --role filter");
    }
    if (is_standard_input(options->body) && is_standard_input(options->data)) {
        return cli_refuse("-d and --data cannot both be standard input");
    }
    return true;
}

static bool read_operands(struct options *options, int count, char **operands)
{
    if (count < 2) {
        return cli_refuse("expected ADDRESS and SCRIPT");
    }
    if (count > 2) {
        return cli_refuse("unexpected argument '%s'", operands[2]);
    }
    options->address = operands[0];
    options->script = operands[1];
    return (options->script[0] != '\0' && options->script[0] != '?') ||
           cli_refuse("SCRIPT must not be empty");
}

static bool read_words(struct options *options, int argc, char **argv,
                       int *code)
{
    const struct cli_option table[] = {
        cli_other("-p", variables_add, &options->variables),
        cli_text("-X", &options->method),
        cli_text("-d", &options->body),
        cli_flag("-i", &options->show_head),
        cli_flag("-q", &options->quiet),
        cli_flag("-v", &options->verbose),
        cli_number("-n", &options->count, 1, INT_MAX),
        cli_flag("--trace", &options->trace),
        cli_flag("--fail", &options->fail),
        cli_text("--expect", &options->expected),
        cli_number("--timeout", &options->timeout_ms, 1, INT_MAX),
        cli_number("--connect-timeout", &options->connect_timeout_ms, 1,
                   INT_MAX),
        cli_text("--script-name", &options->script_name),
        cli_bytes("--max-head", &options->max_head, 1, INT_MAX),
        cli_other("--role", read_role, &options->role),
        cli_text("--data", &options->data),
        cli_help("-h"),
        cli_help("--help"),
        cli_version("--version"),
    };
    const struct cli cli = {table, sizeof(table) / sizeof(table[0]), help,
                            CODE_LOCAL};

    return cli_read(&cli, argc, argv, code) &&
           read_operands(options, argc - optind, argv + optind) &&
           check_options(options);
}

bool options_read(struct options *options, int argc, char **argv, int *code)
{
    *options = (struct options){
        .role = FCGI_ROLE_RESPONDER,
        .timeout_ms = 30000,
        .connect_timeout_ms = 5000,
        .count = 1,
        .max_head = (size_t)64 * 1024,
    };
    return read_words(options, argc, argv, code);
}
