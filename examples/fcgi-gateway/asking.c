/*
 * asking - the stage of a transaction in which the application has the request.
 */
#include "asking.h"

#include <string.h>

#include "../common/http_status.h"
#include "ending.h"
#include "log.h"

/* The longest head of an answer, which leaves room for what the gateway
 * adds. */
#define ANSWER_HEAD_MAX (24 * 1024)

/*
 * The call.
 */

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

    /* --stream-chunked is for applications that need no length. */
    return rc == FCGI_ERR_LENGTH_REQUIRED ? FCGI_OK : rc;
}

/* The loop is done with the call. The client is dealt with later in this turn:
 * this may be within a function of its transaction. */
static void note_end(void *context, int error)
{
    struct transaction *t = context;

    t->call = NULL;
    t->error = error;
    peer_wake(t->peer);
}

static int start_call(struct transaction *t)
{
    struct fcgi_request request = {
        .body = body_source(&t->body),
        .sink = answer_sink(&t->answer),
        .limits.head_len = ANSWER_HEAD_MAX,
        .context = t,
    };
    int rc = make_params(t);

    if (rc != FCGI_OK) {
        return rc;
    }
    request.params = fcgi_cgi_params(t->worker->cgi, &request.param_count);
    return fcgi_loop_start(t->worker->upstream.loop, &request, &t->response,
                           note_end, &t->call);
}

void asking_end(struct transaction *t)
{
    fcgi_loop_cancel(t->worker->upstream.loop, t->call);
    t->call = NULL;
}

/*
 * Its end.
 */

/* The application has failed: tell the client, if nothing was sent yet. */
static bool fail(struct transaction *t, int error)
{
    bool cut = t->answer.state == ANSWER_SENT;
    int status = cut ? t->answer.status : http_status_of_error(error);

    log_failure(&t->http, status, cut, error, &t->response);
    return cut ? ending_cut_answer(t, fcgi_error_name(error))
               : ending_send_status(t, status);
}

/* The client has failed. */
static bool fail_body(struct transaction *t)
{
    if (!t->body.malformed) {
        return ending_lose_client(t);
    }
    return t->answer.state == ANSWER_SENT
               ? ending_cut_answer(t, "malformed body")
               : ending_send_status(t, 400);
}

static bool conclude(struct transaction *t, int rc)
{
    log_stderr(&t->http, t->response.stderr_data);
    if (t->answer.state == ANSWER_FAILED) {
        return ending_lose_client(t);
    }
    if (rc == FCGI_ERR_SOURCE) {
        return fail_body(t);
    }
    if (t->answer.refused) {
        rc = FCGI_ERR_BAD_HEAD;
    } else if (rc == FCGI_ERR_BODY_LONG && t->answer.state != ANSWER_NONE) {
        /* The answer is as long as its Content-Length, and the rest is not
         * sent. */
        log_failure(&t->http, t->answer.status, false, rc, &t->response);
        rc = FCGI_OK;
    }
    return rc == FCGI_OK ? ending_send_answer(t) : fail(t, rc);
}

/*
 * The stage.
 */

bool asking_begin(struct transaction *t)
{
    int rc = start_call(t);

    switch (rc) {
    case FCGI_OK:
        return transaction_enter(t, STAGE_ASKING);
    case FCGI_ERR_BAD_REQUEST:
        return ending_refuse(t, 400);
    default:
        return fail(t, rc);
    }
}

/* What has paused goes on once the client takes more, or has sent some. */
static void resume_call(struct transaction *t)
{
    if ((t->answer.paused && !t->peer->full) ||
        (t->body.waits && t->peer->readable)) {
        fcgi_loop_resume(t->worker->upstream.loop, t->call);
    }
}

/* Once the client has sent its whole body, it may send the next request, or
 * leave. What the call has made of the answer so far is sent. */
bool asking_go_on(struct transaction *t)
{
    if (t->body.left == 0) {
        (void)peer_fill(t->peer, &t->in);
    }
    if (t->peer->closed) {
        return ending_lose_client(t);
    }
    resume_call(t);
    if (t->call == NULL) {
        return conclude(t, t->error);
    }
    return answer_flush(&t->answer) < 0 && ending_lose_client(t);
}
