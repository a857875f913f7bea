/*
 * web - an HTTP client for tests: see web.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "web.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "must.h"
#include "wire.h"

#define PATIENCE_S 60

struct web {
    int fd;
    struct wire in; /* received */
    size_t at;      /* read of it */
};

static struct addrinfo *resolve(const char *address)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    const char *colon = strrchr(address, ':');
    struct addrinfo *found = NULL;
    char host[64];
    if (colon == NULL || (size_t)(colon - address) >= sizeof(host)) {
        must_die("tests: web: address");
    }
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        must_die("tests: web: address");
    }
    return found;
}

struct web *web_open(const char *address)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct addrinfo *found = resolve(address);
    struct web *web = must_allocate(sizeof(*web));
    int on = 1;
    web->fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (web->fd < 0 ||
        connect(web->fd, found->ai_addr, found->ai_addrlen) != 0) {
        must_die("tests: web: connect");
    }
    (void)setsockopt(web->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(web->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
                     sizeof(patience));
    (void)setsockopt(web->fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
                     sizeof(patience));
    freeaddrinfo(found);
    return web;
}

void web_close(struct web *web)
{
    if (web != NULL) {
        (void)close(web->fd);
        wire_free(&web->in);
        free(web);
    }
}

void web_reset(struct web *web)
{
    const struct linger at_once = {1, 0};
    (void)setsockopt(web->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    web_close(web);
}

int web_fd(const struct web *web)
{
    return web->fd;
}

bool web_send_bytes(struct web *web, const void *data, size_t len)
{
    size_t at = 0;
    while (at < len) {
        ssize_t sent =
            send(web->fd, (const char *)data + at, len - at, MSG_NOSIGNAL);
        if (sent < 0) {
            return false;
        }
        at += (size_t)sent;
    }
    return true;
}

bool web_send(struct web *web, const char *text)
{
    return web_send_bytes(web, text, strlen(text));
}

bool web_sendf(struct web *web, const char *format, ...)
{
    char text[4000];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= sizeof(text)) {
        must_die("tests: web: too long");
    }
    return web_send(web, text);
}

/* Many servers would refuse one field of the whole length. */
#define FIELD_MAX ((size_t)8000)
#define FIELD_MIN (sizeof("X:\r\n") - 1)

char *web_head(const char *lines, size_t len)
{
    size_t at = strlen(lines);
    char *head = malloc(len + 1);
    if (head == NULL || len < at + FIELD_MIN + 2) {
        must_die("tests: web: head");
    }
    memcpy(head, lines, at);
    memset(head + at, 'x', len - at);
    while (at < len - 2) {
        size_t left = len - 2 - at;
        size_t field = left <= FIELD_MAX ? left : FIELD_MAX - FIELD_MIN;
        memcpy(head + at, "X:", 2);
        at += field;
        memcpy(head + at - 2, "\r\n", 2);
    }
    memcpy(head + at, "\r\n", sizeof("\r\n"));
    return head;
}

bool web_hears(const struct web *web, int limit_ms)
{
    struct pollfd event = {.fd = web->fd, .events = POLLIN};
    return web->in.len > web->at || poll(&event, 1, limit_ms) > 0;
}

/* Receive more; false: there is no more. */
static bool receive(struct web *web)
{
    char bytes[65536];
    ssize_t got = recv(web->fd, bytes, sizeof(bytes), 0);
    if (got > 0) {
        wire_append(&web->in, bytes, (size_t)got);
    }
    return got > 0;
}

/* Take exactly that many bytes, and append them to `out`. */
static bool take(struct web *web, struct wire *out, size_t len)
{
    while (web->in.len - web->at < len) {
        if (!receive(web)) {
            len = web->in.len - web->at;
            wire_append(out, web->in.data + web->at, len);
            web->at += len;
            return false;
        }
    }
    wire_append(out, web->in.data + web->at, len);
    web->at += len;
    if (web->at == web->in.len) {
        wire_clear(&web->in);
        web->at = 0;
    }
    return true;
}

/* Take a line with its end, and append it to `out`. */
static bool take_line(struct web *web, struct wire *out)
{
    const uint8_t *end = NULL;
    while (end == NULL) {
        size_t left = web->in.len - web->at;
        end = left == 0 ? NULL : memchr(web->in.data + web->at, '\n', left);
        if (end == NULL && !receive(web)) {
            return false;
        }
    }
    return take(web, out, (size_t)(end - web->in.data) + 1 - web->at);
}

