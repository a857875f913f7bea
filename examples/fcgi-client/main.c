/*
 * fcgi-client - ask a FastCGI application from a shell: from a health check, a
 * cron job, or to see what it answers.
 *
 *     fcgi-client unix:/run/php/php-fpm.sock /srv/www/index.php?page=1
 *
 * `fcgi-client --help` lists the options and the exit codes. This file sends
 * the requests and reports how they went. Beside it, `options` is the command
 * line, `body` what is sent, `environment` the CGI variables, `answer` what is
 * done with the answer, and `trace` what --trace prints.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <fcgi_client.h>

#include "../common/cli.h"
#include "../common/descriptors.h"
#include "answer.h"
#include "body.h"
#include "environment.h"
#include "options.h"
#include "trace.h"

/* Everything that one run of the program uses. */
struct run {
    struct options options;
    struct body body;
    struct body data;
    struct environment environment;
    struct answer answer;
    struct fcgi_client *client;
    struct fcgi_response response;
    int asked;
};

/* A failure that the application or the way to it has a part in. */
static int fail(const struct run *run, int code, const char *what,
                const char *why)
{
    char reason[512];

    snprintf(reason, sizeof(reason), "%s%s%s", what, why[0] == '\0' ? "" : ": ",
             why);
    return cli_fail(code, run->options.address, reason);
}

static int exit_code_of(int error)
{
    switch (error) {
    case FCGI_OK:
        return CODE_ANSWERED;
    case FCGI_ERR_ADDRESS:
        return EXIT_USAGE;
    case FCGI_ERR_RESOLVE:
    case FCGI_ERR_CONNECT:
    case FCGI_ERR_BACKLOG_FULL:
        return CODE_CONNECT;
    case FCGI_ERR_CONNECT_TIMEOUT:
    case FCGI_ERR_WRITE_TIMEOUT:
    case FCGI_ERR_FIRST_BYTE_TIMEOUT:
    case FCGI_ERR_IDLE_TIMEOUT:
    case FCGI_ERR_DEADLINE:
    case FCGI_ERR_QUEUE_TIMEOUT:
        return CODE_TIME;
    case FCGI_ERR_CLOSED:
    case FCGI_ERR_TRUNCATED:
    case FCGI_ERR_RESET:
    case FCGI_ERR_NOT_FASTCGI:
    case FCGI_ERR_INVALID_HEADER:
    case FCGI_ERR_BAD_RECORD:
    case FCGI_ERR_BAD_ID:
    case FCGI_ERR_NO_HEAD:
    case FCGI_ERR_BAD_HEAD:
    case FCGI_ERR_HEAD_TOO_LARGE:
    case FCGI_ERR_BODY_TOO_LARGE:
    case FCGI_ERR_BODY_SHORT:
    case FCGI_ERR_BODY_LONG:
        return CODE_INVALID;
    case FCGI_ERR_OVERLOADED:
    case FCGI_ERR_CANT_MPX_CONN:
    case FCGI_ERR_UNKNOWN_ROLE:
    case FCGI_ERR_PROTOCOL_STATUS:
        return CODE_REFUSED;
    default:
        return CODE_LOCAL;
    }
}

static int fail_with_error(const struct run *run, int error, int system_error)
{
    char why[64] = "";

    if (error == FCGI_ERR_HEAD_TOO_LARGE) {
        (void)snprintf(why, sizeof(why), "--max-head is %zu",
                       run->options.max_head);
    }
    return fail(run, exit_code_of(error), fcgi_strerror(error),
                system_error != 0 ? strerror(system_error) : why);
}

static double milliseconds(int64_t microseconds)
{
    return (double)microseconds / 1000.0;
}

static void report_connection(const struct fcgi_outcome *outcome)
{
    fputs(outcome->retried ? "retried, " : "", stderr);
    if (outcome->reused) {
        fputs("reused a connection; ", stderr);
    } else {
        fprintf(stderr, "dialled in %.3f ms; ",
                milliseconds(outcome->connect_us));
    }
}

/* The line that -v adds for each request. */
static void report_outcome(struct run *run)
{
    const struct fcgi_outcome *outcome = &run->response.outcome;

    fprintf(stderr, "fcgi-client: request %d: ", run->asked);
    report_connection(outcome);
    fprintf(stderr,
            "sent %" PRIu64 " records, %" PRIu64 " bytes; "
            "received %" PRIu64 " records, %" PRIu64 " bytes; ",
            outcome->records_sent, outcome->bytes_sent,
            outcome->records_received, outcome->bytes_received);
    if (outcome->first_byte_us >= 0) {
        fprintf(stderr, "first byte after %.3f ms; ",
                milliseconds(outcome->first_byte_us));
    }
    fprintf(stderr, "total %.3f ms; status %d; appStatus %" PRIu32 "\n",
            milliseconds(outcome->total_us), run->response.status,
            run->response.app_status);
}

