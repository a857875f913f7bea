/*
 * trace - the headers of all records that trace_records.
 */
#define _POSIX_C_SOURCE 200809L

#include "record_trace.h"
#include "../pool/trace.h"

void fcgi__record_trace_begin(struct fcgi__record_trace *trace,
                              const struct fcgi_pool_config *config, int fd)
{
    if (config->trace == NULL) {
        trace->config = NULL;
        return;
    }
    trace->config = config;
    trace->fd = fd;
    fcgi__deframer_reset(&trace->out);
    fcgi__deframer_reset(&trace->in);
}

static void trace_records(const struct fcgi__record_trace *trace,
                          struct fcgi__deframer *deframer,
                          enum fcgi_trace_kind kind, const char *data,
                          size_t len)
{
    struct fcgi_slice left = {data, len};
    struct fcgi_slice content;
    enum fcgi__event step;

    for (step = fcgi__deframer_next(deframer, &left, &content);
         step != FCGI__MORE;
         step = fcgi__deframer_next(deframer, &left, &content)) {
        if (step == FCGI__HEADER) {
            fcgi__trace_record(trace->config, kind, trace->fd,
                               &deframer->header);
        }
        (void)fcgi__deframer_take(deframer, &left, content.len);
    }
}

void fcgi__record_trace_out(struct fcgi__record_trace *trace,
                            const struct fcgi_slice *slices, size_t sent)
{
    while (trace->config != NULL && sent > 0) {
        size_t len = slices->len < sent ? slices->len : sent;
        trace_records(trace, &trace->out, FCGI_TRACE_RECORD_OUT, slices->data,
                      len);
        sent -= len;
        slices += 1;
    }
}

void fcgi__record_trace_in(struct fcgi__record_trace *trace,
                           const struct fcgi_memory *room, size_t got)
{
    while (trace->config != NULL && got > 0) {
        size_t len = room->cap < got ? room->cap : got;
        trace_records(trace, &trace->in, FCGI_TRACE_RECORD_IN, room->data, len);
        got -= len;
        room += 1;
    }
}
