/*
 * guard - bytes in front of a page that cannot be read: see guard.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void fail(const char *what)
{
    perror(what);
    abort();
}

/* New pages, from /dev/zero because POSIX has no anonymous mapping. */
static char *map_pages(size_t size)
{
    int fd = open("/dev/zero", O_RDWR);
    if (fd == -1) {
        fail("tests: /dev/zero");
    }
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (pages == MAP_FAILED) {
        fail("tests: mmap");
    }
    close(fd);
    return pages;
}

void guard_open(struct guard *guard, size_t most)
{
    size_t page = page_size();
    guard->room = (most + page - 1) / page * page;
    guard->pages = map_pages(guard->room + page);
    if (mprotect(guard->pages + guard->room, page, PROT_NONE) != 0) {
        fail("tests: mprotect");
    }
}

void *guard_put(struct guard *guard, const void *data, size_t len)
{
    char *at = guard->pages + guard->room - len;
    if (len > guard->room) {
        fputs("tests: no room before the guard page\n", stderr);
        abort();
    }
    if (len > 0) {
        memcpy(at, data, len);
    }
    return at;
}

void guard_close(struct guard *guard)
{
    munmap(guard->pages, guard->room + page_size());
}
