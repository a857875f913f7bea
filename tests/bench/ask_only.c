/*
 * ask_only - a program that does nothing but ask: see ask_only.h.
 */
#include "ask_only.h"

#include <fcgi_client.h>

#include "harness.h"
#include "sample.h"

int ask_run(const char *address, size_t n, bool dial)
{
    struct fcgi_client_config config = {.pool = {.max_idle = dial ? -1 : 0}};
    struct fcgi_request request = sample_request(NULL, 0);
    struct fcgi_response response = {0};
    struct fcgi_client *client = NULL;
    int rc = fcgi_client_new(&client, address, &config);

    for (size_t i = 0; i < n && rc == FCGI_OK; i++) {
        rc = fcgi_client_do(client, &request, &response);
    }
    bench_check(rc == FCGI_OK, fcgi_strerror(rc));
    fcgi_response_free(&response);
    fcgi_client_free(client);
    return 0;
}
