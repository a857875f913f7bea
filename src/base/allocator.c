/*
 * allocator - the caller's allocator, or malloc().
 */
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/error.h>

#include "allocator.h"

static void *allocate_plain(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *resize_plain(void *context, void *pointer, size_t size)
{
    (void)context;
    return realloc(pointer, size);
}

static void release_plain(void *context, void *pointer)
{
    (void)context;
    free(pointer);
}

int fcgi__allocator_init(struct fcgi_allocator *allocator,
                         const struct fcgi_allocator *from)
{
    static const struct fcgi_allocator plain = {allocate_plain, resize_plain,
                                                release_plain, NULL};

    if (from == NULL || (from->allocate == NULL && from->resize == NULL &&
                         from->release == NULL)) {
        *allocator = plain;
        return FCGI_OK;
    }
    if (from->allocate == NULL || from->resize == NULL ||
        from->release == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    *allocator = *from;
    return FCGI_OK;
}

void *fcgi__allocate(const struct fcgi_allocator *allocator, size_t size)
{
    void *pointer = allocator->allocate(allocator->context, size);

    if (pointer != NULL) {
        memset(pointer, 0, size);
    }
    return pointer;
}

void fcgi__release(const struct fcgi_allocator *allocator, void *pointer)
{
    if (pointer != NULL) {
        allocator->release(allocator->context, pointer);
    }
}
