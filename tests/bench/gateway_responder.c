/*
 * gateway_responder - the application behind all gateways of gateways.sh: it
 * does next to nothing, so that what is measured is the gateway.
 *
 *     gateway_responder /path/of/socket
 *
 * A request whose variables hold "/large" is answered with 1 MB, "/accepted"
 * with how many connections there were, any other with 100 bytes. Answers are
 * made beforehand; only the request's id is written into each of their records.
 * One thread serves all connections.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SMALL ((size_t)100)
#define LARGE ((size_t)1000000)

#define HEADER ((size_t)8)
#define RECORD_MAX ((size_t)32 * 1024)
#define RECORDS_MAX 64
#define EVENTS 64

enum { BEGIN = 1, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };

/* Connections, since the start. */
static size_t accepted;

struct answer {
    uint8_t *data;
    size_t len;
    size_t records[RECORDS_MAX]; /* where each begins */
    size_t count;
};

/*
 * Answers.
 */

static void put_record(struct answer *answer, uint8_t type, const void *content,
                       size_t len)
{
    uint8_t *at = answer->data + answer->len;
    size_t padding = (8 - len % 8) % 8;

    answer->records[answer->count++] = answer->len;
    memset(at, 0, HEADER);
    at[0] = 1;
    at[1] = type;
    at[4] = (uint8_t)(len >> 8);
    at[5] = (uint8_t)len;
    at[6] = (uint8_t)padding;
    memcpy(at + HEADER, content, len);
    memset(at + HEADER + len, 0, padding);
    answer->len += HEADER + len + padding;
}

/* The body is `body` bytes, and begins with a text. */
static void make_answer(struct answer *answer, const char *begin, size_t body)
{
    static const uint8_t end[8];
    size_t total = body + 100;
    char *text = malloc(total);
    size_t len;

    free(answer->data);
    *answer = (struct answer){.data = malloc(total + RECORDS_MAX * 16)};
    if (text == NULL || answer->data == NULL) {
        exit(EXIT_FAILURE);
    }
    len = (size_t)snprintf(text, total,
                           "Status: 200 OK\r\nContent-Type: text/plain\r\n"
                           "Content-Length: %zu\r\n\r\n",
                           body);
    memset(text + len, 'x', body);
    memcpy(text + len, begin, strlen(begin));
    len += body;
    for (size_t at = 0; at < len; at += RECORD_MAX) {
        size_t left = len - at;
        put_record(answer, STDOUT, text + at,
                   left < RECORD_MAX ? left : RECORD_MAX);
    }
    put_record(answer, STDOUT, "", 0);
    put_record(answer, END, end, sizeof(end));
    free(text);
}

/*
 * Connections.
 */

enum wanted { SMALL_ANSWER, LARGE_ANSWER, COUNT_ANSWER, ANSWERS };

struct connection {
    int fd;
    bool keep;
    enum wanted wanted;
    uint8_t id[2];
    struct answer answers[ANSWERS];
    const uint8_t *out; /* what is left to send */
    size_t out_len;
    size_t len; /* received */
    uint8_t in[128 * 1024];
};

/* False: the connection is over. */
static bool flush(struct connection *c)
{
    while (c->out_len > 0) {
        ssize_t sent = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
        if (sent < 0) {
            return errno == EAGAIN;
        }
        c->out += sent;
        c->out_len -= (size_t)sent;
    }
    return c->keep;
}

static void count_connections(struct answer *answer)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%zu\n", accepted);
    make_answer(answer, text, strlen(text));
}

static bool respond(struct connection *c)
{
    struct answer *answer = &c->answers[c->wanted];

    if (c->wanted == COUNT_ANSWER) {
        count_connections(answer);
    }
    for (size_t i = 0; i < answer->count; i++) {
        memcpy(answer->data + answer->records[i] + 2, c->id, 2);
    }
    c->out = answer->data;
    c->out_len = answer->len;
    return flush(c);
}

static bool holds(const uint8_t *data, size_t len, const char *text)
{
    size_t text_len = strlen(text);

    for (const uint8_t *at = data; len >= text_len;) {
        const uint8_t *found = memchr(at, text[0], len - text_len + 1);
        if (found == NULL) {
            return false;
        }
        if (memcmp(found, text, text_len) == 0) {
            return true;
        }
        len -= (size_t)(found + 1 - at);
        at = found + 1;
    }
    return false;
}

static void note_target(struct connection *c, const uint8_t *params, size_t len)
{
    if (holds(params, len, "/large")) {
        c->wanted = LARGE_ANSWER;
    } else if (holds(params, len, "/accepted")) {
        c->wanted = COUNT_ANSWER;
    }
}

/* Look at one record; false: the connection is over. */
static bool take_record(struct connection *c, const uint8_t *record, size_t len)
{
    switch (record[1]) {
    case BEGIN:
        memcpy(c->id, record + 2, 2);
        c->keep = (record[HEADER + 2] & 1) != 0;
        c->wanted = SMALL_ANSWER;
        return true;
    case PARAMS:
        note_target(c, record + HEADER, len);
        return true;
    case STDIN:
        return len > 0 ? true : respond(c);
    default:
        return true;
    }
}

/* Look at what has come; false: the connection is over. */
static bool take_records(struct connection *c)
{
    size_t at = 0;

    while (c->len - at >= HEADER) {
        const uint8_t *record = c->in + at;
        size_t len = (size_t)record[4] << 8 | record[5];
        if (c->len - at < HEADER + len + record[6]) {
            break;
        }
        if (!take_record(c, record, len)) {
            return false;
        }
        at += HEADER + len + record[6];
    }
    c->len -= at;
    memmove(c->in, c->in + at, c->len);
    return true;
}

static bool receive(struct connection *c)
{
    ssize_t got = recv(c->fd, c->in + c->len, sizeof(c->in) - c->len, 0);

    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    c->len += (size_t)got;
    return take_records(c);
}

static void begin(int epoll, int fd)
{
    struct connection *c = calloc(1, sizeof(*c));
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET};

    if (c == NULL) {
        exit(EXIT_FAILURE);
    }
    c->fd = fd;
    c->keep = true;
    accepted += 1;
    make_answer(&c->answers[SMALL_ANSWER], "", SMALL);
    make_answer(&c->answers[LARGE_ANSWER], "", LARGE);
    event.data.ptr = c;
    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void end(struct connection *c)
{
    (void)close(c->fd);
    for (int i = 0; i < ANSWERS; i++) {
        free(c->answers[i].data);
    }
    free(c);
}

static void serve(struct connection *c, uint32_t events)
{
    bool open = true;

    if (c->out_len > 0 && (events & EPOLLOUT) != 0) {
        open = flush(c);
    }
    if (open && (events & (EPOLLIN | EPOLLHUP)) != 0) {
        open = receive(c);
    }
    if (!open) {
        end(c);
    }
}

static void run(int epoll, int listener)
{
    struct epoll_event events[EVENTS];

    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr != NULL) {
                serve(events[i].data.ptr, events[i].events);
            } else {
                begin(epoll, accept4(listener, NULL, NULL, SOCK_NONBLOCK));
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct epoll_event event = {.events = EPOLLIN};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    int epoll = epoll_create1(0);

    if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
        return EXIT_FAILURE;
    }
    memcpy(address.sun_path, argv[1], strlen(argv[1]));
    if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) !=
            0 ||
        listen(listener, 1024) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    run(epoll, listener);
    return EXIT_SUCCESS;
}
