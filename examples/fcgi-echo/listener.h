/*
 * listener - the socket at which fcgi-echo listens.
 */
#ifndef EXAMPLES_FCGI_ECHO_LISTENER_H
#define EXAMPLES_FCGI_ECHO_LISTENER_H

struct listener {
    int fd;
    char name[320];   /**< the address to connect to */
    const char *path; /* of the Unix socket to unlink at the end; or NULL */
};

/**
 * Listen at an address. A failure is reported on standard error.
 *
 * @param listener  filled in; the caller calls listener_close() in any case
 * @param address   borrowed for as long as the listener is used; NULL: use the
 *                  socket on descriptor 0
 * @return EXIT_SUCCESS, or the code to exit with
 */
int listener_open(struct listener *listener, const char *address);

/** Wait for a connection: a socket in blocking mode. -1: errno says what
 *  failed. */
int listener_accept(const struct listener *listener);

/** Unlink the Unix socket, if it is one. */
void listener_close(const struct listener *listener);

#endif
