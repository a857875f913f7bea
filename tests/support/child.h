/*
 * child - a child process that checks what fork() left it, and then ends at
 * once or stays until the test has checked the parent's side.
 *
 *     if (child_begin(state)) {
 *         CHILD_REQUIRE(stats_of(f->client).open == 0);
 *         child_done();
 *     }
 *     child_await();
 *     ... what the parent sees while the child lives ...
 *     child_end();
 *
 * Only one exists at a time. The tear-down kills it, and it ends by itself
 * after a minute.
 */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <stdbool.h>

/** In the child: print the condition and end, unless it holds. */
#define CHILD_REQUIRE(condition)                                               \
    child_require((condition), #condition, __FILE__, __LINE__)

void child_require(bool holds, const char *condition, const char *file,
                   int line);

/** Run a function in a child. Fails the test unless all that it required was
 *  true. */
void child_run(void (*act)(void *context), void *context);

/** Start a child of a test with a fixture; returns true in the child. */
bool child_begin(void **state);

/** In the child: report success, wait for child_end(), and end. */
void child_done(void);

/** Wait for child_done(); fails the test if the child ended before. */
void child_await(void);

/** Let the child end, and wait for that. */
void child_end(void);

#endif
