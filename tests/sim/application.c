/*
 * application - the adversary: see application.h.
 */
#include <string.h>

#include "application.h"
#include "network.h"
#include "reader.h"
#include "world.h"

#define RESTARTS_MAX 3

/* What is done instead of the rest of an answer. */
enum cut { NO_CUT, CUT_CLOSE, CUT_RESET, CUT_HALF, CUT_SILENT };

struct connection {
    uint64_t serial; /* of its stream */
    int64_t turn_at; /* NEVER: nothing to do */
    int64_t whim_at;

    struct reader reader;
    struct answer answer;
    bool is_early; /* the answer does not wait for the body, */
    bool is_deaf;  /* which is not read any more then */
    bool answered; /* it is on its way */
    struct wire out;
    size_t out_at;
    uint64_t composed; /* bytes in all, */
    uint64_t given;
    uint64_t answer_end;
    enum cut cut;
    uint64_t cut_at;
    bool closes;     /* after this request */
    int answered_id; /* the last that was answered whole */
};

static struct {
    struct connection all[STREAMS];
    struct answer_habits answers;
    unsigned slow, early, cut, late, stale, closes; /* in percent */
    int restarts;
    int64_t restart_at;
} app;

/*
 * Chance.
 */

static unsigned some_percent(void)
{
    static const unsigned percents[] = {0, 0, 3, 25};

    return percents[world_below(4)];
}

static int64_t some_delay(void)
{
    if (world_chance(app.slow)) {
        return world_between(0, 80 * MILLISECOND);
    }
    return world_chance(60) ? 0 : world_between(0, MILLISECOND);
}

static void plan_restart(void)
{
    app.restart_at = NEVER;
    if (app.restarts > 0) {
        app.restarts -= 1;
        app.restart_at = world_now() + world_between(0, 500 * MILLISECOND);
    }
}

void application_begin(void)
{
    for (int i = 0; i < STREAMS; i++) {
        app.all[i].turn_at = app.all[i].whim_at = NEVER;
    }
    app.answers.flawed = some_percent();
    app.answers.foreign = some_percent();
    app.slow = some_percent();
    app.early = some_percent();
    app.cut = some_percent();
    app.late = some_percent();
    app.stale = some_percent();
    app.closes = some_percent();
    app.restarts = (int)world_below(RESTARTS_MAX + 1);
    plan_restart();
}

/*
 * Connections.
 */

static struct connection *connection_of(const struct stream *s)
{
    return &app.all[s->index];
}

static void wake(struct connection *c)
{
    int64_t moment = world_now() + some_delay();

    if (moment < c->turn_at) {
        c->turn_at = moment;
    }
}

/* Its memory is used again. */
static void wipe(struct connection *c)
{
    struct connection kept = *c;

    memset(c, 0, sizeof(*c));
    c->reader = kept.reader;
    c->out = kept.out;
    c->answer = kept.answer;
    reader_begin(&c->reader);
    wire_clear(&c->out);
}

void application_accept(struct stream *s)
{
    struct connection *c = connection_of(s);

    wipe(c);
    c->serial = s->serial;
    c->turn_at = c->whim_at = NEVER;
    wake(c);
}

void application_hears(struct stream *s)
{
    if (s->app_open) {
        wake(connection_of(s));
    }
}

static void leave(struct connection *c)
{
    c->turn_at = c->whim_at = NEVER;
}

/*
 * Answering.
 */

static enum cut pick_cut(void)
{
    return world_chance(app.cut)
               ? (enum cut)world_between(CUT_CLOSE, CUT_SILENT)
               : NO_CUT;
}

/* What will be answered is known as soon as the request is. */
static void plan_answer(struct stream *s, struct connection *c)
{
    answer_compose(&c->answer, c->reader.entry, c->reader.id, s->serial,
                   &app.answers);
    c->reader.entry->runs += !c->answer.refused;
    if (c->reader.entry->runs > 1) {
        world_saw(SIGHT_RAN_TWICE);
    }
    c->is_early = world_chance(app.early);
    c->is_deaf = c->is_early && world_chance(50);
    c->closes = !c->reader.keeps || world_chance(app.closes);
    world_note("run: stream, verdict, text", s->index, c->answer.verdict,
               (int64_t)c->answer.text.len);
}

