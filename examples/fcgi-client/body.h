/*
 * body - what fcgi-client sends as FCGI_STDIN or FCGI_DATA: the text of an
 * option, a file, or all of standard input.
 *
 * A CGI program is told the length of its body beforehand. That of a regular
 * file is known, so it is streamed; a pipe is read to its end first.
 */
#ifndef EXAMPLES_FCGI_CLIENT_BODY_H
#define EXAMPLES_FCGI_CLIENT_BODY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <fcgi_client.h>
#include <fcgi_client/io.h>

struct body {
    bool given;
    uint64_t len;
    const char *text; /**< NULL: streamed from `fd` */
    char *memory;     /* `text`, where it was read from `fd` */
    int fd;           /**< -1: none is open */
    off_t start;      /* where in the file it begins */
    int64_t modified; /**< when the file was modified, in Unix seconds; or 0 */
    struct fcgi_fd_state state;
};

/**
 * Open what an option names.
 *
 * @param body  filled in; the caller calls body_close() in any case
 * @param text  the text itself, @FILE, or @- for standard input; NULL: none
 * @return false: it failed, and errno says why
 */
bool body_open(struct body *body, const char *text);

/** The source of the next request, from the beginning of the body. The source
 *  of an earlier one must not be in use any more. */
struct fcgi_source body_source(struct body *body);

void body_close(struct body *body);

#endif
