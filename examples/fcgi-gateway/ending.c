/*
 * ending - the ways out of a request.
 */
#define _POSIX_C_SOURCE 200809L

#include "ending.h"

#include <sys/socket.h>

#include "asking.h"
#include "log.h"

/* Where a client has left before it was sent anything: it is no status that
 * was sent, but nginx's name for that. */
#define CLIENT_LEFT 499

static void note_access(const struct transaction *t, int status,
                        const char *why)
{
    if (t->worker->options->access_log) {
        log_access(t->peer->remote_addr, &t->http, status,
                   answer_body_sent(&t->answer), why);
    }
}

bool ending_give_up(struct transaction *t, const char *why)
{
    note_access(t, t->answer.head_sent ? t->answer.status : CLIENT_LEFT, why);
    return transaction_enter(t, GONE);
}

bool ending_lose(struct transaction *t)
{
    return ending_give_up(t, "client left");
}

/*
 * Answering.
 */

/* The answer was sent whole. */
static bool finish(struct transaction *t)
{
    note_access(t, t->answer.status, t->why);
    if (t->answer.keep && t->body.left == 0 && !t->worker->stopping) {
        return transaction_read_next(t);
    }
    if (t->body.left == 0 && !t->peer->readable) {
        return transaction_enter(t, GONE);
    }
    /* To close with bytes unread would take the answer from the client. */
    (void)shutdown(t->peer->fd, SHUT_WR);
    return transaction_enter(t, LINGERING);
}

bool ending_send_rest(struct transaction *t)
{
    int rc = answer_flush(&t->answer);

    if (rc == FCGI_WAIT) {
        return false;
    }
    return rc == FCGI_OK ? finish(t) : ending_lose(t);
}

/* It is on its way, `rc` tells how far it came. */
static bool begin_sending(struct transaction *t, int rc)
{
    inquiry_end(t);
    body_end(&t->body);
    return rc < 0 ? ending_lose(t) : transaction_enter(t, SENDING);
}

bool ending_send(struct transaction *t)
{
    return begin_sending(t, answer_end(&t->answer));
}

/* The connection must end if the client has yet to send what nobody reads. */
bool ending_answer(struct transaction *t, int status)
{
    t->answer.keep = t->answer.keep && t->body.left == 0;
    return begin_sending(t, answer_plainly(&t->answer, status));
}

bool ending_refuse(struct transaction *t, int status)
{
    answer_begin(&t->answer, t->peer, &t->out, &t->http, worker_date(t->worker),
                 false);
    t->body.left = 1;
    return ending_answer(t, status);
}
