/*
 * late_pipe - a pipe with a thread that takes its time: see late_pipe.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "late_pipe.h"

#include <unistd.h>

#include "fixture.h"
#include "process.h"

static void close_writing(struct late_pipe *late)
{
    if (late->writing_fd >= 0) {
        (void)close(late->writing_fd);
        late->writing_fd = -1;
    }
}

static void close_both(void *what)
{
    struct late_pipe *late = what;
    close_writing(late);
    (void)close(late->fd);
}

struct late_pipe *late_pipe_open(void **state)
{
    struct late_pipe *late = fixture_alloc(state, sizeof(*late));
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    late->fd = fds[0];
    late->writing_fd = fds[1];
    late->state = state;
    fixture_defer(state, close_both, late);
    return late;
}

static void *write_late(void *argument)
{
    struct late_pipe *late = argument;
    pass_ms(late->delay_ms);
    (void)!write(late->writing_fd, "late", 4);
    close_writing(late);
    return NULL;
}

void late_pipe_write(struct late_pipe *late, int delay_ms)
{
    late->delay_ms = delay_ms;
    fixture_thread(late->state, write_late, late);
}