static void report_statistics(struct run *run, double seconds)
{
    struct fcgi_pool_stats stats;

    fcgi_pool_get_stats(fcgi_client_pool(run->client), &stats);
    fprintf(stderr,
            "fcgi-client: requests %d, dials %" PRIu64 ", reuses %" PRIu64
            ", retries %" PRIu64 ", stale %" PRIu64
            ", requests per second %.0f\n",
            run->asked, stats.dials, stats.reuses, stats.retries, stats.stale,
            seconds > 0 ? run->asked / seconds : 0.0);
}

/* Check what --fail and --expect ask for. */
static int check_answer(const struct run *run)
{
    const struct fcgi_response *response = &run->response;
    char status[32];

    if (run->options.fail && response->status >= 400) {
        snprintf(status, sizeof(status), "HTTP status %d", response->status);
        return fail(run, CODE_CHECK, status, response->reason);
    }
    if (!answer_as_expected(&run->answer)) {
        return fail(run, CODE_CHECK, "the body does not contain",
                    run->options.expected);
    }
    return CODE_ANSWERED;
}

static int ask(struct run *run)
{
    const struct options *options = &run->options;
    struct fcgi_request request = {
        .role = options->role,
        .params = run->environment.variables,
        .param_count = run->environment.count,
    };
    bool last = run->asked + 1 == options->count;
    int rc;

    run->asked++;
    run->answer.print_head = last && options->show_head;
    run->answer.print_body = last && !options->quiet;
    request.body = body_source(&run->body);
    request.data = body_source(&run->data);
    request.sink = answer_sink(&run->answer);
    rc = fcgi_client_do(run->client, &request, &run->response);
    answer_end_line(&run->answer);
    if (options->verbose) {
        report_outcome(run);
    }
    if (run->answer.write_error != 0) {
        return fail(run, CODE_LOCAL, "could not print the answer",
                    strerror(run->answer.write_error));
    }
    if (rc != FCGI_OK) {
        return fail_with_error(run, rc, run->response.outcome.system_error);
    }
    return check_answer(run);
}

static double read_clock(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int ask_all(struct run *run)
{
    int code = CODE_ANSWERED;
    double start = read_clock();

    while (run->asked < run->options.count && code == CODE_ANSWERED) {
        code = ask(run);
    }
    if (run->options.verbose || run->options.count > 1) {
        report_statistics(run, read_clock() - start);
    }
    return code;
}

/* A connection is kept only if another request may follow: an application such
 * as PHP-FPM dedicates a whole process to each, idle or not. The only time
 * limits are that on connecting and that on the whole request. */
static int open_client(struct run *run)
{
    const struct options *options = &run->options;
    const struct fcgi_client_config config = {
        .timeouts = {.connect_ms = options->connect_timeout_ms,
                     .total_ms = options->timeout_ms,
                     .write_ms = -1,
                     .first_byte_ms = -1,
                     .idle_ms = -1},
        .limits = {.line_len = (int64_t)options->max_head,
                   .head_len = (int64_t)options->max_head,
                   .field_count = -1},
        .pool = {.max_idle = options->count > 1 ? 1 : -1,
                 .trace = options->trace ? trace_print : NULL},
    };
    int rc = fcgi_client_new(&run->client, options->address, &config);

    return rc == FCGI_OK
               ? CODE_ANSWERED
               : fail_with_error(run, rc, rc == FCGI_ERR_SYSTEM ? errno : 0);
}

static int prepare(struct run *run)
{
    const struct options *options = &run->options;

    if (!body_open(&run->body, options->body)) {
        return cli_fail(CODE_LOCAL, options->body, strerror(errno));
    }
    if (!body_open(&run->data, options->data)) {
        return cli_fail(CODE_LOCAL, options->data, strerror(errno));
    }
    if (!answer_expect(&run->answer, options->expected) ||
        !environment_make(&run->environment, options, &run->body, &run->data)) {
        return cli_fail(CODE_LOCAL, "out of memory", "");
    }
    return open_client(run);
}

int main(int argc, char **argv)
{
    struct run run = {.body = {.fd = -1}, .data = {.fd = -1}};
    int code;

    descriptors_open_standard();
    if (options_read(&run.options, argc, argv, &code)) {
        code = prepare(&run);
        if (code == CODE_ANSWERED) {
            code = ask_all(&run);
        }
    }
    fcgi_client_free(run.client);
    fcgi_response_free(&run.response);
    answer_free(&run.answer);
    environment_free(&run.environment);
    body_close(&run.data);
    body_close(&run.body);
    variables_free(&run.options.variables);
    return code;
}
