/*
 * must - implements must.h.
 */
#include "must.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void must_die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

void *must_allocate(size_t size)
{
    void *pointer = calloc(1, size > 0 ? size : 1);
    if (pointer == NULL) {
        must_die("tests: calloc");
    }
    return pointer;
}

void *must_resize(void *pointer, size_t size)
{
    void *resized = realloc(pointer, size);
    if (resized == NULL) {
        must_die("tests: realloc");
    }
    return resized;
}
