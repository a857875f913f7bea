/*
 * load - two hundred calls at a time on one thread, driven by an fcgi_loop or
 * by an event loop of the test's own: without a body, with a small one, with
 * large ones that pause on their way up, down or both. Each call knows its own
 * answer.
 *
 * They go to fcgi-echo, over a Unix socket whose listen queue is too short for
 * all of them and over TCP where most wait for a connection, and to a PHP-FPM
 * with few children, which end again and again.
 *
 * An event loop of the test's own is a function that does this for each call
 * until none is left:
 *
 *     wait for load_fd(), load_events(), no longer than load_timeout_ms()
 *     if load_step() is not FCGI_WAIT:
 *         forget its descriptor, which is still open
 *         load_finish()
 *
 * A loop that takes a descriptor only once watches load_turns_fd() beside, and
 * steps what load_next_turn() tells.
 */
#ifndef TESTS_LOAD_H
#define TESTS_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/loop.h>

#define LOAD_CALLS 200

/** How to make an fcgi_loop and its event loop. */
struct load_host {
    /** Make both; NULL: this build has no such loop. */
    struct fcgi_loop *(*open)(const char *address,
                              const struct fcgi_client_config *config);
    /** Wait for events for at most that many milliseconds (-1: no limit), and
     *  handle them. */
    void (*turn)(int milliseconds);
    void (*close)(void);
};

/** Run the tests of an fcgi_loop: as load_run_tests(). */
int load_run_loop_tests(const char *name, const struct load_host *host);

struct load;
struct load_call;

/** Drive all calls of a load to their end. It may use cmocka's assertions. */
typedef void load_loop(struct load *load);

/**
 * Run the tests of a loop.
 *
 * @param name         its name
 * @param has_wakeup   load_next_turn() tells which call has its turn; else a
 *                     descriptor that all waiting calls share does
 * @return what cmocka_run_group_tests() does
 */
int load_run_tests(const char *name, load_loop *loop, bool has_wakeup);

/** What to watch for reading; and the number of the next call that has its
 *  turn, or LOAD_CALLS. */
int load_turns_fd(const struct load *load);
size_t load_next_turn(struct load *load);

/** How many calls are not finished. */
size_t load_left(const struct load *load);

/** The nth call, 0..LOAD_CALLS-1; NULL once it is finished. */
struct load_call *load_call(struct load *load, size_t nth);

/** As fcgi_call_fd(), _events() and _timeout_ms(), but the time also counts
 * when the host resumes a call that has paused. */
int load_fd(struct load_call *call);
unsigned load_events(const struct load_call *call);
int load_timeout_ms(const struct load_call *call);

/** Advance the call, or resume it if its pause is over. Anything but FCGI_WAIT:
 *  it has ended. */
int load_step(struct load_call *call);

/** Free a call that has ended; fails the test unless it got its answer. */
void load_finish(struct load_call *call);

#endif
