/*
 * sim_stream - a connection of the simulation: see sim_stream.h.
 */
#include <errno.h>
#include <string.h>

#include "application.h"
#include "ledger.h"
#include "sight.h"
#include "sim_stream.h"
#include "world.h"

static struct stream streams[STREAMS];
static uint64_t serials;
static uint64_t rests;
static unsigned shortness;
static int top;

void streams_begin(void)
{
    serials = rests = 0;
    shortness = world_chance(50) ? 10 : 70;
    top = 0;
    for (int i = 0; i < STREAMS; i++) {
        streams[i].lease.user = NOBODY;
    }
}

int streams_in_use(void)
{
    int count = 0;

    for (int i = 0; i < STREAMS; i++) {
        count += streams[i].state != UNUSED;
    }
    return count;
}

int streams_top(void)
{
    return top;
}

struct stream *stream_at(int index)
{
    return &streams[index];
}

/*
 * Beginning and ending.
 */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void hear(struct stream *s)
{
    s->read_edges += 1;
    s->write_edges += 1;
}

/* Sometimes next to nothing. */
static size_t some_room(void)
{
    size_t most = world_chance(10) ? 8 : world_grain() * 4;

    return 1 + (size_t)world_below(most);
}

static void wipe(struct stream *s)
{
    struct wire up = s->up.bytes;
    struct wire down = s->down.bytes;

    memset(s, 0, sizeof(*s));
    s->up.bytes = up;
    s->down.bytes = down;
    s->index = (int)(s - streams);
    s->lease.user = NOBODY;
}

struct stream *stream_open(int client, bool is_unix)
{
    struct stream *s = streams;

    while (s->state != UNUSED) {
        s += 1;
        world_require(s < streams + STREAMS, "sockets are not leaked", STREAMS,
                      0);
    }
    wipe(s);
    top = s->index < top ? top : s->index + 1;
    s->state = FRESH;
    s->serial = ++serials;
    s->client = client;
    s->is_unix = is_unix;
    s->client_open = true;
    queue_begin(&s->up, some_room());
    queue_begin(&s->down, some_room());
    return s;
}

static void release(struct stream *s)
{
    if (!s->client_open && !s->app_open) {
        s->state = UNUSED;
    }
}

void stream_connect(struct stream *s, int error, int64_t delay)
{
    s->state = CONNECTING;
    s->connect_error = error;
    s->connect_at = delay == NEVER ? NEVER : world_now() + delay;
    if (delay == 0) {
        stream_connected(s);
    }
}

void stream_connected(struct stream *s)
{
    hear(s);
    s->connected_at = world_now();
    if (s->connect_error != 0) {
        s->state = FAILED;
        return;
    }
    s->state = CONNECTED;
    s->app_open = true;
    application_accept(s);
}

int stream_connect_error(struct stream *s)
{
    int error = s->connect_error;

    s->connect_error = 0;
    return error;
}

void stream_serve(struct stream *s, int user)
{
    bool reused = s->sent > 0;

    if (s->lease.user == user) {
        return;
    }
    memset(&s->lease, 0, sizeof(s->lease));
    s->lease.user = user;
    s->lease.reused = reused;
}

static void judge_attempt(const struct stream *s, const struct entry *entry)
{
    world_require(entry->attempts == 1 ||
                      (entry->attempts == 2 && entry->was_reused &&
                       entry->was_dead && entry->got == 0),
                  "only a stale connection's request is sent again, once",
                  s->lease.user, (int64_t)entry->got);
    world_require(entry->attempts == 1 || entry->died_after <= STALE + GLANCE,
                  "a connection that ends late was not stale", s->lease.user,
                  entry->died_after);
    world_require(!s->lease.reused || !entry->wants_new,
                  "what must not run twice goes over a new connection",
                  s->lease.user, s->index);
    world_require(!s->lease.reused || s->was_peeked ||
                      (!s->suspect && !entry->must_check),
                  "a connection that may be dead is looked at first",
                  s->lease.user, s->suspect);
}

