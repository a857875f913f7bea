/*
 * web - an HTTP client for tests of servers: it sends exactly the bytes of the
 * test, and parses answers. If the server sends nothing for a minute, the test
 * program fails.
 *
 *     struct web *web = web_open("127.0.0.1:8080");
 *     struct web_answer answer;
 *     web_send(web, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
 *     web_read(web, &answer);
 *     ... answer.status, answer.body ...
 *     web_answer_free(&answer);
 *     web_close(web);
 */
#ifndef TESTS_WEB_H
#define TESTS_WEB_H

#include <stdbool.h>
#include <stddef.h>

struct web;

/** One answer; both strings end in NUL. */
struct web_answer {
    int status; /**< 0: there was none */
    char *head; /**< status line and fields */
    char *body; /**< without chunk headers */
    size_t len; /**< of the body */
    bool cut;   /**< the connection ended amid it */
};

/** Connect to `host:port`, both numbers. If that fails, the test program
 *  ends. */
struct web *web_open(const char *address);
/** NULL is fine. */
void web_close(struct web *web);
/** Close it with a reset. */
void web_reset(struct web *web);
/** Its socket, for a test that sends or receives directly. */
int web_fd(const struct web *web);

/** Send bytes; returns whether the server took them. */
bool web_send_bytes(struct web *web, const void *data, size_t len);
bool web_send(struct web *web, const char *text);
/** The same, made as printf() does; at most 4,000 bytes. */
bool web_sendf(struct web *web, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** A head of `len` bytes that begins with these lines and goes on with fields
 *  that mean nothing; the caller frees it. */
char *web_head(const char *lines, size_t len);

/** Whether there is something to read, or the end, within that many
 *  milliseconds. */
bool web_hears(const struct web *web, int limit_ms);

/** Read the next answer, which may be one with status 100. */
void web_read(struct web *web, struct web_answer *answer);
/** The same for an answer to HEAD. */
void web_read_head(struct web *web, struct web_answer *answer);
void web_answer_free(struct web_answer *answer);

/** Whether the head has such a line, in upper or lower case. */
bool web_has_line(const struct web_answer *answer, const char *line);
/** How many lines of the head begin with that. */
size_t web_count_lines(const struct web_answer *answer, const char *begin);

/** Wait until the server closes; false: it sends something instead. */
bool web_await_close(struct web *web);

/** Wait until it has sent that text, without reading it away; false: it closes
 *  instead. */
bool web_await_text(struct web *web, const char *text);

/** Make one request over a new connection. */
void web_ask(const char *address, const char *text, struct web_answer *answer);

#endif
