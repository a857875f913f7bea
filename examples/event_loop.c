/*
 * event_loop - ask for many SCRIPTs at the same time, from one thread that
 * waits in epoll_wait() alone (Linux).
 *
 *     event_loop unix:/run/php/php-fpm.sock /srv/www/a.php /srv/www/b.php
 *
 * The loop registers its sockets with epoll, and says how long to wait. It is
 * the same with libevent or libuv: see fcgi-gateway for a program of some size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include <fcgi_client.h>
#include <fcgi_client/loop_epoll.h>

struct job {
    const char *script;
    struct fcgi_response response;
};

static int failures;

static void report(void *context, int error)
{
    struct job *job = context;

    if (error == FCGI_OK) {
        printf("%s: %d, %zu bytes\n", job->script, job->response.status,
               job->response.body.len);
    } else {
        fprintf(stderr, "event_loop: %s: %s\n", job->script,
                fcgi_strerror(error));
        failures += 1;
    }
    fcgi_response_free(&job->response);
}

static void begin(struct fcgi_loop *loop, struct job *job, const char *script)
{
    const struct fcgi_param params[] = {
        FCGI_PARAM("SCRIPT_FILENAME", script),
        FCGI_PARAM("REQUEST_METHOD", "GET"),
    };
    const struct fcgi_request request = {
        .params = params, .param_count = 2, .context = job};
    int rc;

    job->script = script;
    rc = fcgi_loop_start(loop, &request, &job->response, report, NULL);
    if (rc != FCGI_OK) {
        report(job, rc);
    }
}

/* A program with descriptors of its own would wait for those here, too. */
static void run(struct fcgi_loop_epoll *fcgi)
{
    struct epoll_event events[64];

    while (fcgi_loop_count(fcgi->loop) > 0) {
        int count = epoll_wait(fcgi->epoll, events, 64,
                               fcgi_loop_timeout_ms(fcgi->loop));

        for (int i = 0; i < count; i++) {
            (void)fcgi_loop_epoll_ready(fcgi, &events[i]);
        }
        fcgi_loop_expire(fcgi->loop);
    }
}

static int ask(struct fcgi_loop_epoll *fcgi, char **scripts, int count)
{
    struct job *jobs = calloc((size_t)count, sizeof(*jobs));

    if (jobs == NULL) {
        fputs("event_loop: out of memory\n", stderr);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        begin(fcgi->loop, &jobs[i], scripts[i]);
    }
    run(fcgi);
    free(jobs);
    return failures == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    /* More requests than these wait for their turn, without a descriptor. */
    const struct fcgi_client_config config = {.pool.max_open = 8};
    struct fcgi_loop_epoll fcgi;
    int rc;

    if (argc < 3) {
        fputs("usage: event_loop ADDRESS SCRIPT...\n", stderr);
        return 3;
    }
    rc = fcgi_loop_epoll_new(&fcgi, epoll_create1(EPOLL_CLOEXEC), 0, argv[1],
                             &config);
    if (rc != FCGI_OK) {
        fprintf(stderr, "event_loop: %s\n", fcgi_strerror(rc));
        return 1;
    }
    rc = ask(&fcgi, argv + 2, argc - 2);
    fcgi_loop_free(fcgi.loop);
    return rc;
}
