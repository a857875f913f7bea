/*
 * judge_answer - what was received: nothing of it is another request's, and a
 * good answer is there whole.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "application.h"
#include "judge_parts.h"
#include "sight.h"
#include "world.h"

/*
 * How ever it ended.
 */

static bool is_prefix(struct fcgi_slice of, const void *whole, size_t len)
{
    return of.len <= len &&
           (of.len == 0 || memcmp(of.data, whole, of.len) == 0);
}

static void judge_head(const struct caller *c, const struct answer *a,
                       uint64_t serial)
{
    const char *field = fcgi_response_field(&c->response, "X-Answer", 0);
    char wanted[17];

    (void)snprintf(wanted, sizeof(wanted), "%016" PRIx64,
                   ledger_key(c->entry->token, FOR_ANSWER, serial));
    judge_require(c->response.status == a->status && field != NULL &&
                      strcmp(field, wanted) == 0,
                  "a head is the answer's own", c, c->response.status);
}

void judge_received(const struct caller *c, const struct stream *s,
                    const struct answer *a)
{
    const struct fcgi_response *r = &c->response;

    if (a == NULL) {
        judge_require(r->status == 0 && r->body.len == 0 &&
                          r->stderr_data.len == 0,
                      "nothing comes from nowhere", c, r->status);
        return;
    }
    judge_require(is_prefix(r->stderr_data, a->errors.data, a->errors.len),
                  "stderr is the answer's own", c, (int64_t)r->stderr_data.len);
    if (r->status == 0) {
        judge_require(is_prefix(r->body, a->text.data, a->text.len),
                      "what came for a head is the answer's own", c,
                      (int64_t)r->body.len);
        return;
    }
    judge_head(c, a, s->serial);
    judge_require(is_prefix(r->body, a->text.data + a->head_len, a->body_len),
                  "a body is the answer's own", c, (int64_t)r->body.len);
}

/*
 * A good one.
 */

/* What the request's limits make of an answer. */
static bool is_too_large(const struct caller *c, const struct answer *a)
{
    int64_t limit = c->request.limits.body_len;

    return !c->drain.takes_body && limit > 0 && (int64_t)a->body_len > limit;
}

static size_t errors_allowed(const struct caller *c, const struct answer *a)
{
    int64_t limit = c->request.limits.stderr_len;
    bool is_cut =
        !c->drain.takes_errors && limit > 0 && (int64_t)a->errors.len > limit;

    return is_cut ? (size_t)limit : a->errors.len;
}

static void see_success(const struct caller *c, const struct stream *s,
                        const struct answer *a)
{
    if (c->response.outcome.retried) {
        sight_saw(SIGHT_RETRY_WON);
    }
    if (c->request.role == FCGI_ROLE_AUTHORIZER) {
        sight_saw(SIGHT_AUTHORIZED);
    } else if (c->request.role == FCGI_ROLE_FILTER) {
        sight_saw(SIGHT_FILTERED);
    }
    if (a->bodiless) {
        sight_saw(SIGHT_BODILESS);
    }
    if (c->response.stderr_cut) {
        sight_saw(SIGHT_ERRORS_CUT);
    }
    if (a->is_early && s->lease.failed) {
        sight_saw(SIGHT_EARLY_ANSWER_WON);
    }
    if (!a->foreign && s->lease.got > a->bytes.len) {
        sight_saw(SIGHT_LATE_SEEN);
    }
}

void judge_success(const struct caller *c, const struct stream *s,
                   const struct answer *a)
{
    const struct fcgi_response *r = &c->response;
    size_t body = c->drain.takes_body ? c->drain.body_at : r->body.len;
    size_t errors =
        c->drain.takes_errors ? c->drain.errors_at : r->stderr_data.len;

    judge_require(s != NULL && a != NULL && a->verdict == FCGI_OK,
                  "success is a good answer", c, a == NULL ? 0 : a->verdict);
    judge_require(s->got + 255 >= application_answer_end(s, c->entry),
                  "success is a whole answer", c, (int64_t)s->got);
    judge_require(body == a->body_len && !is_too_large(c, a),
                  "success is a whole body", c, (int64_t)body);
    judge_require(errors == errors_allowed(c, a), "success is all of stderr", c,
                  (int64_t)errors);
    judge_require(r->stderr_cut == (errors < a->errors.len),
                  "stderr that was cut says so", c, (int64_t)errors);
    judge_require(r->app_status == a->app_status && r->protocol_status == 0,
                  "an exit status is the answer's own", c, r->app_status);
    judge_require(c->drain.heads == c->drain.takes_head, "a head is told once",
                  c, c->drain.heads);
    see_success(c, s, a);
}

/*
 * A bad one.
 */

/* Records before the answer hide that the peer speaks HTTP. */
static bool is_verdict(const struct caller *c, const struct stream *s,
                       const struct answer *a)
{
    return c->rc == a->verdict ||
           (c->rc == FCGI_ERR_BODY_TOO_LARGE && is_too_large(c, a)) ||
           (a->verdict == FCGI_ERR_NOT_FASTCGI && s->lease.reused &&
            c->rc == FCGI_ERR_INVALID_HEADER);
}

void judge_fault(const struct caller *c, const struct stream *s,
                 const struct answer *a)
{
    judge_require(a != NULL && is_verdict(c, s, a),
                  "an answer's fault is its own", c, c->rc);
}
