/*
 * allocator - the caller's allocator, or malloc().
 */
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/error.h>

#include "allocator.h"

static void *call_malloc(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *call_realloc(void *context, void *pointer, size_t size)
{
    (void)context;
    return realloc(pointer, size);
}

static void call_free(void *context, void *pointer)
{
    (void)context;
    free(pointer);
}

int fcgi__allocator_init(struct fcgi_allocator *allocator,
                         const struct fcgi_allocator *from)
{
    static const struct fcgi_allocator standard = {call_malloc, call_realloc,
                                                   call_free, NULL};

    if (from == NULL || (from->allocate == NULL && from->resize == NULL &&
                         from->release == NULL)) {
        *allocator = standard;
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