void stream_try(struct stream *s)
{
    struct entry *entry;

    if (s->lease.begun != 0 || s->lease.user == NOBODY) {
        return;
    }
    entry = ledger_at(s->lease.user);
    s->lease.begun = world_now();
    if (!s->lease.reused) {
        s->used_at = world_now();
    }
    entry->attempts += 1;
    judge_attempt(s, entry);
    entry->was_reused = s->lease.reused;
}

void stream_forgive(struct stream *s, int64_t us)
{
    s->lease.begun += s->lease.begun == 0 ? 0 : us;
    s->lease.accepted += s->lease.accepted == 0 ? 0 : us;
    s->lease.accepted_before += s->lease.accepted_before == 0 ? 0 : us;
    s->lease.received += s->lease.received == 0 ? 0 : us;
    s->lease.held_since += s->lease.held_since == 0 ? 0 : us;
    s->lease.held_before += s->lease.held_before == 0 ? 0 : us;
}

void stream_rest(struct stream *s)
{
    s->lease.user = NOBODY;
    s->idle_since = world_now();
    s->rested = ++rests;
    s->handed_on = s->suspect = s->was_peeked = false;
}

/*
 * The client's side.
 */

static bool is_broken(const struct stream *s)
{
    return s->client_shut || s->error != 0 ||
           (s->state == CONNECTED && !s->app_open);
}

bool stream_readable(const struct stream *s)
{
    return s->state == FAILED ||
           (s->state == CONNECTED &&
            (queue_len(&s->down) > 0 || s->app_ended || is_broken(s)));
}

bool stream_writable(const struct stream *s)
{
    return s->state == FAILED ||
           (s->state == CONNECTED && (queue_space(&s->up) > 0 || is_broken(s)));
}

bool stream_is_full(const struct stream *s)
{
    return queue_space(&s->up) == 0;
}

static long fail(struct stream *s, int error)
{
    s->lease.failed = true;
    return -error;
}

static long tell_error(struct stream *s)
{
    int error = s->error;

    s->error = 0;
    return fail(s, error);
}

static long count_sent(struct stream *s, size_t sent)
{
    s->sent += sent;
    s->lease.sent += sent;
    s->lease.accepted_before = s->lease.accepted;
    s->lease.accepted = world_now();
    return (long)sent;
}

static void hold(struct stream *s, bool is_held)
{
    s->lease.held_before = s->lease.held_since;
    if (!is_held) {
        s->lease.held_since = 0;
    } else if (s->lease.held_since == 0) {
        s->lease.held_since = world_now();
    }
}

static size_t total(const struct iovec *vector, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += vector[i].iov_len;
    }
    return sum;
}

/* A peer that is gone answers what is sent to it with a reset, which over TCP
 * takes its time. */
static long send_to_nobody(struct stream *s, const struct iovec *vector,
                           size_t count)
{
    if (!s->app_deaf || s->client_shut) {
        return fail(s, EPIPE);
    }
    s->app_deaf = false;
    s->error = ECONNRESET;
    hear(s);
    hold(s, false);
    for (size_t i = 0; i < count; i++) {
        framing_follow(&s->framing, vector[i].iov_base, vector[i].iov_len);
    }
    return count_sent(s, total(vector, count));
}

/* How much of what could be moved is moved at once. */
static size_t some_of(size_t most)
{
    return most > 1 && world_chance(shortness) ? 1 + (size_t)world_below(most)
                                               : most;
}

static size_t put_all(struct stream *s, const struct iovec *vector,
                      size_t count)
{
    size_t most = some_of(queue_space(&s->up));
    size_t sent = 0;

    for (size_t i = 0; i < count; i++) {
        size_t n = least(vector[i].iov_len, most - sent);
        n = queue_put(&s->up, vector[i].iov_base, n);
        framing_follow(&s->framing, vector[i].iov_base, n);
        sent += n;
    }
    return sent;
}

long stream_send(struct stream *s, const struct iovec *vector, size_t count)
{
    size_t sent;

    if (s->state != CONNECTED) {
        return -ENOTCONN;
    }
    if (s->error != 0) {
        return tell_error(s);
    }
    if (is_broken(s)) {
        return send_to_nobody(s, vector, count);
    }
    sent = put_all(s, vector, count);
    hold(s, sent < total(vector, count));
    if (sent == 0) {
        return -EAGAIN;
    }
    application_hears(s);
    return count_sent(s, sent);
}

