/*
 * late_pipe - a pipe that is silent for some time, and then says "late" and
 * ends.
 *
 *     struct late_pipe late;
 *     late_pipe_open(&late);
 *     late_pipe_write(&late, 50);
 *     ... late.fd is read ...
 *     late_pipe_close(&late);
 */
#ifndef TESTS_LATE_PIPE_H
#define TESTS_LATE_PIPE_H

#include <pthread.h>

struct late_pipe {
    int fd; /* what to read from */
    int writing_fd;
    int delay_ms;
    pthread_t writer;
};

void late_pipe_open(struct late_pipe *late);

/** Once, and not to be waited for: what comes takes so many milliseconds. */
void late_pipe_write(struct late_pipe *late, int delay_ms);

/** Once it was written. */
void late_pipe_close(struct late_pipe *late);

#endif
