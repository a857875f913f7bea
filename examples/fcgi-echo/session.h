/*
 * session - one connection to fcgi-echo, from its first record to its end.
 */
#ifndef EXAMPLES_FCGI_ECHO_SESSION_H
#define EXAMPLES_FCGI_ECHO_SESSION_H

/** How many sessions there are at a time: FCGI_MAX_CONNS. */
#define SESSIONS_MAX 64

struct session;

/** Allocate a session, which serves any number of connections, one after
 *  another. NULL: out of memory. */
struct session *session_new(void);

/**
 * Serve a connection until it ends.
 *
 * @param fd  a connected socket in blocking mode; stays the caller's
 * @return the error it ended with: FCGI_ERR_CLOSED if nothing was wrong
 */
int session_serve(struct session *session, int fd);

void session_free(struct session *session);

#endif
