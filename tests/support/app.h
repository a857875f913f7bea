/*
 * app - a FastCGI application that gets its listening socket on descriptor 0,
 * as the specification has it (section 2.2): a program this build made, run
 * beside a test.
 *
 * It can be connected to as soon as it was started, because its socket listens
 * before it runs. Start and stop it from the main thread.
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

/** Where it listens, as the library writes addresses; its own. */
const char *app_address(const struct app *app);

/** End it. NULL is fine. */
void app_stop(struct app *app);

#endif
