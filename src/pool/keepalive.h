/*
 * keepalive - whether a connection that is given back is kept for the next
 * request, or closed because keeping it does harm.
 *
 * A kept connection occupies a worker of many applications (PHP-FPM). A request
 * that waits for its first byte over a connection of its own may be waiting for
 * just that worker, and is owed a closing: of the next connection given back.
 *
 * Keeping must pay, too. Each reuse earns credit. A kept connection that was
 * closed for a waiting request costs some; one that the application closed
 * before its first reuse costs more. When the credit is used up, only one
 * connection of each interval is kept, as a trial. A trial that fails doubles
 * the interval; a reuse ends the trials.
 *
 *     credit  0 ........................ 256
 *             |  <-- rescue 4, death 64    |
 *             |  reuse 1 -->               |
 *
 * It belongs to its pool and is guarded by its lock.
 */
#ifndef FCGI__KEEPALIVE_H
#define FCGI__KEEPALIVE_H

#include <stdbool.h>
#include <stddef.h>

#define FCGI__CREDIT_MAX 256

struct fcgi__keepalive {
    size_t late; /* requests that were owed a closing and still wait */
    size_t owed; /* closings */
    int credit;
    int interval;  /* between trials; reset when the credit is full again */
    int countdown; /* to the next trial; 0: every connection is kept */
};

void fcgi__keepalive_init(struct fcgi__keepalive *keepalive);

/* A closing is owed to a waiting request; one has been done. */
void fcgi__keepalive_owe(struct fcgi__keepalive *keepalive);
void fcgi__keepalive_pay(struct fcgi__keepalive *keepalive);

/* A request has waited long enough to be owed a closing; it no longer waits.
 * When no request waits any more, nothing is owed. */
void fcgi__keepalive_add_late(struct fcgi__keepalive *keepalive);
void fcgi__keepalive_remove_late(struct fcgi__keepalive *keepalive);

/* A kept connection was reused. */
static inline void fcgi__keepalive_earn(struct fcgi__keepalive *keepalive)
{
    keepalive->countdown = 0;
    if (keepalive->credit < FCGI__CREDIT_MAX) {
        keepalive->credit += 1;
    } else {
        keepalive->interval = 0;
    }
}

/* A kept connection was closed for a waiting request. */
void fcgi__keepalive_charge_rescue(struct fcgi__keepalive *keepalive);

/* The application closed a kept connection before its first reuse. */
void fcgi__keepalive_charge_death(struct fcgi__keepalive *keepalive);

/* During trials: whether the connection given back now is one. */
bool fcgi__keepalive_tries(struct fcgi__keepalive *keepalive);

/* Whether keeping the connection given back now pays. */
static inline bool fcgi__keepalive_pays(struct fcgi__keepalive *keepalive)
{
    return keepalive->countdown == 0 || fcgi__keepalive_tries(keepalive);
}

/* In the child of a fork(), where no request waits. */
void fcgi__keepalive_forget(struct fcgi__keepalive *keepalive);

#endif
