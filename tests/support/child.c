/*
 * child - a child of fork() that looks at what it has inherited: see child.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "child.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "process.h"

#define LIMIT_S 60

static struct {
    pid_t pid;   /* 0: there is none */
    int says[2]; /* the child writes */
    int told[2]; /* the parent writes */
} child;

void child_require(bool holds, const char *condition, const char *file,
                   int line)
{
    if (!holds) {
        print_error("child: %s:%d: %s\n", file, line, condition);
        _exit(1);
    }
}

/* It has ended by child_ends_well(), in process.h. */
static void assert_ended_well(int status)
{
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

void child_run(void (*act)(void *context), void *context)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(LIMIT_S);
        act(context);
        child_ends_well();
    }
    assert_ended_well(await_exit(pid));
}

static int end_child(void)
{
    int status = await_exit(child.pid);
    (void)close(child.says[0]);
    (void)close(child.told[1]);
    child.pid = 0;
    return status;
}

static void kill_child(void *unused)
{
    (void)unused;
    if (child.pid > 0) {
        (void)kill(child.pid, SIGKILL);
        (void)end_child();
    }
}

bool child_begin(void **state)
{
    assert_int_equal(pipe(child.says), 0);
    assert_int_equal(pipe(child.told), 0);
    child.pid = fork();
    if (child.pid == 0) {
        (void)alarm(LIMIT_S);
        return true;
    }
    /* So that the end of the child is the end of what it says. */
    (void)close(child.says[1]);
    (void)close(child.told[0]);
    fixture_defer(state, kill_child, NULL);
    return false;
}

void child_done(void)
{
    char byte = 0;
    (void)!write(child.says[1], &byte, 1);
    (void)!read(child.told[0], &byte, 1);
    child_ends_well();
}

void child_await(void)
{
    char byte;
    assert_int_equal(read_on(child.says[0], &byte, 1), 1);
}

void child_end(void)
{
    char byte = 0;
    assert_int_equal(write(child.told[1], &byte, 1), 1);
    assert_ended_well(end_child());
}
