/*
 * event_loop - ask for many SCRIPTs at the same time, from one thread that
 * waits in poll() alone.
 *
 *     event_loop unix:/run/php/php-fpm.sock /srv/www/a.php /srv/www/b.php
 *
 * Each call tells which descriptor to watch, for what, and for how long. With
 * epoll, libevent or libuv the loop has the same shape: see fcgi-gateway.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <fcgi_client.h>

struct job {
    const char *script;
    struct fcgi_call *call; /* NULL: it has ended */
    struct fcgi_response response;
};

static int failures;

static void end(struct job *job, int rc)
{
    if (rc == FCGI_OK) {
        printf("%s: %d, %zu bytes\n", job->script, job->response.status,
               job->response.body.len);
    } else {
        fprintf(stderr, "event_loop: %s: %s\n", job->script, fcgi_strerror(rc));
        failures += 1;
    }
    fcgi_call_free(job->call);
    job->call = NULL;
    fcgi_response_free(&job->response);
}

static void begin(struct job *job, const char *script,
                  struct fcgi_client *client)
{
    const struct fcgi_param params[] = {
        FCGI_PARAM("SCRIPT_FILENAME", script),
        FCGI_PARAM("REQUEST_METHOD", "GET"),
    };
    const struct fcgi_request request = {.params = params, .param_count = 2};
    int rc;

    job->script = script;
    rc = fcgi_call_start(&job->call, client, &request, &job->response);
    if (rc != FCGI_OK) {
        end(job, rc);
    }
}

/* What to watch for a call, and until when at the latest: -1 is for ever. */
static struct pollfd watch(struct fcgi_call *call, int *timeout_ms)
{
    unsigned events = fcgi_call_events(call);
    int ms = fcgi_call_timeout_ms(call);

    if (ms >= 0 && (*timeout_ms < 0 || ms < *timeout_ms)) {
        *timeout_ms = ms;
    }
    return (struct pollfd){
        .fd = fcgi_call_fd(call),
        .events = (short)((events & FCGI_EVENT_READ ? POLLIN : 0) |
                          (events & FCGI_EVENT_WRITE ? POLLOUT : 0)),
    };
}

static void run(struct job *jobs, struct pollfd *watched, size_t count)
{
    size_t left = count;

    while (left > 0) {
        int timeout_ms = -1;

        left = 0;
        for (size_t i = 0; i < count; i++) {
            struct fcgi_call *call = jobs[i].call;
            int rc = call == NULL ? FCGI_OK : fcgi_call_advance(call);

            watched[i] = (struct pollfd){.fd = -1};
            if (rc == FCGI_WAIT) {
                watched[i] = watch(call, &timeout_ms);
                left += 1;
            } else if (call != NULL) {
                end(&jobs[i], rc);
            }
        }
        if (left > 0) {
            (void)poll(watched, (nfds_t)count, timeout_ms);
        }
    }
}

static void ask(struct fcgi_client *client, char **scripts, size_t count)
{
    struct job *jobs = calloc(count, sizeof(*jobs));
    struct pollfd *watched = calloc(count, sizeof(*watched));

    if (jobs == NULL || watched == NULL) {
        fputs("event_loop: out of memory\n", stderr);
        failures += 1;
    } else {
        for (size_t i = 0; i < count; i++) {
            begin(&jobs[i], scripts[i], client);
        }
        run(jobs, watched, count);
    }
    free(watched);
    free(jobs);
}

int main(int argc, char **argv)
{
    /* More calls than these wait for their turn, which takes no descriptor. */
    const struct fcgi_client_config config = {.pool.max_open = 8};
    struct fcgi_client *client;
    int rc;

    if (argc < 3) {
        fputs("usage: event_loop ADDRESS SCRIPT...\n", stderr);
        return 3;
    }
    rc = fcgi_client_new(&client, argv[1], &config);
    if (rc != FCGI_OK) {
        fprintf(stderr, "event_loop: %s\n", fcgi_strerror(rc));
        return 1;
    }
    ask(client, argv + 2, (size_t)argc - 2);
    fcgi_client_free(client);
    return failures == 0 ? 0 : 1;
}
