/*
 * application - the adversary: see application.h.
 */
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "network.h"
#include "world.h"

#define RESTARTS_MAX 3

/* How far a request was read. */
enum phase { READY, IN_PARAMS, IN_BODY, IN_DATA, COMPLETE };

/* What is done instead of the rest of an answer. */
enum cut { NO_CUT, CUT_CLOSE, CUT_RESET, CUT_HALF, CUT_SILENT };

struct connection {
    uint64_t serial; /* of its stream */
    int64_t turn_at; /* NEVER: nothing to do */
    int64_t whim_at;

    struct wire in; /* records not read yet */
    size_t in_at;
    enum phase phase;
    int id;
    int flags;
    struct wire params;
    uint64_t body_got, data_got;
    struct entry *entry;
    unsigned requests;

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
    c->in = kept.in;
    c->params = kept.params;
    c->out = kept.out;
    c->answer = kept.answer;
    wire_clear(&c->in);
    wire_clear(&c->params);
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
    answer_compose(&c->answer, c->entry, c->id, s->serial, &app.answers);
    c->entry->runs += !c->answer.refused;
    if (c->entry->runs > 1) {
        world_saw(SIGHT_RAN_TWICE);
    }
    c->is_early = world_chance(app.early);
    c->is_deaf = c->is_early && world_chance(50);
    c->closes = (c->flags & 1) == 0 || world_chance(app.closes);
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
    c->answer.is_early = c->phase != COMPLETE;
    if (c->answer.is_early) {
        world_saw(SIGHT_EARLY_ANSWER);
    }
}

static void answer_if_due(struct stream *s, struct connection *c)
{
    if (c->entry != NULL && !c->answered &&
        (c->phase == COMPLETE || c->is_early)) {
        begin_answer(s, c);
    }
}

/*
 * Reading: what comes must be a request, and the one that was asked.
 */

static struct entry *look_up(struct connection *c)
{
    struct wire name = {0};
    struct wire value = {0};
    struct entry *entry = NULL;
    size_t at = 0;
    size_t first;

    while (wire_next_pair(c->params.data, c->params.len, &at, &name, &value)) {
        if (name.len == 5 && memcmp(name.data, "TOKEN", 5) == 0) {
            wire_append(&value, "", 1);
            entry = ledger_find(strtoull((char *)value.data, NULL, 16));
        }
        if (name.len == 4 && memcmp(name.data, "FILL", 4) == 0) {
            first = value.len;
            world_require(
                entry != NULL &&
                    ledger_matches(value.data,
                                   ledger_key(entry->token, FOR_PARAMS, 0), 0,
                                   first),
                "params arrive as they were given", (int64_t)first, 0);
        }
    }
    wire_free(&name);
    wire_free(&value);
    world_require(entry != NULL && at == c->params.len, "params arrive whole",
                  (int64_t)at, (int64_t)c->params.len);
    return entry;
}

static void read_begin(struct stream *s, struct connection *c,
                       const struct wire_frame *frame)
{
    world_require(c->phase == READY || c->phase == COMPLETE,
                  "a request is sent whole before the next", c->phase, 0);
    world_require(c->requests == 0 || (c->answered && c->answer_end <= s->got),
                  "a request waits for the end of the one before", s->index, 0);
    world_require(frame->len == 8 && frame->id != 0 && frame->id != c->id,
                  "each request has an id of its own", frame->id, c->id);
    c->phase = IN_PARAMS;
    c->id = frame->id;
    c->flags = frame->content[2];
    c->requests += 1;
    c->entry = NULL;
    c->answered = false;
    c->body_got = c->data_got = 0;
    wire_clear(&c->params);
}

