/*
 * fake_script - performs the steps of one connection of the fake application:
 * reads records, sends bytes, closes. See fake.h for what each step does.
 */
#define _POSIX_C_SOURCE 200809L

#include "fake_private.h"

#include "must.h"
#include "pattern.h"
#include "process.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEP_CONN 1
#define RESPONDER 1
#define AUTHORIZER 2
#define FILTER 3

static void leave(struct fake_connection *connection)
{
    bool known = atomic_exchange(&connection->gone, true);
    if (!known && !fake_dropped(connection)) {
        fake_happened(connection->fake, FAKE_LEFT);
    }
}

static bool receive(struct fake_connection *connection, void *buf, size_t len)
{
    size_t at = 0;
    while (at < len) {
        ssize_t got =
            recv(connection->fd, (char *)buf + at, len - at, MSG_WAITALL);
        if (got <= 0) {
            leave(connection);
            return false;
        }
        at += (size_t)got;
    }
    return true;
}

static bool transmit(struct fake_connection *connection, const void *data,
                     size_t len)
{
    size_t at = 0;
    if (connection->corked) {
        wire_append(&connection->gathered, data, len);
        return true;
    }
    while (at < len) {
        ssize_t sent = send(connection->fd, (const char *)data + at, len - at,
                            MSG_NOSIGNAL);
        if (sent < 0) {
            leave(connection);
            return false;
        }
        at += (size_t)sent;
    }
    return true;
}

static bool transmit_each(struct fake_connection *connection, const void *data,
                          size_t len)
{
    int on = 1;
    /* Without it TCP would gather the bytes. A Unix socket has no such option.
     */
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    for (size_t i = 0; i < len; i++) {
        if (!transmit(connection, (const char *)data + i, 1)) {
            return false;
        }
    }
    return true;
}

static bool transmit_slowly(struct fake_connection *connection,
                            const struct fake_step *step)
{
    bool sent = true;
    for (size_t i = 0; i < step->len && sent; i++) {
        pass_ms(step->number);
        sent = transmit(connection, step->data + i, 1);
    }
    return sent;
}

static bool repeat(struct fake_connection *connection,
                   const struct fake_step *step)
{
    while (transmit(connection, step->data, step->len)) {
        pass_ms(step->number);
    }
    return false;
}

/* Send what was built, and free it. */
static bool flush(struct fake_connection *connection, struct wire *w)
{
    bool sent = transmit(connection, w->data, w->len);
    wire_free(w);
    return sent;
}

static bool cork(struct fake_connection *connection)
{
    connection->corked = true;
    return true;
}

static bool uncork(struct fake_connection *connection)
{
    connection->corked = false;
    return flush(connection, &connection->gathered);
}

static bool drop_bytes(struct fake_connection *connection, size_t len)
{
    char buf[4096];
    while (len > 0) {
        size_t part = len < sizeof(buf) ? len : sizeof(buf);
        if (!receive(connection, buf, part)) {
            return false;
        }
        len -= part;
    }
    return true;
}

/* Add one record to the request it belongs to. */
static void enter(struct fake_connection *connection, const uint8_t *record,
                  size_t len)
{
    int type = record[1];
    if (type == WIRE_BEGIN) {
        connection->request = fake_enter_request(connection);
    }
    if (connection->request != NULL) {
        (void)wire_request_read(&connection->request->wire, record, len);
    }
    if (type == WIRE_BEGIN) {
        fake_happened(connection->fake, FAKE_BEGUN);
    } else if (type == WIRE_ABORT) {
        fake_happened(connection->fake, FAKE_ABORTED);
    }
}

static bool read_record(struct fake_connection *connection)
{
    uint8_t record[8 + 65535 + 255];
    if (!receive(connection, record, 8)) {
        return false;
    }
    size_t len = ((size_t)record[4] << 8 | record[5]) + record[6];
    if (!receive(connection, record + 8, len)) {
        return false;
    }
    enter(connection, record, 8 + len);
    return true;
}

static bool whole(const struct wire_request *request)
{
    switch (request->role) {
    case AUTHORIZER:
        return request->params_ends > 0;
    case FILTER:
        return request->data_ends > 0;
    case RESPONDER:
    default:
        return request->body_ends > 0;
    }
}

