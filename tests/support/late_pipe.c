/*
 * late_pipe - a pipe with a thread that takes its time: see late_pipe.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "late_pipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "process.h"

void late_pipe_open(struct late_pipe *late)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    late->fd = fds[0];
    late->writing_fd = fds[1];
}

static void *write_late(void *argument)
{
    const struct late_pipe *late = argument;
    pass_ms(late->delay_ms);
    (void)!write(late->writing_fd, "late", 4);
    (void)close(late->writing_fd);
    return NULL;
}

void late_pipe_write(struct late_pipe *late, int delay_ms)
{
    late->delay_ms = delay_ms;
    assert_int_equal(pthread_create(&late->writer, NULL, write_late, late), 0);
}

void late_pipe_close(struct late_pipe *late)
{
    assert_int_equal(pthread_join(late->writer, NULL), 0);
    (void)close(late->fd);
}
