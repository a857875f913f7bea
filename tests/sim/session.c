/*
 * session - one connection as the application serves it: see session.h.
 */
#include <string.h>

#include "session.h"
#include "sight.h"
#include "world.h"

/*
 * When it does something.
 */

static int64_t some_delay(const struct session *n)
{
    if (world_chance(n->habits->slow)) {
        return world_between(0, 80 * MILLISECOND);
    }
    return world_chance(60) ? 0 : world_between(0, MILLISECOND);
}

void session_wake(struct session *n)
{
    int64_t moment = world_now() + some_delay(n);

    if (moment < n->turn_at) {
        n->turn_at = moment;
    }
}

void session_leave(struct session *n)
{
    n->turn_at = n->whim_at = n->dies_at = NEVER;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t session_next(const struct session *n)
{
    return n->has_worker ? sooner(n->turn_at, sooner(n->whim_at, n->dies_at))
                         : NEVER;
}

void session_begin(struct session *n, uint64_t serial,
                   const struct habits *habits)
{
    struct session kept = *n;

    memset(n, 0, sizeof(*n));
    n->reader = kept.reader;
    n->out = kept.out;
    n->answer = kept.answer;
    reader_begin(&n->reader);
    wire_clear(&n->out);
    n->serial = serial;
    n->habits = habits;
    session_leave(n);
}

void session_serve(struct session *n)
{
    n->has_worker = true;
    session_wake(n);
}

/*
 * Answering.
 */

static enum cut pick_cut(const struct session *n)
{
    return world_chance(n->habits->cut)
               ? (enum cut)world_between(CUT_CLOSE, CUT_SILENT)
               : NO_CUT;
}

/* What will be answered is known as soon as the request is. */
static void plan_answer(struct stream *s, struct session *n)
{
    answer_compose(&n->answer, n->reader.entry, n->reader.id, s->serial,
                   &n->habits->answers);
    n->reader.entry->runs += !n->answer.refused;
    if (n->reader.entry->runs > 1) {
        sight_saw(SIGHT_RAN_TWICE);
    }
    n->is_early = world_chance(n->habits->early);
    n->is_deaf = n->is_early && world_chance(50);
    n->closes = !n->reader.keeps || world_chance(n->habits->closes);
    if (world_chance(n->habits->dies)) {
        n->dies_at = world_now() + world_between(0, 2000 * MILLISECOND);
    }
    world_note("run: stream, verdict, text", s->index, n->answer.verdict,
               (int64_t)n->answer.text.len);
}

static void begin_answer(struct stream *s, struct session *n)
{
    n->answered = true;
    n->cut = pick_cut(n);
    n->cut_at = n->composed + world_below(n->answer.bytes.len);
    wire_append(&n->out, n->answer.bytes.data, n->answer.bytes.len);
    n->composed += n->answer.bytes.len;
    n->answer_end = n->composed;
    world_note("answer: stream, bytes, cut", s->index,
               (int64_t)n->answer.bytes.len, n->cut);
    n->answer.is_early = n->reader.phase != COMPLETE;
    if (n->answer.is_early) {
        sight_saw(SIGHT_EARLY_ANSWER);
    }
}

static void answer_if_due(struct stream *s, struct session *n)
{
    if (n->reader.entry != NULL && !n->answered && n->dies_at == NEVER &&
        (n->reader.phase == COMPLETE || n->is_early)) {
        begin_answer(s, n);
    }
}

/* Some answer, some do not know the question, some say nothing. */
static void answer_values(struct session *n)
{
    static const char values[] = "\016\002FCGI_MAX_CONNS10"
                                 "\017\001FCGI_MPXS_CONNS0";
    size_t len = sizeof(values) - 1 - world_chance(15);

    if (world_chance(60)) {
        wire_record(&n->out, WIRE_GET_VALUES_RESULT, 0, values, len, 7);
    } else if (world_chance(50)) {
        wire_record(&n->out, WIRE_UNKNOWN_TYPE, 0, "\011\0\0\0\0\0\0", 8, 0);
    }
    n->composed = n->given + n->out.len - n->out_at;
}

/*
 * Reading.
 */

static void begin_request(const struct stream *s, struct session *n)
{
    world_require(n->reader.requests == 1 ||
                      (n->answered && n->answer_end <= s->got),
                  "a request waits for the end of the one before", s->index, 0);
    n->answered = false;
}

static void read_records(struct stream *s, struct session *n)
{
    enum news news;

    for (news = reader_next(&n->reader); news != NO_RECORD;
         news = reader_next(&n->reader)) {
        if (news == BEGUN) {
            begin_request(s, n);
        } else if (news == KNOWN) {
            plan_answer(s, n);
        } else if (news == VALUES_ASKED) {
            answer_values(n);
        } else if (news == ABORTED) {
            sight_saw(SIGHT_ABORTED);
        }
        answer_if_due(s, n);
    }
}

static size_t some_len(void)
{
    size_t most = world_chance(10) ? 20 : world_grain() * 4;

    return 1 + (size_t)world_below(most);
}

static bool is_reading(const struct session *n)
{
    return !n->is_deaf || !n->answered;
}

static void read_some(struct stream *s, struct session *n)
{
    size_t got =
        is_reading(n) ? stream_take(s, &n->reader.bytes, some_len()) : 0;

    if (got > 0) {
        world_note("application reads: stream, bytes", s->index, (int64_t)got,
                   0);
        read_records(s, n);
    }
}

/*
 * Writing.
 */

static size_t out_len(const struct session *n)
{
    size_t len = n->out.len - n->out_at;

    if (n->cut != NO_CUT && n->cut_at < n->given + len) {
        len = n->cut_at < n->given ? 0 : (size_t)(n->cut_at - n->given);
    }
    return len;
}

static void make_cut(struct stream *s, struct session *n)
{
    world_note("application cuts: stream, how", s->index, n->cut, 0);
    switch (n->cut) {
    case CUT_CLOSE:
        session_leave(n);
        stream_app_close(s);
        break;
    case CUT_RESET:
        session_leave(n);
        stream_reset(s, world_chance(50));
        break;
    case CUT_HALF:
        stream_end(s);
        sight_saw(SIGHT_HALF_CLOSED);
        break;
    default:
        break;
    }
}

static void close_idle(struct stream *s, struct session *n)
{
    world_note("application closes: stream", s->index, 0, 0);
    session_leave(n);
    stream_app_close(s);
}

/* An answer was given whole: what now? */
static void finish_answer(struct stream *s, struct session *n)
{
    n->answered_id = n->reader.id;
    if (n->closes) {
        close_idle(s, n);
    } else if (world_chance(n->habits->late) ||
               world_chance(n->habits->stale)) {
        n->whim_at =
            world_now() +
            (world_chance(30) ? 0 : world_between(0, 50 * MILLISECOND));
    }
}

static void write_some(struct stream *s, struct session *n)
{
    size_t len = out_len(n);
    size_t most = some_len();
    size_t given;

    if (len == 0) {
        return;
    }
    given = stream_give(s, n->out.data + n->out_at, len < most ? len : most);
    n->given += given;
    n->out_at += given;
    world_note("application writes: stream, bytes", s->index, (int64_t)given,
               0);
    if (n->out_at == n->out.len) {
        wire_clear(&n->out);
        n->out_at = 0;
    }
    if (n->cut == NO_CUT && n->answered && n->given == n->answer_end &&
        given > 0) {
        finish_answer(s, n);
    }
}

/*
 * Its turns.
 */

static bool has_room(const struct stream *s)
{
    return s->client_shut || queue_len(&s->down) < s->down.room;
}

static void take_turn(struct stream *s, struct session *n)
{
    n->turn_at = NEVER;
    read_some(s, n);
    write_some(s, n);
    if (s->app_open && n->cut != NO_CUT && n->answered &&
        n->given == n->cut_at && !s->app_ended) {
        make_cut(s, n);
    }
    if (!s->app_open) {
        return;
    }
    if (s->client_shut && (!is_reading(n) || stream_client_gone(s))) {
        close_idle(s, n);
    } else if ((is_reading(n) && queue_len(&s->up) > 0) ||
               (out_len(n) > 0 && has_room(s))) {
        session_wake(n);
    }
}

/* Between requests: a record too late, or the end. */
static void have_whim(struct stream *s, struct session *n)
{
    n->whim_at = NEVER;
    if (world_chance(n->habits->late > 0 ? 50 : 0)) {
        if (n->out_at == n->out.len && n->given == n->composed) {
            answer_late_record(&n->out, n->answered_id);
            n->composed += n->out.len - n->out_at;
            session_wake(n);
        }
    } else if (n->habits->stale > 0) {
        sight_saw(SIGHT_STALE_CLOSED);
        close_idle(s, n);
    }
}

static void die(struct stream *s, struct session *n)
{
    world_note("application dies at its work: stream", s->index, 0, 0);
    session_leave(n);
    if (world_chance(50)) {
        stream_reset(s, world_chance(50));
    } else {
        stream_app_close(s);
    }
}

void session_step(struct session *n, struct stream *s)
{
    if (n->dies_at <= world_now()) {
        die(s, n);
    } else if (n->turn_at <= world_now()) {
        take_turn(s, n);
    } else {
        have_whim(s, n);
    }
}
