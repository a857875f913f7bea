/*
 * ask_threads - threads that ask at the same time: see ask_threads.h.
 */
#define _GNU_SOURCE

#include "ask_threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "asker.h"
#include "harness.h"
#include "sample.h"

#define SMALL_ANSWER 100

/* What each thread has to itself. It is an asker whose client is that of the
 * first. */
struct member {
    struct asker asker;
    pthread_t thread;
    void (*ask)(void *asker, size_t n);
    size_t times;
};

struct crowd {
    struct asker *first;
    size_t count;
    struct member members[CROWD_MOST];
};

struct crowd *crowd_open(size_t threads)
{
    struct fcgi_request request = sample_request(NULL, 0);
    struct crowd *crowd = calloc(1, sizeof(*crowd));

    bench_check(crowd != NULL && threads <= CROWD_MOST, "no crowd");
    crowd->first = asker_open(AF_UNIX, SMALL_ANSWER, &request);
    crowd->count = threads;
    for (size_t i = 0; i < threads; i++) {
        struct asker *asker = &crowd->members[i].asker;
        *asker = *crowd->first;
        asker->response = (struct fcgi_response){0};
        asker->fd = upstream_connect(&asker->upstream);
        asker->room = bench_memory(asker->room_len);
    }
    return crowd;
}

void crowd_close(void *context)
{
    struct crowd *crowd = context;

    for (size_t i = 0; i < crowd->count; i++) {
        fcgi_response_free(&crowd->members[i].asker.response);
        close(crowd->members[i].asker.fd);
    }
    asker_close(crowd->first);
    free(crowd);
}

static void *run_member(void *context)
{
    struct member *member = context;

    member->ask(&member->asker, member->times);
    return NULL;
}

static void run(struct crowd *crowd, void (*ask)(void *asker, size_t n),
                size_t n)
{
    for (size_t i = 0; i < crowd->count; i++) {
        struct member *member = &crowd->members[i];
        member->ask = ask;
        member->times = n / crowd->count;
        bench_check(pthread_create(&member->thread, NULL, run_member, member) ==
                        0,
                    "no thread");
    }
    for (size_t i = 0; i < crowd->count; i++) {
        pthread_join(crowd->members[i].thread, NULL);
    }
}

void crowd_ours(void *crowd, size_t n)
{
    run(crowd, asker_ours, n);
}

void crowd_limit(void *crowd, size_t n)
{
    run(crowd, asker_limit, n);
}
