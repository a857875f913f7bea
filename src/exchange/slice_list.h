/*
 * listing - slices of what is still to be sent, in the making: the first `skip`
 * bytes that are listed were sent before, and are left out.
 */
#ifndef FCGI__SLICE_LIST_H
#define FCGI__SLICE_LIST_H

#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/record.h>

struct fcgi__slice_list {
    struct fcgi_slice *slices;
    size_t max; /* what is beyond that is not listed */
    size_t count;
    uint64_t skip;
};

void fcgi__slice_list_add(struct fcgi__slice_list *list, const void *data,
                          size_t len);

#endif
