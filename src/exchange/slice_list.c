/*
 * listing - slices of what is still to be sent.
 */
#include "slice_list.h"

void fcgi__slice_list_add(struct fcgi__slice_list *listing, const void *data,
                          size_t len)
{
    if (listing->skip >= len) {
        listing->skip -= len;
        return;
    }
    if (listing->count < listing->max) {
        struct fcgi_slice *slice = &listing->slices[listing->count];
        slice->data = (const char *)data + listing->skip;
        slice->len = len - (size_t)listing->skip;
        listing->count += 1;
    }
    listing->skip = 0;
}
