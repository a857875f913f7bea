/*
 * answer - a sink that prints and searches.
 */
#define _POSIX_C_SOURCE 200809L
#include "answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgi_client/io.h>

/*
 * The search of Knuth, Morris and Pratt, which reads each byte of the body
 * once: a text is found even if it is split between pieces. `fallback[i]` is
 * how many bytes still match when those up to `i` did and the next does not.
 */
static size_t advance(const struct answer *answer, size_t matched, char byte)
{
    while (matched > 0 && answer->expected[matched] != byte) {
        matched = answer->fallback[matched - 1];
    }
    return answer->expected[matched] == byte ? matched + 1 : 0;
}

bool answer_expect(struct answer *answer, const char *expected)
{
    size_t len = expected == NULL ? 0 : strlen(expected);

    answer->expected = expected;
    answer->fallback = calloc(len + 1, sizeof(size_t));
    if (answer->fallback == NULL) {
        return false;
    }
    for (size_t i = 1; i < len; i++) {
        answer->fallback[i] =
            advance(answer, answer->fallback[i - 1], expected[i]);
    }
    return true;
}

static void search(struct answer *answer, const char *data, size_t len)
{
    for (size_t i = 0; i < len && !answer->found; i++) {
        answer->matched = advance(answer, answer->matched, data[i]);
        answer->found = answer->expected[answer->matched] == '\0';
    }
}

void answer_end_line(struct answer *answer)
{
    if (answer->stderr_open) {
        (void)fputc('\n', stderr);
        answer->stderr_open = false;
    }
}

/* Non-zero if standard output cannot be written, which ends the request. */
static int print(struct answer *answer, const struct fcgi_slice *slices,
                 size_t count)
{
    struct fcgi_writer writer = fcgi_fd_writer(STDOUT_FILENO);
    int rc;

    answer_end_line(answer);
    rc = writer.write(writer.context, slices, count);
    if (rc != FCGI_OK) {
        answer->write_error = errno;
    }
    return rc;
}

static struct fcgi_slice text(const char *string)
{
    return (struct fcgi_slice){string, strlen(string)};
}

static int print_line(struct answer *answer, const char *name,
                      const char *value, const char *more)
{
    const struct fcgi_slice line[] = {
        text(name), {": ", 2}, text(value), text(more), {"\n", 1},
    };

    return print(answer, line, sizeof(line) / sizeof(line[0]));
}

static int print_status(struct answer *answer,
                        const struct fcgi_response *response)
{
    char code[16];

    snprintf(code, sizeof(code), "%d ", response->status);
    return print_line(answer, "Status", code, response->reason);
}

static int take_head(void *context, const struct fcgi_response *response)
{
    const struct fcgi_slice end = {"\n", 1};
    struct answer *answer = context;
    int rc;

    if (!answer->print_head) {
        return FCGI_OK;
    }
    rc = print_status(answer, response);
    for (size_t i = 0; i < response->field_count && rc == FCGI_OK; i++) {
        const struct fcgi_field *field = &response->fields[i];

        rc = print_line(answer, field->name, field->value, "");
    }
    return rc == FCGI_OK ? print(answer, &end, 1) : rc;
}

static int take_body(void *context, const void *data, size_t *len)
{
    struct answer *answer = context;
    struct fcgi_slice slice = {data, *len};

    if (answer->expected != NULL) {
        search(answer, data, *len);
    }
    return answer->print_body ? print(answer, &slice, 1) : FCGI_OK;
}

static int take_stderr(void *context, const void *data, size_t len)
{
    struct answer *answer = context;

    (void)fwrite(data, 1, len, stderr);
    if (len > 0) {
        answer->stderr_open = ((const char *)data)[len - 1] != '\n';
    }
    return FCGI_OK;
}

struct fcgi_sink answer_sink(struct answer *answer)
{
    answer->matched = 0;
    answer->found = answer->expected == NULL || answer->expected[0] == '\0';
    return (struct fcgi_sink){
        .head = take_head,
        .body = take_body,
        .stderr_data = take_stderr,
        .context = answer,
    };
}

bool answer_as_expected(const struct answer *answer)
{
    return answer->found;
}

void answer_free(struct answer *answer)
{
    free(answer->fallback);
}
