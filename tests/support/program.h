/*
 * program - another program, run beside a test: started by its path, awaited,
 * signalled, and ended whatever becomes of the test.
 *
 * It leads a process group of its own, so that its children end with it. It
 * gets SIGTERM when the test dies without having ended it, where the system
 * can do that (Linux), and is ended at exit anyway. Start programs from the
 * main thread: on Linux the thread that started one counts as its parent.
 */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include <stdbool.h>

struct program;

/** How a program is started; all zero but `path` is fine. */
struct program_spec {
    const char *path;
    const char *const *arguments; /**< behind the name; NULL ends; or NULL */
    int listener;    /**< becomes descriptor 0; 0: /dev/null does */
    const char *log; /**< file that gets stdout and stderr; NULL: as the
                          test's own */
};

/** Start a program. One that cannot be run ends at once with status 127; other
 *  failures end the
 *  test program. */
struct program *program_start(const struct program_spec *spec);

long program_pid(const struct program *program);

/** Whether it has not ended yet. */
bool program_runs(const struct program *program);

/**
 * Wait until `ready` says so, or the program ends.
 *
 * @return whether `ready` said so within the time
 */
bool program_await(const struct program *program, int limit_ms,
                   bool (*ready)(void *context), void *context);

/** Send it alone a signal. */
void program_signal(const struct program *program, int signal_number);

/** End it and all its group, if need be by force, and free. NULL is fine. */
void program_stop(struct program *program);

/** Whether a file is there that may be run. */
bool program_exists(const char *path);

/** The path, the caller's to free, of a program that this build made: in the
 *  folder FCGI_TEST_BIN. NULL: it is not there. */
char *program_built(const char *name);

/**
 * For a group's setup, when what the tests need is not installed: say so.
 *
 * @return 0 if FCGI_TEST_ALLOW_SKIP is set, so that the tests can skip; -1 if
 *         not, so that they fail
 */
int program_missing(const char *name);

#endif
