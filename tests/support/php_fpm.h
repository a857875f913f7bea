/*
 * php_fpm - a PHP-FPM for a test: its configuration, socket, log and temporary
 * files are in a folder that is removed with it.
 *
 * It serves the scripts in tests/interop/php, found below FCGI_TEST_SOURCE.
 * Start and stop it from the main thread.
 */
#ifndef TESTS_PHP_FPM_H
#define TESTS_PHP_FPM_H

#include <stdbool.h>

/** How PHP-FPM is configured; all zero is fine. */
struct php_fpm_options {
    bool tcp;             /**< a port of 127.0.0.1, not a Unix socket */
    bool ondemand;        /**< children start only when needed */
    int max_children;     /**< 0: 4 */
    int max_requests;     /**< of each child; 0: unlimited */
    int terminate_s;      /**< a request is killed after; 0: never */
    bool lazy_body;       /**< a script reads the body while it arrives; else
                               PHP reads all of it first */
    const char *post_max; /**< post_max_size; NULL: unlimited */
    const char *memory;   /**< memory_limit; NULL: 128M */
};

struct php_fpm;

/** Whether this machine has one. */
bool php_fpm_installed(void);

/** Start one and wait until it serves. If it does not, its log is printed and
 *  the test program ends. */
struct php_fpm *php_fpm_start(const struct php_fpm_options *options);

/** End it, and remove its folder. NULL is fine. */
void php_fpm_stop(struct php_fpm *fpm);

/** End it, and keep what php_fpm_up() needs to start it at the same address. */
void php_fpm_down(struct php_fpm *fpm);
void php_fpm_up(struct php_fpm *fpm);

/** Have it replace itself and all its children, as `systemctl reload` does:
 *  requests under way end, the listening socket stays. Returns at once. */
void php_fpm_reload(struct php_fpm *fpm);

/** Where it listens, written as the library expects it; owned by it. */
const char *php_fpm_address(const struct php_fpm *fpm);

/** The path of a script; the caller frees it. */
char *php_fpm_script(const char *name);

#endif