static bool read_params(struct fake_connection *connection)
{
    connection->request = NULL;
    do {
        if (!read_record(connection)) {
            return false;
        }
    } while (connection->request == NULL ||
             connection->request->wire.params_ends == 0);
    return true;
}

/* The rest of a request whose params were read, or a new one. */
static bool read_request(struct fake_connection *connection)
{
    if (connection->request != NULL && whole(&connection->request->wire)) {
        connection->request = NULL;
    }
    do {
        if (!read_record(connection)) {
            return false;
        }
    } while (connection->request == NULL || !whole(&connection->request->wire));
    fake_happened(connection->fake, FAKE_ASKED);
    return true;
}

static int current_id(const struct fake_connection *connection)
{
    return connection->request == NULL ? 1 : connection->request->wire.id;
}

/* That of an earlier request, if there is one. */
static int other_id(const struct fake_connection *connection)
{
    int id = current_id(connection);

    return id == 1 ? 2 : id - 1;
}

static bool send_record(struct fake_connection *connection,
                        const struct fake_step *step, int id)
{
    struct wire w = {0};
    wire_padded(&w, step->number, id, step->data, step->len);
    return flush(connection, &w);
}

static bool send_promise(struct fake_connection *connection,
                         const struct fake_step *step)
{
    static const uint8_t nothing[65535];
    struct wire w = {0};
    wire_record(&w, step->number, current_id(connection), nothing, step->len,
                0);
    bool sent = transmit(connection, w.data, 8);
    wire_free(&w);
    return sent;
}

static bool send_bulk(struct fake_connection *connection,
                      const struct fake_step *step)
{
    struct wire w = {0};
    void *bytes = pattern_make(step->len);
    wire_stream(&w, step->number, current_id(connection), bytes, step->len);
    free(bytes);
    return flush(connection, &w);
}

/* So many small records that the client, which looks at each, cannot keep
 * up. */
#define FLOOD_RECORDS 50000

static struct wire make_flood(const struct fake_connection *connection)
{
    struct wire w = {0};
    for (int i = 0; i < FLOOD_RECORDS; i++) {
        wire_stderr(&w, current_id(connection), "!");
    }
    return w;
}

static bool send_flood(struct fake_connection *connection)
{
    struct wire w = make_flood(connection);
    while (transmit(connection, w.data, w.len)) {
    }
    wire_free(&w);
    return false;
}

/* The half of a duplex step that reads. */
struct reading {
    struct fake_connection *connection;
    atomic_bool over;
    bool whole;
};

static void *read_beside(void *argument)
{
    struct reading *reading = argument;
    reading->whole = read_request(reading->connection);
    atomic_store(&reading->over, true);
    return NULL;
}

static bool duplex(struct fake_connection *connection)
{
    pthread_t thread;
    struct reading reading = {.connection = connection};
    struct wire w = make_flood(connection);
    if (pthread_create(&thread, NULL, read_beside, &reading) != 0) {
        must_die("tests: pthread_create");
    }
    while (!atomic_load(&reading.over)) {
        (void)transmit(connection, w.data, w.len);
    }
    (void)pthread_join(thread, NULL);
    wire_free(&w);
    return reading.whole;
}

/* Where the padding's length stands in a header. */
#define PADDING_AT 6

static bool send_end(struct fake_connection *connection,
                     const struct fake_step *step)
{
    struct wire w = {0};
    wire_end(&w, current_id(connection), 0, step->number);
    w.data[PADDING_AT] = (uint8_t)step->len;
    return flush(connection, &w);
}

static void build_answer(struct fake_connection *connection, struct wire *w,
                         const void *text, size_t len)
{
    int id = current_id(connection);
    wire_stream(w, WIRE_STDOUT, id, text, len);
    wire_stdout(w, id, "");
    wire_end(w, id, 0, WIRE_COMPLETE);
}

/* Counted before it is sent, so that a test that has the answer sees the
 * count. */
static bool send_answer(struct fake_connection *connection, const void *text,
                        size_t len, bool each)
{
    struct wire w = {0};
    build_answer(connection, &w, text, len);
    fake_happened(connection->fake, FAKE_ANSWERED);
    bool sent = each ? transmit_each(connection, w.data, w.len)
                     : transmit(connection, w.data, w.len);
    wire_free(&w);
    return sent;
}

