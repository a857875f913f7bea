/*
 * inquiry - a request as the application gets it.
 */
#include "asking.h"

#include <string.h>

/* The longest head of an answer: it must fit beside what is added to it. */
#define ANSWER_HEAD_MAX (24 * 1024)

static struct fcgi_slice text(const char *string)
{
    return (struct fcgi_slice){string, strlen(string)};
}

static int make_params(const struct transaction *t)
{
    struct fcgi_cgi_request request = {
        .method = t->http.method,
        .target = t->http.target,
        .protocol = text(t->http.is_1_0 ? "HTTP/1.0" : "HTTP/1.1"),
        .fields = t->http.fields,
        .field_count = t->http.field_count,
        .remote_addr = text(t->peer->remote_addr),
        .remote_port = text(t->peer->remote_port),
        .server_addr = text(t->peer->server_addr),
        .server_port = text(t->peer->server_port),
        .content_length = body_length(&t->body),
    };
    int rc = fcgi_cgi_build(t->worker->cgi, &t->worker->site, &request);

    /* It is for who has said --stream-chunked to know. */
    return rc == FCGI_ERR_LENGTH_REQUIRED ? FCGI_OK : rc;
}

int inquiry_begin(struct transaction *t)
{
    struct fcgi_request request = {
        .body = body_source(&t->body),
        .sink = answer_sink(&t->answer),
        .limits.head_len = ANSWER_HEAD_MAX,
    };
    int rc = make_params(t);

    if (rc != FCGI_OK) {
        return rc;
    }
    request.params = fcgi_cgi_params(t->worker->cgi, &request.param_count);
    return upstream_ask(&t->worker->upstream, &t->ask, &request, &t->response,
                        t->owner);
}

void inquiry_end(struct transaction *t)
{
    if (t->ask.call != NULL) {
        upstream_end(&t->worker->upstream, &t->ask);
    }
}
