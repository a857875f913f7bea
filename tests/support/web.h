/*
 * web - an HTTP client for tests of servers: it sends what it is told, byte
 * for byte, and takes answers apart. A server that says nothing for a minute
 * fails the test program.
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
    char *body; /**< without what framed it */
    size_t len; /**< of the body */
    bool cut;   /**< it ended before its end */
};

/** Connect to `host:port`, both numbers. Failing ends the test program. */
struct web *web_open(const char *address);
/** NULL is fine. */
void web_close(struct web *web);
/** Close it so that the server gets a reset. */
void web_reset(struct web *web);
/** Its socket, for who sends or receives otherwise. */
int web_fd(const struct web *web);

/** Send bytes; whether the server has taken them. */
bool web_send_bytes(struct web *web, const void *data, size_t len);
bool web_send(struct web *web, const char *text);
/** The same, made as printf() does; at most 4,000 bytes. */
bool web_sendf(struct web *web, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** A head that begins with these lines and is `len` bytes long to its end, by
 *  fields that mean nothing; the caller's to free. */
char *web_head(const char *lines, size_t len);

/** Whether there is something to read, or the end, within that time. */
bool web_hears(const struct web *web, int limit_ms);

/** Read the next answer, also one of status 100. */
void web_read(struct web *web, struct web_answer *answer);
/** The same of an answer to HEAD. */
void web_read_head(struct web *web, struct web_answer *answer);
void web_answer_free(struct web_answer *answer);

/** Whether a line stands in the head; the case of letters does not matter. */
bool web_has_line(const struct web_answer *answer, const char *line);
/** How many lines of the head begin so. */
size_t web_count_lines(const struct web_answer *answer, const char *begin);

/** Wait until the server closes; false: it sends something instead. */
bool web_await_close(struct web *web);

/** Wait until it has sent that text, which stays to be read; false: it closes
 *  instead. */
bool web_await_text(struct web *web, const char *text);

/** Ask over a connection of its own. */
void web_ask(const char *address, const char *text, struct web_answer *answer);

#endif
