/*
 * application - the adversary: see application.h.
 */
#include "application.h"
#include "network.h"
#include "session.h"
#include "sight.h"
#include "world.h"

#define RESTARTS_MAX 3
#define WORKERS_MAX 3

static struct {
    struct session sessions[STREAMS]; /* each at its stream's index */
    struct habits habits;
    uint64_t arrivals;
    int workers; /* 0: as many as there are connections */
    int restarts;
    int64_t restart_at;
} app;

static unsigned some_percent(void)
{
    static const unsigned percents[] = {0, 0, 3, 25};

    return percents[world_below(4)];
}

static void plan_restart(void)
{
    app.restart_at = NEVER;
    if (app.restarts > 0) {
        app.restarts -= 1;
        app.restart_at = world_now() + world_between(0, 500 * MILLISECOND);
    }
}

void application_begin(bool closes)
{
    struct habits *habits = &app.habits;

    for (int i = 0; i < STREAMS; i++) {
        session_leave(&app.sessions[i]);
    }
    habits->answers.flawed = some_percent();
    habits->answers.foreign = some_percent();
    habits->slow = some_percent();
    habits->early = some_percent();
    habits->cut = some_percent();
    habits->late = some_percent();
    habits->stale = some_percent();
    habits->closes = closes ? 100 : some_percent();
    habits->dies = world_chance(20) ? 30 : 0;
    app.arrivals = 0;
    app.workers = world_chance(15) ? (int)world_between(1, WORKERS_MAX) : 0;
    /* A restart would be the end of all that may die late. */
    app.restarts = habits->dies > 0 ? 0 : (int)world_below(RESTARTS_MAX + 1);
    plan_restart();
}

static struct session *session_of(const struct stream *s)
{
    return &app.sessions[s->index];
}

/*
 * Its workers. One serves a connection until that is closed, idle or not; those
 * that find no worker free wait for one in the order in which they came.
 */

static bool is_connected(const struct stream *s)
{
    return s->state == CONNECTED && s->app_open;
}

static bool is_served(const struct stream *s)
{
    return is_connected(s) && session_of(s)->has_worker;
}

static bool waits_for_worker(const struct stream *s)
{
    return is_connected(s) && !session_of(s)->has_worker;
}

static int count_busy(void)
{
    int busy = 0;

    for (int i = 0; i < streams_top(); i++) {
        busy += is_served(stream_at(i));
    }
    return busy;
}

/* NULL: none waits. */
static struct session *first_waiting(void)
{
    struct session *first = NULL;

    for (int i = 0; i < streams_top(); i++) {
        struct session *n = session_of(stream_at(i));
        if (waits_for_worker(stream_at(i)) &&
            (first == NULL || n->arrived < first->arrived)) {
            first = n;
        }
    }
    return first;
}

static bool has_free_worker(void)
{
    return app.workers == 0 || count_busy() < app.workers;
}

/* Something may have been closed. */
static void assign_workers(void)
{
    struct session *first = first_waiting();

    while (first != NULL && has_free_worker()) {
        session_serve(first);
        first = first_waiting();
    }
}

/*
 * What it hears.
 */

void application_accept(struct stream *s)
{
    struct session *n = session_of(s);

    session_begin(n, s->serial, &app.habits);
    n->arrived = ++app.arrivals;
    if (has_free_worker()) {
        session_serve(n);
    }
}

void application_hears(struct stream *s)
{
    if (s->app_open) {
        session_wake(session_of(s));
    }
}

/*
 * Steps.
 */

static void restart(void)
{
    world_note("application restarts", 0, 0, 0);
    sight_saw(SIGHT_RESTARTED);
    for (int i = 0; i < STREAMS; i++) {
        struct stream *s = stream_at(i);
        if (is_connected(s)) {
            session_leave(session_of(s));
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
    if (s->state == CONNECTING) {
        return s->client_open ? s->connect_at : NEVER;
    }
    return is_connected(s) ? session_next(session_of(s)) : NEVER;
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
    if (s->state == CONNECTING) {
        world_note("connected: stream, error", s->index, s->connect_error, 0);
        stream_connected(s);
    } else {
        session_step(session_of(s), s);
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
    if (app.workers > 0) {
        assign_workers();
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

/* NULL: it has not read that request. */
static const struct session *session_with(const struct stream *s,
                                          const struct entry *entry)
{
    const struct session *n = session_of(s);

    return n->serial == s->serial && n->reader.entry == entry ? n : NULL;
}

const struct answer *application_answer(const struct stream *s,
                                        const struct entry *entry)
{
    const struct session *n = session_with(s, entry);

    return n == NULL ? NULL : &n->answer;
}

uint64_t application_answer_end(const struct stream *s,
                                const struct entry *entry)
{
    const struct session *n = session_with(s, entry);

    return n != NULL && n->answered ? n->answer_end : UINT64_MAX;
}

bool application_is_waited_for(const struct stream *s)
{
    for (int i = 0; is_served(s) && i < streams_top(); i++) {
        if (waits_for_worker(stream_at(i)) &&
            stream_at(i)->client == s->client) {
            return true;
        }
    }
    return false;
}

unsigned application_requests(const struct stream *s)
{
    const struct session *n = session_of(s);

    return n->serial == s->serial ? n->reader.requests : 0;
}
