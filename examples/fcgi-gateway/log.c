/*
 * log - a line for each failure, and for each request.
 *
 * Text from the client or the application is shown without control bytes, and
 * cut.
 */
#define _POSIX_C_SOURCE 200809L

#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SHOWN_MAX 200

static const char *sanitize(char room[SHOWN_MAX + 1], struct fcgi_slice text)
{
    size_t len = text.len < SHOWN_MAX ? text.len : SHOWN_MAX;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        room[i] = c < ' ' || c == '"' || c > '~' ? '?' : text.data[i];
    }
    room[len] = '\0';
    if (len == 0) {
        memcpy(room, "-", sizeof("-"));
    }
    return room;
}

void log_failure(const struct http *http, int status, bool cut,
                 const char *what, const char *why)
{
    char method[SHOWN_MAX + 1];
    char target[SHOWN_MAX + 1];

    (void)fprintf(
        stderr, "fcgi-gateway: %s %s: %d: %s%s%s%s\n",
        sanitize(method, http->method), sanitize(target, http->target), status,
        cut ? "answer cut short: " : "", what, why[0] == '\0' ? "" : ": ", why);
}

/* Line by line, so that none looks like another request's. */
void log_stderr(const struct http *http, struct fcgi_slice text)
{
    char target[SHOWN_MAX + 1];

    sanitize(target, http->target);
    while (text.len > 0) {
        const char *end = memchr(text.data, '\n', text.len);
        struct fcgi_slice line = {text.data, text.len};
        char shown[SHOWN_MAX + 1];

        if (end != NULL) {
            line.len = (size_t)(end - text.data);
        }
        (void)fprintf(stderr, "fcgi-gateway: %s: application: %s\n", target,
                      sanitize(shown, line));
        text.data += line.len + (end != NULL);
        text.len -= line.len + (end != NULL);
    }
}

void log_access(const char *remote, const struct http *http, int status,
                uint64_t bytes, const char *why)
{
    const struct fcgi_slice nothing = {NULL, 0};
    time_t now = time(NULL);
    char method[SHOWN_MAX + 1];
    char target[SHOWN_MAX + 1];
    char date[40];
    struct tm utc;

    sanitize(method, http == NULL ? nothing : http->method);
    sanitize(target, http == NULL ? nothing : http->target);
    (void)gmtime_r(&now, &utc);
    (void)strftime(date, sizeof(date), "%d/%b/%Y:%H:%M:%S +0000", &utc);
    (void)printf("%s - - [%s] \"%s %s HTTP/1.%d\" %d %" PRIu64 " \"%s\"\n",
                 remote, date, method, target,
                 http != NULL && http->is_1_0 ? 0 : 1, status, bytes,
                 why == NULL ? "-" : why);
}
