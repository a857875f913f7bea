/*
 * rush - many requests at a time: see rush.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "rush.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "process.h"
#include "test.h"

#define BODY "ten bytes."

struct runner {
    struct rush *rush;
    int number;
};

static void count(struct rush *rush, int rc, const struct fcgi_response *r)
{
    bool failed = rc != FCGI_OK || r->status != 200;
    int64_t ms = r->outcome.total_us / 1000;

    (void)pthread_mutex_lock(&rush->lock);
    rush->done += 1;
    rush->reused += r->outcome.reused;
    rush->retried += r->outcome.retried;
    rush->worst_ms = ms > rush->worst_ms ? ms : rush->worst_ms;
    if (failed && rush->failed++ == 0) {
        (void)snprintf(rush->first, sizeof(rush->first),
                       "%s (%s), status %d, phase %d, reused %d, after %d ms",
                       fcgi_error_name(rc), strerror(r->outcome.system_error),
                       r->status, (int)r->outcome.phase, r->outcome.reused,
                       (int)ms);
    }
    (void)pthread_mutex_unlock(&rush->lock);
}

static void ask(struct rush *rush, int thread, int nth,
                struct fcgi_response *response)
{
    char query[300];
    const char *method = rush->method == NULL ? "GET" : rush->method;
    struct fcgi_param params[] = {
        FCGI_PARAM("SCRIPT_FILENAME", rush->script),
        FCGI_PARAM("REQUEST_METHOD", method),
        FCGI_PARAM("QUERY_STRING", query),
        FCGI_PARAM("CONTENT_LENGTH", "10"),
        FCGI_PARAM("CONTENT_TYPE", "text/plain"),
    };
    struct fcgi_request request = {
        .params = params, .param_count = 3, .retry = rush->retry};
    int rc;

    (void)snprintf(query, sizeof(query), "%s&n=%d-%d",
                   rush->query == NULL ? "" : rush->query, thread, nth);
    if (method[0] == 'P') {
        request.param_count = 5;
        request.body.data = BODY;
        request.body.len = sizeof(BODY) - 1;
    }
    rc = fcgi_client_do(rush->client, &request, response);
    count(rush, rc, response);
}

static void *run(void *context)
{
    struct runner *runner = context;
    struct fcgi_response response = {0};

    for (int i = 0; i < runner->rush->each; i++) {
        ask(runner->rush, runner->number, i, &response);
    }
    fcgi_response_free(&response);
    free(runner);
    return NULL;
}

void rush_begin(struct rush *rush)
{
    rush->began_ms = now_ms();
    assert_in_range(rush->threads, 1,
                    sizeof(rush->thread) / sizeof(rush->thread[0]));
    assert_int_equal(pthread_mutex_init(&rush->lock, NULL), 0);
    for (int i = 0; i < rush->threads; i++) {
        struct runner *runner = must_allocate(sizeof(*runner));
        *runner = (struct runner){rush, i};
        assert_int_equal(pthread_create(&rush->thread[i], NULL, run, runner),
                         0);
    }
}

void rush_end(struct rush *rush)
{
    for (int i = 0; i < rush->threads; i++) {
        assert_int_equal(pthread_join(rush->thread[i], NULL), 0);
    }
    rush->total_ms = now_ms() - rush->began_ms;
    (void)pthread_mutex_destroy(&rush->lock);
    print_message("%zu requests, %zu failed, %zu reused, %zu retried, worst "
                  "%d ms, all %d ms\n",
                  rush->done, rush->failed, rush->reused, rush->retried,
                  (int)rush->worst_ms, (int)rush->total_ms);
}

void rush_run(struct rush *rush)
{
    rush_begin(rush);
    rush_end(rush);
}

void rush_assert_ok(const struct rush *rush)
{
    if (rush->failed > 0) {
        fail_msg("%zu of %zu failed, first: %s", rush->failed, rush->done,
                 rush->first);
    }
}
