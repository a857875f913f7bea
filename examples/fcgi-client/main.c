/*
 * fcgi-client - ask a FastCGI application from a shell: from a health check, a
 * cron job, or to see what it answers.
 *
 *     fcgi-client unix:/run/php/php-fpm.sock /srv/www/index.php?page=1
 *
 * `fcgi-client --help` tells the options and the exit codes. This file asks
 * and tells how it went; beside it, `options` is the command line, `body` what
 * is sent, `environment` the CGI variables, `answer` what is done with what
 * comes back, and `trace` what --trace prints.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <fcgi_client.h>

#include "../common/descriptors.h"
#include "answer.h"
#include "body.h"
#include "environment.h"
#include "options.h"
#include "trace.h"

/* All that one run of the program uses. */
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

/* The one line of a failure: what failed, and why where that says more. */
static enum code fail(struct run *run, enum code code, const char *what,
                      const char *why)
{
    fprintf(stderr, "fcgi-client: %s: %s%s%s\n", run->options.address, what,
            why[0] == '\0' ? "" : ": ", why);
    return code;
}

/* The same where the application has no part in it. */
static enum code fail_locally(const char *what, const char *why)
{
    fprintf(stderr, "fcgi-client: %s: %s\n", what, why);
    return CODE_LOCAL;
}

static enum code code_of(int error)
{
    switch (error) {
    case FCGI_OK:
        return CODE_ANSWERED;
    case FCGI_ERR_ADDRESS:
        return CODE_USAGE;
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
    case FCGI_ERR_NO_HEAD:
    case FCGI_ERR_BAD_HEAD:
    case FCGI_ERR_HEAD_TOO_LARGE:
    case FCGI_ERR_BODY_TOO_LARGE:
    case FCGI_ERR_BODY_SHORT:
    case FCGI_ERR_BODY_LONG:
        return CODE_ANSWER;
    case FCGI_ERR_OVERLOADED:
    case FCGI_ERR_CANT_MPX_CONN:
    case FCGI_ERR_UNKNOWN_ROLE:
    case FCGI_ERR_PROTOCOL_STATUS:
        return CODE_REFUSED;
    default:
        return CODE_LOCAL;
    }
}

static enum code fail_with(struct run *run, int error, int system_error)
{
    return fail(run, code_of(error), fcgi_strerror(error),
                system_error != 0 ? strerror(system_error) : "");
}

static double milliseconds(int64_t microseconds)
{
    return (double)microseconds / 1000.0;
}

static void tell_connection(const struct fcgi_outcome *outcome)
{
    fputs(outcome->retried ? "retried, " : "", stderr);
    if (outcome->reused) {
        fputs("reused a connection; ", stderr);
    } else {
        fprintf(stderr, "dialled in %.3f ms; ",
                milliseconds(outcome->connect_us));
    }
}

/* What -v tells of one request, in one line. */
static void tell_outcome(struct run *run)
{
    const struct fcgi_outcome *outcome = &run->response.outcome;

    fprintf(stderr, "fcgi-client: request %d: ", run->asked);
    tell_connection(outcome);
    fprintf(stderr,
            "sent %" PRIu64 " records, %" PRIu64 " bytes; "
            "received %" PRIu64 " records, %" PRIu64 " bytes; ",
            outcome->records_sent, outcome->bytes_sent,
            outcome->records_received, outcome->bytes_received);
    if (outcome->first_byte_us >= 0) {
        fprintf(stderr, "first byte after %.3f ms; ",
                milliseconds(outcome->first_byte_us));
    }
    fprintf(stderr, "whole %.3f ms; status %d; appStatus %" PRIu32 "\n",
            milliseconds(outcome->total_us), run->response.status,
            run->response.app_status);
}

static void tell_statistics(struct run *run, double seconds)
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

/* What --fail and --expect ask for. */
static enum code check(struct run *run)
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

static enum code ask(struct run *run)
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
        tell_outcome(run);
    }
    if (run->answer.write_error != 0) {
        return fail(run, CODE_LOCAL, "could not print the answer",
                    strerror(run->answer.write_error));
    }
    if (rc != FCGI_OK) {
        return fail_with(run, rc, run->response.outcome.system_error);
    }
    return check(run);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static enum code ask_all(struct run *run)
{
    enum code code = CODE_ANSWERED;
    double start = now();

    while (run->asked < run->options.count && code == CODE_ANSWERED) {
        code = ask(run);
    }
    if (run->options.verbose || run->options.count > 1) {
        tell_statistics(run, now() - start);
    }
    return code;
}

/* A connection is kept only where another request may follow: an application
 * such as PHP-FPM gives a whole process to one, idle or not. The limit on the
 * whole request is the only one beside that on connecting. */
static enum code open_client(struct run *run)
{
    const struct options *options = &run->options;
    const struct fcgi_client_config config = {
        .timeouts = {.connect_ms = options->connect_timeout_ms,
                     .total_ms = options->timeout_ms,
                     .write_ms = -1,
                     .first_byte_ms = -1,
                     .idle_ms = -1},
        .pool = {.max_idle = options->count > 1 ? 1 : -1,
                 .trace = options->trace ? trace_print : NULL},
    };
    int rc = fcgi_client_new(&run->client, options->address, &config);

    return rc == FCGI_OK
               ? CODE_ANSWERED
               : fail_with(run, rc, rc == FCGI_ERR_SYSTEM ? errno : 0);
}

static enum code prepare(struct run *run)
{
    const struct options *options = &run->options;

    if (!body_open(&run->body, options->body)) {
        return fail_locally(options->body, strerror(errno));
    }
    if (!body_open(&run->data, options->data)) {
        return fail_locally(options->data, strerror(errno));
    }
    if (!answer_expect(&run->answer, options->expected) ||
        !environment_make(&run->environment, options, &run->body, &run->data)) {
        return fail_locally("memory", fcgi_strerror(FCGI_ERR_NO_MEMORY));
    }
    return open_client(run);
}

int main(int argc, char **argv)
{
    struct run run = {.body = {.fd = -1}, .data = {.fd = -1}};
    enum code code;

    descriptors_occupy();
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
    options_free(&run.options);
    return (int)code;
}
