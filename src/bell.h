/*
 * bell - a pipe that one thread rings and another, or a host, hears: its
 * reading end becomes readable.
 */
#ifndef FCGI__BELL_H
#define FCGI__BELL_H

/* Make a pipe, both of whose ends are closed on exec and never block; bell[0]
 * is to be watched. FCGI_OK or FCGI_ERR_SYSTEM. */
int fcgi__bell_open(int bell[2]);

void fcgi__bell_close(const int bell[2]);

void fcgi__bell_ring(const int bell[2]);

/* Let it be silent again. */
void fcgi__bell_hush(const int bell[2]);

#endif
