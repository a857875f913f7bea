/*
 * condition - a condition variable: one thread waits on it until another
 * signals it, or until a moment by the library's clock.
 */
#ifndef FCGI__CONDITION_H
#define FCGI__CONDITION_H

#include <pthread.h>
#include <stdint.h>

/* FCGI_OK or FCGI_ERR_SYSTEM (see errno). */
int fcgi__condition_init(pthread_cond_t *condition);

void fcgi__condition_destroy(pthread_cond_t *condition);

/* Release the lock, which the caller holds, wait, and take the lock again.
 * Returns when signalled, when `until` has come, or for no reason. The thread
 * is not cancelled here: it would die holding the lock. */
void fcgi__condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
                          int64_t until);

void fcgi__condition_signal(pthread_cond_t *condition);

#endif
