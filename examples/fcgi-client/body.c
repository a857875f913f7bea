/*
 * body - what fcgi-client sends.
 */
#define _POSIX_C_SOURCE 200809L
#include "body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool grow(struct body *body, size_t *cap)
{
    size_t larger_cap = *cap == 0 ? 65536 : *cap * 2;
    char *larger = realloc(body->memory, larger_cap);

    if (larger == NULL) {
        return false;
    }
    body->memory = larger;
    *cap = larger_cap;
    return true;
}

static bool read_whole(struct body *body)
{
    size_t cap = 0;
    size_t len = 0;
    ssize_t got = 0;

    do {
        if (len == cap && !grow(body, &cap)) {
            return false;
        }
        got = read(body->fd, body->memory + len, cap - len);
        if (got > 0) {
            len += (size_t)got;
        }
    } while (got > 0 || (got < 0 && errno == EINTR));
    body->text = body->memory;
    body->len = len;
    return got == 0;
}

/* A regular file is streamed, from where its descriptor stands. One whose size
 * is 0 may be in /proc and have content all the same, so it is read. */
static bool measure(struct body *body)
{
    struct stat status;

    if (fstat(body->fd, &status) != 0) {
        return false;
    }
    body->modified = (int64_t)status.st_mtime;
    body->start = S_ISREG(status.st_mode) ? lseek(body->fd, 0, SEEK_CUR) : 0;
    if (!S_ISREG(status.st_mode) || body->start < 0 ||
        status.st_size <= body->start) {
        return read_whole(body);
    }
    body->len = (uint64_t)(status.st_size - body->start);
    return true;
}

bool body_open(struct body *body, const char *text)
{
    *body = (struct body){.given = text != NULL, .text = text, .fd = -1};
    if (text == NULL || text[0] != '@') {
        body->len = text == NULL ? 0 : strlen(text);
        return true;
    }
    body->text = NULL;
    body->fd = strcmp(text, "@-") == 0 ? STDIN_FILENO
                                       : open(text + 1, O_RDONLY | O_CLOEXEC);
    return body->fd >= 0 && measure(body);
}

struct fcgi_source body_source(struct body *body)
{
    if (body->text != NULL || body->fd < 0) {
        return (struct fcgi_source){.data = body->text,
                                    .len = (size_t)body->len};
    }
    /* An earlier request may have left the descriptor at the end of the file.
     */
    (void)lseek(body->fd, body->start, SEEK_SET);
    return fcgi_fd_source(&body->state, body->fd);
}

void body_close(struct body *body)
{
    free(body->memory);
    if (body->fd > STDERR_FILENO) {
        close(body->fd);
    }
}