static void begin_answer(struct stream *s, struct connection *c)
{
    c->answered = true;
    c->cut = pick_cut();
    c->cut_at = c->composed + world_below(c->answer.bytes.len);
    wire_append(&c->out, c->answer.bytes.data, c->answer.bytes.len);
    c->composed += c->answer.bytes.len;
    c->answer_end = c->composed;
    world_note("answer: stream, bytes, cut", s->index,
               (int64_t)c->answer.bytes.len, c->cut);
    c->answer.is_early = c->reader.phase != COMPLETE;
    if (c->answer.is_early) {
        world_saw(SIGHT_EARLY_ANSWER);
    }
}

static void answer_if_due(struct stream *s, struct connection *c)
{
    if (c->reader.entry != NULL && !c->answered &&
        (c->reader.phase == COMPLETE || c->is_early)) {
        begin_answer(s, c);
    }
}

/* Some answer, some do not know the question, some say nothing. */
static void answer_values(struct connection *c)
{
    static const char value[] = "\017\001FCGI_MPXS_CONNS0";

    world_saw(SIGHT_VALUES);
    if (world_chance(60)) {
        wire_record(&c->out, WIRE_GET_VALUES_RESULT, 0, value,
                    sizeof(value) - 1, 7);
    } else if (world_chance(50)) {
        wire_record(&c->out, WIRE_UNKNOWN_TYPE, 0, "\011\0\0\0\0\0\0", 8, 0);
    }
    c->composed = c->given + c->out.len - c->out_at;
}

/*
 * Reading.
 */

static void begin_request(const struct stream *s, struct connection *c)
{
    world_require(c->reader.requests == 1 ||
                      (c->answered && c->answer_end <= s->got),
                  "a request waits for the end of the one before", s->index, 0);
    c->answered = false;
}

static void read_records(struct stream *s, struct connection *c)
{
    enum news news;

    for (news = reader_next(&c->reader); news != NO_RECORD;
         news = reader_next(&c->reader)) {
        if (news == BEGUN) {
            begin_request(s, c);
        } else if (news == KNOWN) {
            plan_answer(s, c);
        } else if (news == VALUES_ASKED) {
            answer_values(c);
        } else if (news == ABORTED) {
            world_saw(SIGHT_ABORTED);
        }
        answer_if_due(s, c);
    }
}

static size_t some_len(void)
{
    size_t most = world_chance(10) ? 20 : world_grain() * 4;

    return 1 + (size_t)world_below(most);
}

static bool is_reading(const struct connection *c)
{
    return !c->is_deaf || !c->answered;
}

static void read_some(struct stream *s, struct connection *c)
{
    size_t n = is_reading(c) ? stream_take(s, &c->reader.bytes, some_len()) : 0;

    if (n > 0) {
        world_note("application reads: stream, bytes", s->index, (int64_t)n, 0);
        read_records(s, c);
    }
}

/*
 * Writing.
 */

static size_t out_len(const struct connection *c)
{
    size_t len = c->out.len - c->out_at;

    if (c->cut != NO_CUT && c->cut_at < c->given + len) {
        len = c->cut_at < c->given ? 0 : (size_t)(c->cut_at - c->given);
    }
    return len;
}

static void make_cut(struct stream *s, struct connection *c)
{
    world_note("application cuts: stream, how", s->index, c->cut, 0);
    switch (c->cut) {
    case CUT_CLOSE:
        leave(c);
        stream_app_close(s);
        break;
    case CUT_RESET:
        leave(c);
        stream_reset(s, world_chance(50));
        break;
    case CUT_HALF:
        stream_end(s);
        world_saw(SIGHT_HALF_CLOSED);
        break;
    default:
        break;
    }
}

static void close_idle(struct stream *s, struct connection *c)
{
    world_note("application closes: stream", s->index, 0, 0);
    leave(c);
    stream_app_close(s);
}

/* An answer was given whole: what now? */
static void finish_answer(struct stream *s, struct connection *c)
{
    c->answered_id = c->reader.id;
    if (c->closes) {
        close_idle(s, c);
    } else if (world_chance(app.late) || world_chance(app.stale)) {
        c->whim_at =
            world_now() +
            (world_chance(30) ? 0 : world_between(0, 50 * MILLISECOND));
    }
}

static void write_some(struct stream *s, struct connection *c)
{
    size_t len = out_len(c);
    size_t most = some_len();
    size_t n;

    if (len == 0) {
        return;
    }
    n = stream_give(s, c->out.data + c->out_at, len < most ? len : most);
    c->given += n;
    c->out_at += n;
    world_note("application writes: stream, bytes", s->index, (int64_t)n, 0);
    if (c->out_at == c->out.len) {
        wire_clear(&c->out);
        c->out_at = 0;
    }
    if (c->cut == NO_CUT && c->answered && c->given == c->answer_end && n > 0) {
        finish_answer(s, c);
    }
}

