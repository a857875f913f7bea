/*
 * condition - what one thread waits for under a lock until another signals it,
 * or until a moment of the library's own clock.
 */
#ifndef FCGI__CONDITION_H
#define FCGI__CONDITION_H

#include <pthread.h>
#include <stdint.h>

/* FCGI_OK or FCGI_ERR_SYSTEM (errno tells). */
int fcgi__condition_init(pthread_cond_t *condition);

void fcgi__condition_destroy(pthread_cond_t *condition);

/* Release the lock, which the caller holds, wait, and take it again. Returns
 * when signalled, when `until` has come, or for no reason. The thread is not
 * cancelled meanwhile, since it would keep the lock. */
void fcgi__condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
                          int64_t until);

void fcgi__condition_signal(pthread_cond_t *condition);

#endif
