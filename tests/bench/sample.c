/*
 * sample - what is asked: see sample.h.
 */
#include "sample.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

/* A caller that has parsed HTTP knows how long its strings are. */
#define PAIR(name, value)                                                      \
    {                                                                          \
        (name), (value), sizeof(name) - 1, sizeof(value) - 1                   \
    }

const struct fcgi_param sample_params[SAMPLE_PARAMS] = {
    PAIR("QUERY_STRING", "id=42&page=7"),
    PAIR("REQUEST_METHOD", "GET"),
    PAIR("CONTENT_TYPE", ""),
    PAIR("CONTENT_LENGTH", ""),
    PAIR("SCRIPT_NAME", "/shop/index.php"),
    PAIR("REQUEST_URI", "/shop/index.php?id=42&page=7"),
    PAIR("DOCUMENT_URI", "/shop/index.php"),
    PAIR("DOCUMENT_ROOT", "/srv/www/example"),
    PAIR("SCRIPT_FILENAME", "/srv/www/example/shop/index.php"),
    PAIR("SERVER_PROTOCOL", "HTTP/1.1"),
    PAIR("GATEWAY_INTERFACE", "CGI/1.1"),
    PAIR("SERVER_SOFTWARE", "example/1.0"),
    PAIR("REMOTE_ADDR", "192.0.2.17"),
    PAIR("REMOTE_PORT", "51234"),
    PAIR("SERVER_ADDR", "192.0.2.80"),
    PAIR("SERVER_PORT", "80"),
    PAIR("SERVER_NAME", "www.example.org"),
    PAIR("HTTP_HOST", "www.example.org"),
};

/* The same with the length of a body. */
static const struct fcgi_param *params_for(size_t len)
{
    struct fcgi_param *params;
    char *digits;

    if (len == 0) {
        return sample_params;
    }
    params = bench_memory(sizeof(sample_params));
    digits = bench_memory(24);
    (void)snprintf(digits, 24, "%zu", len);
    for (int i = 0; i < SAMPLE_PARAMS; i++) {
        params[i] = sample_params[i];
        if (strcmp(params[i].name, "CONTENT_LENGTH") == 0) {
            params[i].value = digits;
            params[i].value_len = strlen(digits);
        }
    }
    return params;
}

struct fcgi_request sample_request(const void *body, size_t len)
{
    return (struct fcgi_request){
        .params = params_for(len),
        .param_count = SAMPLE_PARAMS,
        .body = {.data = body, .len = len},
    };
}

static size_t wire_cap(const struct fcgi_request *request)
{
    size_t params = 0;

    bench_check(fcgi_params_encode(request->params, request->param_count, NULL,
                                   0, &params) == FCGI_OK,
                "the variables cannot be encoded");
    size_t content = params + request->body.len;
    return 4096 + content + content / 1024;
}

struct fcgi_slice sample_wire(const struct fcgi_request *request)
{
    char *bytes = bench_memory(wire_cap(request));
    struct fcgi_response response = {0};
    struct fcgi_slice slices[8];
    struct fcgi_exchange *x = NULL;
    size_t len = 0;

    bench_check(fcgi_exchange_new(&x, NULL) == FCGI_OK &&
                    fcgi_exchange_begin(x, request, &response, 1,
                                        FCGI_FLAG_KEEP_CONN) == FCGI_OK,
                "the request cannot begin");
    while (!fcgi_exchange_sent_all(x)) {
        int count = fcgi_exchange_output(x, slices, 8);
        size_t start = len;
        for (int i = 0; i < count; i++) {
            memcpy(bytes + len, slices[i].data, slices[i].len);
            len += slices[i].len;
        }
        fcgi_exchange_sent(x, len - start);
    }
    fcgi_exchange_free(x);
    fcgi_response_free(&response);
    return (struct fcgi_slice){.data = bytes, .len = len};
}
