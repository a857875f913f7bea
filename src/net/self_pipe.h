/*
 * self_pipe - a pipe by which one thread wakes another, or a host: a write
 * makes its reading end readable.
 */
#ifndef FCGI__SELF_PIPE_H
#define FCGI__SELF_PIPE_H

/* Open a pipe whose ends never block and are closed on exec; `fds[0]` is the
 * end to watch. FCGI_OK or FCGI_ERR_SYSTEM. */
int fcgi__self_pipe_open(int fds[2]);

void fcgi__self_pipe_close(const int fds[2]);

/* Make the reading end readable. */
void fcgi__self_pipe_write(const int fds[2]);

/* Read all that was written, so that the reading end is no longer readable. */
void fcgi__self_pipe_drain(const int fds[2]);

#endif
