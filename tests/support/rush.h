/*
 * rush - many requests at a time to one script, from threads that share one
 * client, and their outcomes.
 *
 *     struct rush rush = {.client = client, .script = "hello.php",
 *                         .threads = 8, .each = 500};
 *     rush_run(&rush);
 *     rush_assert_ok(&rush);
 *     assert_true(rush.worst_ms <= 200);
 */
#ifndef TESTS_RUSH_H
#define TESTS_RUSH_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>

/** The test sets the fields up to `each`; the rest is filled in. */
struct rush {
    struct fcgi_client *client;
    const char *script; /**< SCRIPT_FILENAME */
    const char *method; /**< NULL: GET; a POST has a body of ten bytes */
    const char *query;  /**< NULL: none; "&n=THREAD-NTH" is appended */
    enum fcgi_retry retry;
    int threads;
    int each; /**< requests of a thread */

    size_t done;
    size_t failed;
    size_t reused;
    size_t retried;
    int64_t worst_ms; /**< of one request */
    int64_t total_ms;
    char first[200]; /**< the first failure */
    int64_t began_ms;
    pthread_mutex_t lock;
    pthread_t thread[16];
};

/** Begin, and wait for the end. */
void rush_begin(struct rush *rush);
void rush_end(struct rush *rush);

/** Both. */
void rush_run(struct rush *rush);

/** Fail the test, and print the first failure, unless all went well. */
void rush_assert_ok(const struct rush *rush);

#endif
