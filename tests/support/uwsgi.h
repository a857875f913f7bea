/*
 * uwsgi - a uWSGI for a test, which serves tests/interop/app_uwsgi.py: an
 * application server that closes each connection after one answer, even with
 * FCGI_KEEP_CONN. Start and stop it from the main thread.
 */
#ifndef TESTS_UWSGI_H
#define TESTS_UWSGI_H

#include <stdbool.h>

struct uwsgi;

/** Whether this machine has one. */
bool uwsgi_installed(void);

/** Start one and wait until it serves. If it does not, the test program
 *  ends. */
struct uwsgi *uwsgi_start(void);

/** End it. NULL is fine. */
void uwsgi_stop(struct uwsgi *uwsgi);

/** Where it listens, written as the library expects it; owned by it. */
const char *uwsgi_address(const struct uwsgi *uwsgi);

#endif
