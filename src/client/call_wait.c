/*
 * call_wait - what a call waits for: told to the host, or waited for here.
 */
#define _POSIX_C_SOURCE 200809L

#include "../net/clock.h"
#include "call.h"

_Static_assert((unsigned)FCGI__READABLE == (unsigned)FCGI_EVENT_READ &&
                   (unsigned)FCGI__WRITABLE == (unsigned)FCGI_EVENT_WRITE,
               "what a call waits for is told to the host as it is");

static void wait_no_longer_than(struct fcgi__wait *wait, int64_t moment)
{
    if (moment < wait->until) {
        wait->until = moment;
    }
}

void fcgi__call_wait(const struct fcgi_call *call, struct fcgi__wait *wait)
{
    if (call->stage == FCGI__CALL_EXCHANGING) {
        fcgi__transport_wait(&call->transport, wait);
    } else {
        fcgi__checkout_wait(&call->checkout, wait);
        wait_no_longer_than(wait, call->options.deadline);
    }
    wait_no_longer_than(wait, call->rescue.next);
}

unsigned fcgi__call_await(struct fcgi_call *call)
{
    struct fcgi__wait wait;

    fcgi__call_wait(call, &wait);
    return call->stage == FCGI__CALL_EXCHANGING
               ? fcgi__net_wait(&wait)
               : fcgi__checkout_await(&call->checkout, &wait);
}

/*
 * What the host is told.
 */

static struct fcgi__wait wait_of_host(const struct fcgi_call *call)
{
    struct fcgi__wait wait = {-1, 0, -1, FCGI__NEVER};

    if (call != NULL && call->stage != FCGI__CALL_ENDED) {
        fcgi__call_wait(call, &wait);
    }
    if (wait.events == 0) {
        wait.fd = -1;
    }
    return wait;
}

int fcgi_call_fd(struct fcgi_call *call)
{
    int fd = wait_of_host(call).fd;

    if (call != NULL && call->stage != FCGI__CALL_ENDED) {
        call->checkout.exposed.fd = fd;
    }
    return fd;
}

unsigned fcgi_call_events(const struct fcgi_call *call)
{
    struct fcgi__wait wait = wait_of_host(call);

    return wait.fd < 0 ? 0 : wait.events;
}

int fcgi_call_timeout_ms(const struct fcgi_call *call)
{
    if (call != NULL && call->stage == FCGI__CALL_ENDED) {
        return 0;
    }
    return fcgi__milliseconds_until(wait_of_host(call).until, fcgi__now());
}

bool fcgi_call_source_waits(const struct fcgi_call *call, int *descriptor)
{
    *descriptor = -1;
    return call != NULL && call->stage == FCGI__CALL_EXCHANGING &&
           fcgi_exchange_source_waits(call->options.exchange, descriptor);
}

void *fcgi_call_context(const struct fcgi_call *call)
{
    return call == NULL ? NULL : call->context;
}
