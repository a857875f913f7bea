/*
 * app - a FastCGI application that has its listening socket on descriptor 0, as
 * the specification requires (section 2.2): a program of this build, run beside
 * a test.
 *
 * Its socket listens before it runs, so that a test can connect as soon as
 * app_start() returns. Start and stop it from the main thread.
 */
#ifndef TESTS_APP_H
#define TESTS_APP_H

#include <stdbool.h>

struct app;

/**
 * Start an application.
 *
 * @param path  of the program
 * @param tcp   let it listen on a free port of 127.0.0.1; else on a Unix
 *              socket
 */
struct app *app_start(const char *path, bool tcp);

/** Where it listens, written as the library expects it; owned by the app. */
const char *app_address(const struct app *app);

/** End it. NULL is fine. */
void app_stop(struct app *app);

#endif
