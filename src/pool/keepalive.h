/*
 * keepalive - whether a connection that comes back is kept for the next
 * request, or closed because keeping it does harm.
 *
 * A kept connection occupies a worker of many applications (PHP-FPM). A request
 * that waits for its first byte over a connection of its own may wait for just
 * that worker, and is owed a closing: of the next connection that comes back.
 *
 * Keeping has to pay, too. Each reuse earns credit; a connection that was kept
 * and then closed for a request that waited costs some, and one that the
 * application closed before its first reuse costs more. When the credit is used
 * up only one connection of an interval is kept, as a trial; a trial that fails
 * doubles the interval, and a reuse ends it.
 *
 *     credit  0 ........................ 256
 *             |  <-- rescue 4, death 64    |
 *             |  reuse 1 -->               |
 *
 * It is its pool's, and under its lock.
 */
#ifndef FCGI__KEEPALIVE_H
#define FCGI__KEEPALIVE_H

#include <stdbool.h>
#include <stddef.h>

#define FCGI__CREDIT_MAX 256

struct fcgi__keepalive {
    size_t late; /* requests that were owed a closing, and still wait */
    size_t owed; /* closings */
    int credit;
    int interval;  /* of trials; it lasts until the credit is full again */
    int countdown; /* to the next trial; 0: every connection is kept */
};

void fcgi__keepalive_init(struct fcgi__keepalive *keepalive);

/* A closing is owed to a request that waits, or was paid. */
void fcgi__keepalive_owe(struct fcgi__keepalive *keepalive);
void fcgi__keepalive_pay(struct fcgi__keepalive *keepalive);

/* A request waits for long enough to be owed something, or no longer. When none
 * does, nothing is owed any more. */
void fcgi__keepalive_add_late(struct fcgi__keepalive *keepalive);
void fcgi__keepalive_remove_late(struct fcgi__keepalive *keepalive);

/* A kept connection was reused; it was closed for a request that waited; it was
 * closed by the application before it was ever reused. */
static inline void fcgi__keepalive_earn(struct fcgi__keepalive *keepalive)
{
    keepalive->countdown = 0;
    if (keepalive->credit < FCGI__CREDIT_MAX) {
        keepalive->credit += 1;
    } else {
        keepalive->interval = 0;
    }
}

void fcgi__keepalive_charge_rescue(struct fcgi__keepalive *keepalive);
void fcgi__keepalive_charge_death(struct fcgi__keepalive *keepalive);

/* While there are trials: whether the connection that comes back now is one. */
bool fcgi__keepalive_tries(struct fcgi__keepalive *keepalive);

/* Whether the connection that comes back now is to be kept, since that pays. */
static inline bool fcgi__keepalive_pays(struct fcgi__keepalive *keepalive)
{
    return keepalive->countdown == 0 || fcgi__keepalive_tries(keepalive);
}

/* In the child of a fork(), where no request waits. */
void fcgi__keepalive_forget(struct fcgi__keepalive *keepalive);

#endif
