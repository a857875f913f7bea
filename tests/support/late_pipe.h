/*
 * late_pipe - a pipe that has nothing to read for some time, then "late" and
 * its end.
 *
 *     struct late_pipe *late = late_pipe_open(state);
 *     late_pipe_write(late, 50);
 *     ... late->fd is read ...
 */
#ifndef TESTS_LATE_PIPE_H
#define TESTS_LATE_PIPE_H

struct late_pipe {
    int fd; /* to read from */
    int writing_fd;
    int delay_ms;
    void **state;
};

/** Open a pipe, which the tear-down of the fixture closes. */
struct late_pipe *late_pipe_open(void **state);

/** Write to it after that many milliseconds, in a thread of the fixture. Call
 *  this once. */
void late_pipe_write(struct late_pipe *late, int delay_ms);

#endif
