/*
 * tap - the headers of all records that pass.
 */
#define _POSIX_C_SOURCE 200809L

#include "record_trace.h"
#include "../pool/trace.h"

void fcgi__record_trace_begin(struct fcgi__record_trace *tap,
                              const struct fcgi_pool_config *config, int fd)
{
    if (config->trace == NULL) {
        tap->config = NULL;
        return;
    }
    tap->config = config;
    tap->fd = fd;
    fcgi__deframer_reset(&tap->out);
    fcgi__deframer_reset(&tap->in);
}

static void pass(const struct fcgi__record_trace *tap,
                 struct fcgi__deframer *deframer, enum fcgi_trace_kind kind,
                 const char *data, size_t len)
{
    struct fcgi_slice left = {data, len};
    struct fcgi_slice content;
    enum fcgi__event step;

    for (step = fcgi__deframer_next(deframer, &left, &content);
         step != FCGI__MORE;
         step = fcgi__deframer_next(deframer, &left, &content)) {
        if (step == FCGI__HEADER) {
            fcgi__trace_record(tap->config, kind, tap->fd, &deframer->header);
        }
        (void)fcgi__deframer_take(deframer, &left, content.len);
    }
}

void fcgi__record_trace_out(struct fcgi__record_trace *tap,
                            const struct fcgi_slice *slices, size_t sent)
{
    while (tap->config != NULL && sent > 0) {
        size_t len = slices->len < sent ? slices->len : sent;
        pass(tap, &tap->out, FCGI_TRACE_RECORD_OUT, slices->data, len);
        sent -= len;
        slices += 1;
    }
}

void fcgi__record_trace_in(struct fcgi__record_trace *tap,
                           const struct fcgi_memory *room, size_t got)
{
    while (tap->config != NULL && got > 0) {
        size_t len = room->cap < got ? room->cap : got;
        pass(tap, &tap->in, FCGI_TRACE_RECORD_IN, room->data, len);
        got -= len;
        room += 1;
    }
}
