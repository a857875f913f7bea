/*
 * program - another program, run beside a test: started by its path, awaited,
 * signalled, and ended whatever happens to the test.
 *
 * It leads a process group, so that its children end with it. It is ended when
 * the test program exits, and gets SIGTERM if the test program dies, where the
 * system can do that (Linux). Start programs from the main thread: on Linux the
 * thread that started one counts as its parent.
 */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include <stdbool.h>

struct program;

/** How a program is started; all zero but `path` is fine. */
struct program_spec {
    const char *path;
    const char *const
        *arguments;  /**< behind the name, ended by NULL; or NULL */
    int listener;    /**< becomes descriptor 0; 0: /dev/null does */
    const char *log; /**< file for stdout and stderr; NULL: those of the test */
};

/** Start a program. One that cannot be run ends at once with status 127; any
 *  other failure ends the test program. */
struct program *program_start(const struct program_spec *spec);

long program_pid(const struct program *program);

/** Whether it has not ended yet. */
bool program_runs(const struct program *program);

/**
 * Wait until `ready` returns true or the program ends.
 *
 * @return whether `ready` returned true within the time
 */
bool program_await(const struct program *program, int limit_ms,
                   bool (*ready)(void *context), void *context);

/** Send a signal to the program, but not to its children. */
void program_signal(const struct program *program, int signal_number);

/** End it and its group, by force if need be, and free it. NULL is fine. */
void program_stop(struct program *program);

/** Whether there is such a file, and it may be run. */
bool program_exists(const char *path);

/** The path of a program of this build, in the folder FCGI_TEST_BIN; the caller
 *  frees it. NULL: there is none. */
char *program_built(const char *name);

/**
 * For a group's set-up when what its tests need is not installed: say so.
 *
 * @return 0 if FCGI_TEST_ALLOW_SKIP is set, so that the tests can skip; else
 * -1, so that they fail
 */
int program_missing(const char *name);

#endif