/*
 * Steps.
 */

static bool has_room(const struct stream *s)
{
    return s->client_shut || queue_len(&s->down) < s->down.room;
}

static void take_turn(struct stream *s, struct connection *c)
{
    c->turn_at = NEVER;
    read_some(s, c);
    write_some(s, c);
    if (s->app_open && c->cut != NO_CUT && c->answered &&
        c->given == c->cut_at && !s->app_ended) {
        make_cut(s, c);
    }
    if (!s->app_open) {
        return;
    }
    if (s->client_shut && (!is_reading(c) || stream_client_gone(s))) {
        close_idle(s, c);
    } else if ((is_reading(c) && queue_len(&s->up) > 0) ||
               (out_len(c) > 0 && has_room(s))) {
        wake(c);
    }
}

/* Between requests: a record too late, or the end. */
static void have_whim(struct stream *s, struct connection *c)
{
    c->whim_at = NEVER;
    if (world_chance(app.late > 0 ? 50 : 0)) {
        if (c->out_at == c->out.len && c->given == c->composed) {
            answer_late_record(&c->out, c->answered_id);
            c->composed += c->out.len - c->out_at;
            wake(c);
        }
    } else if (app.stale > 0) {
        world_saw(SIGHT_STALE_CLOSED);
        close_idle(s, c);
    }
}

static void restart(void)
{
    world_note("application restarts", 0, 0, 0);
    world_saw(SIGHT_RESTARTED);
    for (int i = 0; i < STREAMS; i++) {
        struct stream *s = stream_at(i);
        if (s->state == CONNECTED && s->app_open) {
            leave(connection_of(s));
            if (world_chance(50)) {
                stream_reset(s, world_chance(50));
            } else {
                stream_app_close(s);
            }
        }
    }
    if (world_chance(50)) {
        network_down(world_now() + world_between(0, 50 * MILLISECOND));
    }
    plan_restart();
}

static int64_t next_of(const struct stream *s)
{
    const struct connection *c = connection_of(s);

    if (s->state == CONNECTING) {
        return s->client_open ? s->connect_at : NEVER;
    }
    if (s->state != CONNECTED || !s->app_open) {
        return NEVER;
    }
    return c->turn_at < c->whim_at ? c->turn_at : c->whim_at;
}

int64_t application_next(void)
{
    int64_t next = app.restart_at;

    for (int i = 0; i < streams_top(); i++) {
        int64_t moment = next_of(stream_at(i));
        if (moment < next) {
            next = moment;
        }
    }
    return next;
}

static void step_of(struct stream *s)
{
    struct connection *c = connection_of(s);

    if (s->state == CONNECTING) {
        world_note("connected: stream, error", s->index, s->connect_error, 0);
        stream_connected(s);
    } else if (c->turn_at <= world_now()) {
        take_turn(s, c);
    } else {
        have_whim(s, c);
    }
}

void application_step(void)
{
    int due[STREAMS];
    int count = 0;

    for (int i = 0; i < streams_top(); i++) {
        if (next_of(stream_at(i)) <= world_now()) {
            due[count] = i;
            count += 1;
        }
    }
    if (app.restart_at <= world_now()) {
        restart();
    } else if (count > 0) {
        step_of(stream_at(due[world_below((uint64_t)count)]));
    }
}

void application_pass(int64_t until)
{
    int64_t next = application_next();

    world_require(next != NEVER || until != NEVER,
                  "whoever waits waits for something", 0, 0);
    if (next <= until) {
        world_reach(next);
        application_step();
    } else {
        world_reach(until);
    }
}

/*
 * What others ask.
 */

const struct answer *application_answer(const struct stream *s,
                                        const struct entry *entry)
{
    const struct connection *c = connection_of(s);

    return c->serial == s->serial && c->reader.entry == entry ? &c->answer
                                                              : NULL;
}

uint64_t application_answer_end(const struct stream *s,
                                const struct entry *entry)
{
    const struct connection *c = connection_of(s);

    return c->serial == s->serial && c->reader.entry == entry && c->answered
               ? c->answer_end
               : UINT64_MAX;
}

unsigned application_requests(const struct stream *s)
{
    const struct connection *c = connection_of(s);

    return c->serial == s->serial ? c->reader.requests : 0;
}
