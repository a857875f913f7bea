/*
 * blocking - the functions that wait: a call, driven to its end by one thread.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>

#include "../base/decimal.h"
#include "../http/field.h"
#include "../net/clock.h"
#include "call.h"

int fcgi_client_do(struct fcgi_client *client,
                   const struct fcgi_request *request,
                   struct fcgi_response *response)
{
    int64_t now = fcgi__now();
    struct fcgi_call *call;
    int rc;

    if (client == NULL || request == NULL || response == NULL) {
        return fcgi__call_refuse(response, FCGI_ERR_ARGUMENT);
    }
    rc = fcgi__call_start(&call, client, request, response, now, true);
    if (rc != FCGI_OK) {
        return rc;
    }
    rc = fcgi__call_step(call, now, FCGI__WRITABLE);
    while (rc == FCGI_WAIT) {
        unsigned ready = fcgi__call_await(call);
        rc = fcgi__call_step(call, fcgi__now(), ready);
    }
    fcgi_call_free(call);
    return rc;
}

/*
 * FCGI_GET_VALUES (FastCGI specification, section 4.1).
 */

static void read_value(struct fcgi_values *values,
                       const struct fcgi_param *param)
{
    struct fcgi_slice name = {param->name, param->name_len};
    int64_t value = fcgi__parse_decimal(param->value, param->value_len);

    if (fcgi__slice_equals(name, "FCGI_MAX_CONNS")) {
        values->max_conns = value;
    } else if (fcgi__slice_equals(name, "FCGI_MAX_REQS")) {
        values->max_reqs = value;
    } else if (fcgi__slice_equals(name, "FCGI_MPXS_CONNS")) {
        values->mpxs_conns = value == 0 || value == 1 ? (int)value : -1;
    }
}

static int read_values(struct fcgi_values *values, struct fcgi_slice encoded)
{
    struct fcgi_param param;
    int rc;

    for (rc = fcgi_params_next(&encoded, &param); rc == FCGI_PAIR;
         rc = fcgi_params_next(&encoded, &param)) {
        read_value(values, &param);
    }
    return rc;
}

int fcgi_client_get_values(struct fcgi_client *client,
                           struct fcgi_values *values)
{
    static const struct fcgi_values nothing_said = {-1, -1, -1, {0}};
    struct fcgi_response response = {0};
    int rc;

    if (values == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    *values = nothing_said;
    if (client == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    rc = fcgi_client_do(client, &fcgi__get_values, &response);
    if (rc == FCGI_OK) {
        rc = read_values(values, response.body);
    } else {
        errno = response.outcome.system_error;
    }
    fcgi_response_free(&response);
    return rc;
}