static void read_params(struct stream *s, struct connection *c,
                        const struct wire_frame *frame)
{
    world_require(c->phase == IN_PARAMS, "params come first", c->phase, 0);
    wire_append(&c->params, frame->content, frame->len);
    if (frame->len > 0) {
        return;
    }
    c->entry = look_up(c);
    world_require(((c->flags & 1) != 0) == c->entry->keeps,
                  "a connection is kept as the client wants it", c->flags, 0);
    c->phase = c->entry->role == 2 ? COMPLETE : IN_BODY;
    plan_answer(s, c);
}

/* One record of STDIN or DATA; the empty one ends it. */
static void read_stream(struct connection *c, const struct wire_frame *frame,
                        enum purpose purpose, uint64_t *got, uint64_t wanted)
{
    uint64_t key = ledger_key(c->entry->token, purpose, 0);

    world_require(ledger_matches(frame->content, key, *got, frame->len),
                  "a body arrives as it was given", (int64_t)*got,
                  (int64_t)frame->len);
    *got += frame->len;
    world_require(frame->len > 0 || *got == wanted, "a body arrives whole",
                  (int64_t)*got, (int64_t)wanted);
}

static void read_body(struct connection *c, const struct wire_frame *frame)
{
    world_require(c->phase == IN_BODY, "a body comes once", c->phase, 0);
    read_stream(c, frame, FOR_BODY, &c->body_got, c->entry->body_len);
    if (frame->len == 0) {
        c->phase = c->entry->role == 3 ? IN_DATA : COMPLETE;
    }
    if (c->body_got > 65535) {
        world_saw(SIGHT_LARGE_UPLOAD);
    }
}

static void read_data(struct connection *c, const struct wire_frame *frame)
{
    world_require(c->phase == IN_DATA, "data come after the body", c->phase, 0);
    read_stream(c, frame, FOR_DATA, &c->data_got, c->entry->data_len);
    if (frame->len == 0) {
        c->phase = COMPLETE;
    }
}

/* Some answer, some do not know the question, some say nothing. */
static void read_get_values(struct connection *c)
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

static void read_frame(struct stream *s, struct connection *c,
                       const struct wire_frame *frame)
{
    world_require(frame->version == 1 && frame->reserved == 0,
                  "a header is valid", frame->version, frame->reserved);
    world_require(frame->type == WIRE_BEGIN || frame->id == 0 ||
                      frame->id == c->id,
                  "all of a request bears its id", frame->id, c->id);
    switch (frame->type) {
    case WIRE_BEGIN:
        read_begin(s, c, frame);
        break;
    case WIRE_PARAMS:
        read_params(s, c, frame);
        break;
    case WIRE_STDIN:
        read_body(c, frame);
        break;
    case WIRE_DATA:
        read_data(c, frame);
        break;
    case WIRE_ABORT:
        world_saw(SIGHT_ABORTED);
        break;
    case WIRE_GET_VALUES:
        read_get_values(c);
        break;
    default:
        world_require(false, "a record has a known type", frame->type, 0);
    }
}

static void read_frames(struct stream *s, struct connection *c)
{
    struct wire_frame frame;

    while (wire_next(c->in.data, c->in.len, &c->in_at, &frame)) {
        read_frame(s, c, &frame);
        answer_if_due(s, c);
    }
    if (c->in_at == c->in.len) {
        wire_clear(&c->in);
        c->in_at = 0;
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
    size_t n = is_reading(c) ? stream_take(s, &c->in, some_len()) : 0;

    if (n > 0) {
        world_note("application reads: stream, bytes", s->index, (int64_t)n, 0);
        read_frames(s, c);
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
    c->answered_id = c->id;
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

    return c->serial == s->serial && c->entry == entry ? &c->answer : NULL;
}

uint64_t application_answer_end(const struct stream *s,
                                const struct entry *entry)
{
    const struct connection *c = connection_of(s);

    return c->serial == s->serial && c->entry == entry && c->answered
               ? c->answer_end
               : UINT64_MAX;
}

unsigned application_requests(const struct stream *s)
{
    const struct connection *c = connection_of(s);

    return c->serial == s->serial ? c->requests : 0;
}
