/*
 * body - what fcgi-client sends as FCGI_STDIN or FCGI_DATA: the text of an
 * option, a file, or all that standard input holds.
 *
 * A CGI program is told the length of its body beforehand. A regular file has
 * one, and is streamed; a pipe has none, and is read to its end first.
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
    char *memory;     /**< what of `text` is to be freed */
    int fd;           /**< -1: none is open */
    off_t start;      /**< where in the file it begins */
    int64_t modified; /**< when the file was modified, in Unix seconds; or 0 */
    struct fcgi_fd_state state;
};

/**
 * Open what an option names.
 *
 * @param body  filled in; to be closed with body_close() in any case
 * @param text  the text itself, @FILE, or @- for standard input; NULL: none
 * @return whether it worked; else errno tells
 */
bool body_open(struct body *body, const char *text);

/** The source of a request, from the beginning of the body: one for each
 *  request, as long as none other is under way. */
struct fcgi_source body_source(struct body *body);

void body_close(struct body *body);

#endif
