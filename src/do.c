/*
 * do - fcgi_client_do(): a call, driven to its end by one thread that may
 * wait.
 */
#define _POSIX_C_SOURCE 200809L

#include "call.h"
#include "clock.h"

int fcgi_client_do(struct fcgi_client *client,
                   const struct fcgi_request *request,
                   struct fcgi_response *response)
{
    struct fcgi_call *call;
    struct fcgi__wait wait;
    int64_t now = fcgi__now();
    int rc = fcgi__call_start(&call, client, request, response, now);

    if (rc != FCGI_OK) {
        return rc;
    }
    for (rc = fcgi__call_advance(call, now, true); rc == FCGI_WAIT;
         rc = fcgi__call_advance(call, fcgi__now(), true)) {
        fcgi__call_wait(call, &wait);
        (void)fcgi__net_wait(&wait);
    }
    fcgi__call_end(call);
    return rc;
}
