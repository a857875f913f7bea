/*
 * trace - what --trace prints.
 */
#include "trace.h"

#include <stdio.h>

static const char *name_type(unsigned type)
{
    static const char *const names[] = {
        [FCGI_TYPE_BEGIN_REQUEST] = "BEGIN_REQUEST",
        [FCGI_TYPE_ABORT_REQUEST] = "ABORT_REQUEST",
        [FCGI_TYPE_END_REQUEST] = "END_REQUEST",
        [FCGI_TYPE_PARAMS] = "PARAMS",
        [FCGI_TYPE_STDIN] = "STDIN",
        [FCGI_TYPE_STDOUT] = "STDOUT",
        [FCGI_TYPE_STDERR] = "STDERR",
        [FCGI_TYPE_DATA] = "DATA",
        [FCGI_TYPE_GET_VALUES] = "GET_VALUES",
        [FCGI_TYPE_GET_VALUES_RESULT] = "GET_VALUES_RESULT",
        [FCGI_TYPE_UNKNOWN_TYPE] = "UNKNOWN_TYPE",
    };

    return type == 0 || type >= sizeof(names) / sizeof(names[0]) ? "?"
                                                                 : names[type];
}

static void print_record(char direction, const struct fcgi_header *header)
{
    fprintf(stderr, "%c %s id %u, content %u, padding %u\n", direction,
            name_type(header->type), (unsigned)header->request_id,
            (unsigned)header->content_length, (unsigned)header->padding_length);
}

void trace_print(void *context, const struct fcgi_trace_event *event)
{
    static const char *const names[] = {
        [FCGI_TRACE_DIALLED] = "dialled", [FCGI_TRACE_REUSED] = "reused",
        [FCGI_TRACE_STALE] = "stale",     [FCGI_TRACE_RETRIED] = "retried",
        [FCGI_TRACE_EVICTED] = "evicted",
    };

    (void)context;
    switch (event->kind) {
    case FCGI_TRACE_RECORD_OUT:
        print_record('>', &event->header);
        break;
    case FCGI_TRACE_RECORD_IN:
        print_record('<', &event->header);
        break;
    case FCGI_TRACE_TIMED_OUT:
        fprintf(stderr, "* %s\n", fcgi_strerror(event->error));
        break;
    default:
        fprintf(stderr, "* %s, descriptor %d\n", names[event->kind], event->fd);
        break;
    }
}