static bool take_chunk(struct web *web, struct wire *body, bool *last)
{
    struct wire line = {0};
    bool good = take_line(web, &line);
    wire_append(&line, "", 1);
    size_t len = strtoul((const char *)line.data, NULL, 16);
    wire_clear(&line);
    *last = len == 0;
    good =
        good && take(web, body, len) && take_line(web, &line) && line.len == 2;
    wire_free(&line);
    return good;
}

static bool take_chunked(struct web *web, struct wire *body)
{
    bool last = false;
    while (!last) {
        if (!take_chunk(web, body, &last)) {
            return false;
        }
    }
    return true;
}

/* The value of a field; NULL: there is none, or there are several. */
static const char *value_of(const struct web_answer *answer, const char *begin)
{
    const char *line = answer->head;
    while (line != NULL && strncasecmp(line, begin, strlen(begin)) != 0) {
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return line == NULL ? NULL : line + strlen(begin);
}

static bool take_body(struct web *web, const struct web_answer *answer,
                      struct wire *body)
{
    const char *length = value_of(answer, "Content-Length: ");
    if (web_has_line(answer, "Transfer-Encoding: chunked")) {
        return take_chunked(web, body);
    }
    if (length != NULL) {
        return take(web, body, strtoul(length, NULL, 10));
    }
    (void)take(web, body, SIZE_MAX / 2); /* to the end */
    return true;
}

static char *to_string(struct wire *w)
{
    wire_append(w, "", 1);
    return (char *)w->data;
}

static void read_head(struct web *web, struct web_answer *answer)
{
    struct wire head = {0};
    size_t before = 0;
    bool good = true;
    /* Up to the empty line. */
    while (good && (head.len == 0 || head.len - before > 2)) {
        before = head.len;
        good = take_line(web, &head);
    }
    answer->cut = !good;
    answer->head = to_string(&head);
    if (strncmp(answer->head, "HTTP/1.1 ", 9) == 0) {
        answer->status = (int)strtol(answer->head + 9, NULL, 10);
    }
}

static void read_answer(struct web *web, struct web_answer *answer,
                        bool to_head)
{
    struct wire body = {0};
    *answer = (struct web_answer){0};
    read_head(web, answer);
    if (!answer->cut && !to_head && answer->status >= 200 &&
        answer->status != 204 && answer->status != 304) {
        answer->cut = !take_body(web, answer, &body);
    }
    answer->len = body.len;
    answer->body = to_string(&body);
}

void web_read(struct web *web, struct web_answer *answer)
{
    read_answer(web, answer, false);
}

void web_read_head(struct web *web, struct web_answer *answer)
{
    read_answer(web, answer, true);
}

void web_answer_free(struct web_answer *answer)
{
    free(answer->head);
    free(answer->body);
    *answer = (struct web_answer){0};
}

static size_t count_lines(const struct web_answer *answer, const char *text,
                          bool whole)
{
    size_t count = 0;
    size_t len = strlen(text);
    const char *line = answer->head;
    while (line != NULL) {
        count +=
            strncasecmp(line, text, len) == 0 && (!whole || line[len] == '\r');
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return count;
}

bool web_has_line(const struct web_answer *answer, const char *line)
{
    return count_lines(answer, line, true) > 0;
}

size_t web_count_lines(const struct web_answer *answer, const char *begin)
{
    return count_lines(answer, begin, false);
}

bool web_await_close(struct web *web)
{
    return web->in.len == web->at && !receive(web);
}

static bool has_text(const struct web *web, const char *text)
{
    size_t len = strlen(text);
    for (size_t at = web->at; at + len <= web->in.len; at++) {
        if (memcmp(web->in.data + at, text, len) == 0) {
            return true;
        }
    }
    return false;
}

bool web_await_text(struct web *web, const char *text)
{
    bool more = true;
    while (more && !has_text(web, text)) {
        more = receive(web);
    }
    return more;
}

void web_ask(const char *address, const char *text, struct web_answer *answer)
{
    struct web *web = web_open(address);
    (void)web_send(web, text);
    web_read(web, answer);
    web_close(web);
}