/* What there is to receive besides bytes. */
static long receive_end(struct stream *s)
{
    if (s->error != 0) {
        return tell_error(s);
    }
    if (s->app_ended || is_broken(s)) {
        s->lease.ended = true;
        return 0;
    }
    return -EAGAIN;
}

/* The id stands in the first four bytes; -1: they have not been sent yet. */
static int id_of_request(const struct stream *s)
{
    return s->lease.sent < 4 ? -1 : framing_id(&s->framing);
}

/* What was received; records that bring the request nothing do not count. */
static void note_answer(struct stream *s, const void *data, size_t len)
{
    uint64_t before = s->answers.brought;

    s->answers.request_id = id_of_request(s);
    framing_follow(&s->answers, data, len);
    if (s->answers.brought > before) {
        s->lease.brought += s->answers.brought - before;
        s->lease.received = world_now();
    }
}

long stream_receive(struct stream *s, const struct iovec *vector, size_t count)
{
    size_t most = some_of(least(total(vector, count), queue_len(&s->down)));
    size_t got = 0;

    if (s->state != CONNECTED) {
        return -ENOTCONN;
    }
    if (most == 0) {
        s->receives = 0;
        return receive_end(s);
    }
    s->receives += 1;
    for (size_t i = 0; i < count; i++) {
        size_t n = queue_take(&s->down, vector[i].iov_base,
                              least(vector[i].iov_len, most - got));
        note_answer(s, vector[i].iov_base, n);
        got += n;
    }
    s->got += got;
    s->lease.got += got;
    if (s->lease.user != NOBODY) {
        ledger_at(s->lease.user)->got += got;
    }
    application_hears(s);
    return (long)got;
}

long stream_peek(struct stream *s)
{
    s->was_peeked = true;
    if (s->suspect) {
        sight_saw(SIGHT_SUSPECTED);
    }
    return queue_len(&s->down) > 0 ? 1 : receive_end(s);
}

void stream_client_shut(struct stream *s)
{
    if (s->lease.user != NOBODY && s->lease.begun != 0) {
        struct entry *entry = ledger_at(s->lease.user);
        entry->was_dead = s->app_ended || is_broken(s);
        entry->died_after =
            world_now() -
            (s->lease.accepted == 0 ? s->lease.begun : s->lease.accepted);
    }
    s->client_shut = true;
    s->given_up = true;
    hear(s);
    if (s->app_open) {
        application_hears(s);
    }
}

void stream_client_close(struct stream *s)
{
    s->client_open = false;
    s->client_shut = true;
    if (s->app_open) {
        application_hears(s);
    }
    release(s);
}

/*
 * The application's side.
 */

size_t stream_take(struct stream *s, struct wire *to, size_t most)
{
    size_t n = least(most, queue_len(&s->up));

    if (n > 0) {
        wire_append(to, s->up.bytes.data + s->up.at, n);
        queue_drop(&s->up, n);
        s->write_edges += 1;
    }
    return n;
}

size_t stream_give(struct stream *s, const void *data, size_t len)
{
    size_t n = s->client_shut ? len : queue_put(&s->down, data, len);

    if (n > 0) {
        s->read_edges += 1;
    }
    return n;
}

bool stream_client_gone(const struct stream *s)
{
    return s->client_shut && queue_len(&s->up) == 0;
}

void stream_end(struct stream *s)
{
    s->app_ended = true;
    s->read_edges += 1;
}

/* What was not read turns a close into a reset. */
void stream_app_close(struct stream *s)
{
    if (queue_len(&s->up) > 0) {
        stream_reset(s, !s->is_unix && world_chance(50));
        return;
    }
    s->app_open = false;
    s->app_ended = true;
    s->app_deaf = !s->is_unix && world_chance(50);
    hear(s);
    release(s);
}

void stream_reset(struct stream *s, bool swallow)
{
    if (swallow) {
        queue_begin(&s->down, s->down.room);
    }
    queue_begin(&s->up, s->up.room);
    s->error = ECONNRESET;
    s->app_ended = true;
    s->app_open = false;
    hear(s);
    release(s);
}
