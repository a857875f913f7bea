/*
 * uwsgi - a uWSGI of a test's own, which serves tests/interop/app_uwsgi.py: an
 * application server that closes each connection after one answer, whatever it
 * was asked. Start and stop it from the main thread.
 */
#ifndef TESTS_UWSGI_H
#define TESTS_UWSGI_H

#include <stdbool.h>

struct uwsgi;

/** Whether this machine has one. */
bool uwsgi_installed(void);

/** Start one, and wait until it serves. Failing ends the test program. */
struct uwsgi *uwsgi_start(void);

/** End it. NULL is fine. */
void uwsgi_stop(struct uwsgi *uwsgi);

/** Where it listens, as the library writes addresses; its own. */
const char *uwsgi_address(const struct uwsgi *uwsgi);

#endif
