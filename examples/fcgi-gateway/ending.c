/*
 * ending - the last stage of a transaction, and every way into it.
 */
#define _POSIX_C_SOURCE 200809L

#include "ending.h"

#include <sys/socket.h>

#include "asking.h"
#include "log.h"

/* What the log says of a client that left before it was sent anything: nginx
 * uses this number too, which is not a status of HTTP. */
#define CLIENT_LEFT 499

static void log_end(const struct transaction *t, int status, const char *why)
{
    if (t->worker->options->access_log) {
        log_access(t->peer->remote_addr, &t->http, status,
                   answer_body_sent(&t->answer), why);
    }
}

/*
 * Answering.
 */

/* What was sent may still be on its way, and so may earlier answers: to close
 * the socket with bytes unread, or before more come, would discard them (RFC
 * 9112, section 9.6). */
static bool close_in_stages(struct transaction *t)
{
    (void)shutdown(t->peer->fd, SHUT_WR);
    return transaction_enter(t, STAGE_LINGERING);
}

/* The whole answer was sent. */
static bool finish(struct transaction *t)
{
    log_end(t, t->answer.status, t->why);
    if (t->answer.keep && t->body.left == 0 && !t->worker->stopping) {
        return transaction_read_next(t);
    }
    if (t->body.left == 0 && !t->peer->readable) {
        return transaction_enter(t, STAGE_GONE);
    }
    return close_in_stages(t);
}

bool ending_send_rest(struct transaction *t)
{
    int rc = answer_flush(&t->answer);

    if (rc == FCGI_WAIT) {
        return false;
    }
    return rc == FCGI_OK ? finish(t) : ending_lose_client(t);
}

/* `rc` is what the answer's last function returned. */
static bool begin_sending(struct transaction *t, int rc)
{
    asking_end(t);
    body_end(&t->body);
    return rc < 0 ? ending_lose_client(t) : transaction_enter(t, STAGE_SENDING);
}

bool ending_send_answer(struct transaction *t)
{
    return begin_sending(t, answer_end(&t->answer));
}

/* The connection must end if the client has more body to send, which nobody
 * reads. */
bool ending_send_status(struct transaction *t, int status)
{
    t->answer.keep = t->answer.keep && t->body.left == 0;
    return begin_sending(t, answer_send_status(&t->answer, status));
}

bool ending_refuse(struct transaction *t, int status)
{
    answer_begin(&t->answer, t->peer, &t->out, &t->http, worker_date(t->worker),
                 false);
    t->body.left = 1;
    return ending_send_status(t, status);
}

/*
 * Giving up.
 */

/* Where an answer ends with the connection, only a reset tells that it is not
 * whole (RFC 9112, section 8). */
static void break_off(struct transaction *t, const char *why)
{
    const struct linger none = {.l_onoff = 1, .l_linger = 0};

    log_end(t, t->answer.head_sent ? t->answer.status : CLIENT_LEFT, why);
    if (!answer_tells_its_end(&t->answer)) {
        (void)setsockopt(t->peer->fd, SOL_SOCKET, SO_LINGER, &none,
                         sizeof(none));
    }
}

bool ending_cut_answer(struct transaction *t, const char *why)
{
    break_off(t, why);
    return answer_tells_its_end(&t->answer) ? close_in_stages(t)
                                            : transaction_enter(t, STAGE_GONE);
}

bool ending_abandon(struct transaction *t, const char *why)
{
    break_off(t, why);
    return transaction_enter(t, STAGE_GONE);
}

bool ending_lose_client(struct transaction *t)
{
    return ending_abandon(t, "client left");
}

/* The client is answered with 408, unless the application has begun an
 * answer. */
bool ending_time_out(struct transaction *t)
{
    t->why = "client too slow";
    if (t->stage == STAGE_READING) {
        return ending_refuse(t, 408);
    }
    if (t->stage == STAGE_GATHERING ||
        (t->stage == STAGE_ASKING && t->answer.state == ANSWER_NONE)) {
        return ending_send_status(t, 408);
    }
    return ending_abandon(t, t->why);
}