static bool send_echo(struct fake_connection *connection)
{
    static const char head[] = "Status: 200\r\n\r\n";
    const struct wire *body = &connection->request->wire.body;
    struct wire w = {0};
    wire_append(&w, head, sizeof(head) - 1);
    if (body->len > 0) {
        wire_append(&w, body->data, body->len);
    } else {
        wire_append(&w, "hello", 5);
    }
    bool sent = send_answer(connection, w.data, w.len, false);
    wire_free(&w);
    return sent;
}

static bool finish(struct fake_connection *connection)
{
    (void)close(fake_take_fd(connection));
    fake_happened(connection->fake, FAKE_CLOSED);
    return false;
}

static bool serve(struct fake_connection *connection, int times)
{
    for (int i = 0; i != times; i++) {
        if (!read_request(connection) || !send_echo(connection)) {
            return false;
        }
        if ((connection->request->wire.flags & KEEP_CONN) == 0) {
            return finish(connection);
        }
    }
    return true;
}

static bool reset(struct fake_connection *connection)
{
    struct linger at_once = {1, 0};
    (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once,
                     sizeof(at_once));
    return finish(connection);
}

static bool half_close(struct fake_connection *connection)
{
    (void)shutdown(connection->fd, SHUT_WR);
    return true;
}

static bool reach(struct fake_connection *connection)
{
    fake_happened(connection->fake, FAKE_REACHED);
    return true;
}

/* Perform one step; false: the connection has ended. */
static bool perform(struct fake_connection *connection,
                    const struct fake_step *step)
{
    switch (step->action) {
    case FAKE_DO_READ:
        return drop_bytes(connection, step->len);
    case FAKE_DO_READ_PARAMS:
        return read_params(connection);
    case FAKE_DO_READ_REQUEST:
        return read_request(connection);
    case FAKE_DO_SEND:
        return transmit(connection, step->data, step->len);
    case FAKE_DO_SEND_EACH:
        return transmit_each(connection, step->data, step->len);
    case FAKE_DO_SEND_SLOWLY:
        return transmit_slowly(connection, step);
    case FAKE_DO_REPEAT:
        return repeat(connection, step);
    case FAKE_DO_RECORD:
        return send_record(connection, step, current_id(connection));
    case FAKE_DO_STRANGER:
        return send_record(connection, step, other_id(connection));
    case FAKE_DO_PROMISE:
        return send_promise(connection, step);
    case FAKE_DO_BODY:
        return send_bulk(connection, step);
    case FAKE_DO_FLOOD:
        return send_flood(connection);
    case FAKE_DO_DUPLEX:
        return duplex(connection);
    case FAKE_DO_END:
        return send_end(connection, step);
    case FAKE_DO_ANSWER:
        return send_answer(connection, step->data, step->len, false);
    case FAKE_DO_ANSWER_EACH:
        return send_answer(connection, step->data, step->len, true);
    case FAKE_DO_SERVE:
        return serve(connection, step->number);
    case FAKE_DO_CORK:
        return cork(connection);
    case FAKE_DO_UNCORK:
        return uncork(connection);
    case FAKE_DO_PAUSE:
        return fake_pause(connection);
    case FAKE_DO_REACH:
        return reach(connection);
    case FAKE_DO_HALF_CLOSE:
        return half_close(connection);
    case FAKE_DO_CLOSE:
        return finish(connection);
    case FAKE_DO_RESET:
        return reset(connection);
    case FAKE_DO_ACCEPT:
    default:
        return false;
    }
}

/* Read on until the client closes the connection, and note its requests. */
static void drain(struct fake_connection *connection)
{
    bool open = true;
    while (open) {
        open = read_record(connection);
    }
}

void fake_perform(struct fake_connection *connection)
{
    bool open = true;
    for (size_t i = 0; i < connection->step_count && open; i++) {
        open = perform(connection, &connection->steps[i]);
    }
    if (open) {
        drain(connection);
    }
    wire_free(&connection->gathered);
    int fd = fake_take_fd(connection);
    if (fd >= 0) {
        (void)close(fd);
    }
}
