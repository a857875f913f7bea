/*
 * io - readers, writers and sources over descriptors and streams.
 */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/types.h>

#include <fcgi_client/io.h>

#include "../net/clock.h"
#include "../net/net.h"

/*
 * Descriptors.
 */

static int fd_of(void *context)
{
    return (int)(intptr_t)context;
}

static void wait_for(int fd, unsigned events)
{
    struct fcgi__wait wait = {fd, events, -1, FCGI__NEVER};

    (void)fcgi__net_wait(&wait);
}

static int read_fd(void *context, void *buf, size_t cap, size_t *got)
{
    int fd = fd_of(context);

    for (;;) {
        ssize_t n = read(fd, buf, cap);
        if (n >= 0) {
            *got = (size_t)n;
            return FCGI_OK;
        }
        if (fcgi__net_error(errno) != FCGI_WAIT) {
            return fcgi__net_error(errno);
        }
        wait_for(fd, FCGI__READABLE);
    }
}

struct fcgi_reader fcgi_fd_reader(int fd)
{
    return (struct fcgi_reader){read_fd, (void *)(intptr_t)fd};
}

/* Write a part of one slice, to a socket or to anything else. */
static int write_some(int fd, struct fcgi_slice slice, size_t *written)
{
    int rc = fcgi__net_send(fd, &slice, 1, written);
    ssize_t n;

    if (rc != FCGI_ERR_SYSTEM || errno != ENOTSOCK) {
        return rc;
    }
    n = write(fd, slice.data, slice.len);
    *written = n < 0 ? 0 : (size_t)n;
    return n >= 0 ? FCGI_OK : fcgi__net_error(errno);
}

static int write_fd(void *context, const struct fcgi_slice *slices,
                    size_t count)
{
    int fd = fd_of(context);

    for (size_t i = 0; i < count; i++) {
        struct fcgi_slice left = slices[i];
        while (left.len > 0) {
            size_t written;
            int rc = write_some(fd, left, &written);
            if (rc == FCGI_WAIT) {
                wait_for(fd, FCGI__WRITABLE);
            } else if (rc != FCGI_OK) {
                return rc;
            }
            left.data += written;
            left.len -= written;
        }
    }
    return FCGI_OK;
}

struct fcgi_writer fcgi_fd_writer(int fd)
{
    fcgi__net_suppress_sigpipe(fd);
    return (struct fcgi_writer){write_fd, (void *)(intptr_t)fd};
}

/* Whether a read would not block: a silent pipe or socket must not hold up
 * the response. */
static bool is_readable(int fd)
{
    struct fcgi__wait at_once = {fd, FCGI__READABLE, -1, 0};

    return fcgi__net_wait(&at_once) != 0;
}

static int read_source(void *context, void *buf, size_t cap, size_t *got)
{
    const struct fcgi_fd_state *state = context;
    ssize_t n;

    if (!state->regular && state->fd >= 0 && !is_readable(state->fd)) {
        return FCGI_WAIT;
    }
    do {
        n = read(state->fd, buf, cap);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return fcgi__net_error(errno) == FCGI_WAIT ? FCGI_WAIT
                                                   : FCGI_ERR_SYSTEM;
    }
    *got = (size_t)n;
    return FCGI_OK;
}

static int replay_fd(void *context, uint64_t taken)
{
    const struct fcgi_fd_state *state = context;

    if (state->start < 0) {
        return FCGI_ERR_STATE;
    }
    if (taken > 0 && lseek(state->fd, (off_t)state->start, SEEK_SET) < 0) {
        return FCGI_ERR_SYSTEM;
    }
    return FCGI_OK;
}

static int descriptor_of(void *context)
{
    const struct fcgi_fd_state *state = context;

    return state->fd;
}

struct fcgi_source fcgi_fd_source(struct fcgi_fd_state *state, int fd)
{
    struct fcgi_source source = {.read = read_source,
                                 .replay = replay_fd,
                                 .descriptor = descriptor_of,
                                 .context = state};
    struct stat status;

    state->fd = fd;
    state->regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    state->start = lseek(fd, 0, SEEK_CUR);
    if (!state->regular || status.st_size == 0) {
        return source; /* a file of /proc tells no length, yet has content */
    }
    if (status.st_size <= state->start) {
        source.read = NULL;
    } else if ((uint64_t)(status.st_size - state->start) <= SIZE_MAX) {
        source.len = (size_t)(status.st_size - state->start);
    }
    return source;
}

/*
 * Streams.
 */

static int read_file(void *context, void *buf, size_t cap, size_t *got)
{
    FILE *file = context;

    *got = fread(buf, 1, cap, file);
    return *got == 0 && ferror(file) ? FCGI_ERR_SYSTEM : FCGI_OK;
}

struct fcgi_reader fcgi_file_reader(FILE *file)
{
    return (struct fcgi_reader){read_file, file};
}

static int write_file(void *context, const struct fcgi_slice *slices,
                      size_t count)
{
    FILE *file = context;

    for (size_t i = 0; i < count; i++) {
        if (fwrite(slices[i].data, 1, slices[i].len, file) != slices[i].len) {
            return FCGI_ERR_SYSTEM;
        }
    }
    return FCGI_OK;
}

struct fcgi_writer fcgi_file_writer(FILE *file)
{
    return (struct fcgi_writer){write_file, file};
}

static int read_file_source(void *context, void *buf, size_t cap, size_t *got)
{
    const struct fcgi_file_state *state = context;

    return read_file(state->file, buf, cap, got);
}

static int replay_file(void *context, uint64_t taken)
{
    const struct fcgi_file_state *state = context;

    if (state->start < 0) {
        return FCGI_ERR_STATE;
    }
    if (taken > 0 && fseeko(state->file, (off_t)state->start, SEEK_SET) != 0) {
        return FCGI_ERR_SYSTEM;
    }
    return FCGI_OK;
}

struct fcgi_source fcgi_file_source(struct fcgi_file_state *state, FILE *file)
{
    struct fcgi_source source = {
        .read = read_file_source, .replay = replay_file, .context = state};

    state->file = file;
    state->start = ftello(file);
    return source;
}
