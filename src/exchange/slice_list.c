/*
 * listing - slices of what is still to be sent.
 */
#include "slice_list.h"

void fcgi__slice_list_add(struct fcgi__slice_list *list, const void *data,
                          size_t len)
{
    if (list->skip >= len) {
        list->skip -= len;
        return;
    }
    if (list->count < list->max) {
        struct fcgi_slice *slice = &list->slices[list->count];
        slice->data = (const char *)data + list->skip;
        slice->len = len - (size_t)list->skip;
        list->count += 1;
    }
    list->skip = 0;
}
