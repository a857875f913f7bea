/*
 * responder - the application that is asked: see responder.h.
 *
 *     [STDOUT: head, body ...][STDOUT ...] ... [STDOUT, empty][END_REQUEST]
 *
 * A request has ended with its empty FCGI_STDIN; nothing else of it is looked
 * at but the headers of its records.
 */
#define _GNU_SOURCE

#include "responder.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fcgi_client/record.h>

#include "harness.h"

#define LISTENER 0
#define THREADS 64
#define EVENTS 256
#define ROOM (256 * 1024)
#define RECORD_MOST 65528
#define HEAD_LEN (sizeof(RESPONDER_HEAD) - 1)

/* ---- The answer --------------------------------------------------------- */

struct answer {
    char *bytes;
    size_t len;
};

static size_t record_len(size_t content)
{
    return FCGI_RECORD_HEADER_LEN + content + fcgi_padding_for(content);
}

size_t responder_answer_len(size_t body_len)
{
    size_t content = HEAD_LEN + body_len;
    size_t rest = content % RECORD_MOST;

    return content / RECORD_MOST * record_len(RECORD_MOST) +
           (rest == 0 ? 0 : record_len(rest)) + record_len(0) + record_len(8);
}

static void add_record(struct answer *answer, uint8_t type, size_t content)
{
    struct fcgi_header header = {
        .version = FCGI_PROTOCOL_VERSION,
        .type = type,
        .content_length = (uint16_t)content,
        .padding_length = fcgi_padding_for(content),
    };

    fcgi_header_encode((uint8_t *)answer->bytes + answer->len, &header);
    answer->len += record_len(content);
}

static struct answer make_answer(size_t body_len)
{
    size_t content = HEAD_LEN + body_len;
    struct answer answer = {.bytes =
                                bench_memory(responder_answer_len(body_len))};

    while (content > 0) {
        size_t len = content < RECORD_MOST ? content : RECORD_MOST;
        add_record(&answer, FCGI_TYPE_STDOUT, len);
        content -= len;
    }
    memcpy(answer.bytes + FCGI_RECORD_HEADER_LEN, RESPONDER_HEAD, HEAD_LEN);
    add_record(&answer, FCGI_TYPE_STDOUT, 0);
    add_record(&answer, FCGI_TYPE_END_REQUEST, 8);
    memset(answer.bytes + answer.len - 8, 0, 8);
    return answer;
}

/* Put the id into every record. */
static void stamp(struct answer *answer, uint16_t id)
{
    struct fcgi_header header;

    for (size_t at = 0; at < answer->len;) {
        uint8_t *bytes = (uint8_t *)answer->bytes + at;
        (void)fcgi_header_decode(&header, bytes);
        bytes[2] = (uint8_t)(id >> 8);
        bytes[3] = (uint8_t)id;
        at += record_len(header.content_length);
    }
}

static bool send_answer(int fd, const struct answer *answer)
{
    size_t sent = 0;

    while (sent < answer->len) {
        ssize_t n =
            send(fd, answer->bytes + sent, answer->len - sent, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        sent += (size_t)n;
    }
    return true;
}

/* ---- The request -------------------------------------------------------- */

/* Where the bytes received so far have come to. */
struct session {
    uint8_t header[FCGI_RECORD_HEADER_LEN];
    size_t header_len;
    size_t skip; /* what is left of content and padding */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Returns the id of a request that has ended with these bytes, or 0. */
static uint16_t take(struct session *session, const char *bytes, size_t len)
{
    struct fcgi_header header;

    while (len > 0) {
        size_t n = smaller(len, session->skip);
        session->skip -= n;
        bytes += n;
        len -= n;
        n = smaller(len, sizeof(session->header) - session->header_len);
        memcpy(session->header + session->header_len, bytes, n);
        session->header_len += n;
        bytes += n;
        len -= n;
        if (session->header_len < sizeof(session->header)) {
            continue;
        }
        session->header_len = 0;
        (void)fcgi_header_decode(&header, session->header);
        session->skip =
            (size_t)header.content_length + (size_t)header.padding_length;
        if (header.type == FCGI_TYPE_STDIN && header.content_length == 0) {
            return header.request_id;
        }
    }
    return 0;
}

/* Receive once, and answer if a request has ended. */
static bool serve_once(int fd, struct session *session, char *room,
                       struct answer *answer)
{
    ssize_t n = recv(fd, room, ROOM, 0);
    if (n <= 0) {
        return false;
    }
    uint16_t id = take(session, room, (size_t)n);
    if (id == 0) {
        return true;
    }
    stamp(answer, id);
    return send_answer(fd, answer);
}

/* -1: there is none. */
static int accept_one(void)
{
    int on = 1;
    int fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0) { /* fails on a Unix socket, which has nothing to delay */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    return fd;
}

/* ---- A thread for each connection --------------------------------------- */

static void *serve_connections(void *body_len)
{
    struct answer answer = make_answer(*(size_t *)body_len);
    char *room = bench_memory(ROOM);

    for (int fd = accept_one(); fd >= 0; fd = accept_one()) {
        struct session session = {.skip = 0};
        while (serve_once(fd, &session, room, &answer)) {
        }
        close(fd);
    }
    return NULL;
}

static void run_threads(size_t body_len)
{
    /* Each has an answer of its own to stamp: few where that is large. */
    size_t count = body_len > ROOM ? 2 : THREADS;
    pthread_t thread;

    for (size_t i = 1; i < count; i++) {
        bench_check(
            pthread_create(&thread, NULL, serve_connections, &body_len) == 0,
            "no thread");
    }
    (void)serve_connections(&body_len);
}

/* ---- One thread for all ------------------------------------------------- */

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    bench_check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll");
}

static void run_events(size_t body_len)
{
    struct answer answer = make_answer(body_len);
    struct session *sessions = calloc(1 << 20, sizeof(*sessions));
    struct epoll_event events[EVENTS];
    char *room = bench_memory(ROOM);
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    raise_descriptor_limit();
    watch(epoll, LISTENER);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == LISTENER) {
                fd = accept_one();
                sessions[fd] = (struct session){.skip = 0};
                watch(epoll, fd);
            } else if (!serve_once(fd, &sessions[fd], room, &answer)) {
                close(fd);
            }
        }
    }
}

void responder_listen(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    bench_check(strlen(path) < sizeof(name.sun_path), "the name is too long");
    strcpy(name.sun_path, path);
    bench_check(
        fd >= 0 && dup2(fd, LISTENER) == LISTENER &&
            bind(LISTENER, (const struct sockaddr *)&name, sizeof(name)) == 0 &&
            listen(LISTENER, SOMAXCONN) == 0,
        "nothing can listen there");
}

int responder_run(enum responder_kind kind, size_t body_len)
{
    if (kind == RESPONDER_EVENTS) {
        run_events(body_len);
    } else {
        run_threads(body_len);
    }
    return 0;
}
