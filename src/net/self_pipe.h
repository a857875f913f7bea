/*
 * bell - a pipe that one thread rings and another, or a host, hears: its
 * reading end becomes readable.
 */
#ifndef FCGI__SELF_PIPE_H
#define FCGI__SELF_PIPE_H

/* Make a pipe, both of whose ends are closed on exec and never block; bell[0]
 * is to be watched. FCGI_OK or FCGI_ERR_SYSTEM. */
int fcgi__self_pipe_open(int bell[2]);

void fcgi__self_pipe_close(const int bell[2]);

void fcgi__self_pipe_write(const int bell[2]);

/* Let it be silent again. */
void fcgi__self_pipe_drain(const int bell[2]);

#endif
