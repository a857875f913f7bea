/*
 * late_pipe - a pipe that is silent for some time, and then says "late" and
 * ends.
 *
 *     struct late_pipe *late = late_pipe_open(state);
 *     late_pipe_write(late, 50);
 *     ... late->fd is read ...
 */
#ifndef TESTS_LATE_PIPE_H
#define TESTS_LATE_PIPE_H

struct late_pipe {
    int fd; /* what to read from */
    int writing_fd;
    int delay_ms;
    void **state;
};

/** Open it for a test with a fixture, which closes it in the end. */
struct late_pipe *late_pipe_open(void **state);

/** Once: have it written to after so many milliseconds, by a thread of the
 *  fixture. */
void late_pipe_write(struct late_pipe *late, int delay_ms);

#endif
