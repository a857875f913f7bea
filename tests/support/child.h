/*
 * child - a child of fork() that looks at what it has inherited, and either
 * ends at once or lives on until the test has looked at its own side.
 *
 *     if (child_begin(state)) {
 *         CHILD_REQUIRE(stats_of(f->client).open == 0);
 *         child_done();
 *     }
 *     child_await();
 *     ... what the parent sees while the child lives ...
 *     child_end();
 *
 * There is one at a time. It is killed when the test is over, and ends by
 * itself after a minute.
 */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <stdbool.h>

/** In the child: end it if the condition does not hold, and say so. */
#define CHILD_REQUIRE(condition)                                               \
    child_require((condition), #condition, __FILE__, __LINE__)

void child_require(bool holds, const char *condition, const char *file,
                   int line);

/** Run a function in a child. Fails the test unless the child found all that
 *  it required. */
void child_run(void (*act)(void *context), void *context);

/** Begin a child of a test with a fixture; true in the child. */
bool child_begin(void **state);

/** In the child: all was found. It waits for child_end(), and ends. */
void child_done(void);

/** Wait until the child says so; fails the test if it ended instead. */
void child_await(void);

/** Let the child end, and wait for that. */
void child_end(void);

#endif
