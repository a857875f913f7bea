/*
 * trace - calls the host's function, if there is one.
 */
#include "trace.h"

void fcgi__trace(const struct fcgi_pool_config *config,
                 enum fcgi_trace_kind kind, int fd, int error)
{
    if (config->trace != NULL) {
        struct fcgi_trace_event event = {
            .kind = kind, .fd = fd, .error = error};
        config->trace(config->trace_context, &event);
    }
}

void fcgi__trace_record(const struct fcgi_pool_config *config,
                        enum fcgi_trace_kind kind, int fd,
                        const struct fcgi_header *header)
{
    struct fcgi_trace_event event = {.kind = kind, .fd = fd, .header = *header};

    config->trace(config->trace_context, &event);
}
