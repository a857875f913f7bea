/*
 * do - fcgi_client_do(): a call, driven to its end by one thread that may
 * wait.
 */
#define _POSIX_C_SOURCE 200809L

#include "call.h"

int fcgi_client_do(struct fcgi_client *client,
                   const struct fcgi_request *request,
                   struct fcgi_response *response)
{
    struct fcgi_call *call;
    struct fcgi__wait wait;
    int rc = fcgi_call_start(&call, client, request, response);

    if (rc != FCGI_OK) {
        return rc;
    }
    for (rc = fcgi__call_step(call, true); rc == FCGI_WAIT;
         rc = fcgi__call_step(call, true)) {
        fcgi__call_wait(call, &wait);
        (void)fcgi__net_wait(&wait);
    }
    fcgi_call_free(call);
    return rc;
}
