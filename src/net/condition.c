/*
 * condition - a condition variable over the monotonic clock.
 *
 * Some systems only have condition variables over the wall clock, which may be
 * set; FCGI_CLIENT_PORTABLE treats every system as one of them. There a wait
 * with an end returns every few milliseconds, signalled or not, and the caller
 * looks whether what it waits for has come.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <time.h>

#include <fcgi_client/error.h>

#include "clock.h"
#include "condition.h"

#if defined(FCGI_CLIENT_PORTABLE) || defined(__APPLE__)

#define PAUSE_MS 2

int fcgi__condition_init(pthread_cond_t *condition)
{
    errno = pthread_cond_init(condition, NULL);
    return errno == 0 ? FCGI_OK : FCGI_ERR_SYSTEM;
}

static void wait_until_moment(pthread_cond_t *condition, pthread_mutex_t *lock,
                              int64_t until)
{
    static const struct timespec pause = {0, PAUSE_MS * 1000000L};

    (void)condition;
    (void)until;
    (void)pthread_mutex_unlock(lock);
    (void)nanosleep(&pause, NULL);
    (void)pthread_mutex_lock(lock);
}

#else

int fcgi__condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    errno = pthread_condattr_init(&attributes);
    if (errno == 0) {
        (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        errno = pthread_cond_init(condition, &attributes);
        (void)pthread_condattr_destroy(&attributes);
    }
    return errno == 0 ? FCGI_OK : FCGI_ERR_SYSTEM;
}

static void wait_until_moment(pthread_cond_t *condition, pthread_mutex_t *lock,
                              int64_t until)
{
    struct timespec moment = {
        .tv_sec = (time_t)(until / 1000000),
        .tv_nsec = (long)(until % 1000000) * 1000,
    };

    (void)pthread_cond_timedwait(condition, lock, &moment);
}

#endif

void fcgi__condition_destroy(pthread_cond_t *condition)
{
    (void)pthread_cond_destroy(condition);
}

void fcgi__condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
                          int64_t until)
{
    int state;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    if (until == FCGI__NEVER) {
        (void)pthread_cond_wait(condition, lock);
    } else {
        wait_until_moment(condition, lock, until);
    }
    (void)pthread_setcancelstate(state, &state);
}

void fcgi__condition_signal(pthread_cond_t *condition)
{
    (void)pthread_cond_signal(condition);
}
