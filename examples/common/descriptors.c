/*
 * descriptors - the three that every program begins with.
 */
#define _POSIX_C_SOURCE 200809L

#include "descriptors.h"

#include <fcntl.h>
#include <unistd.h>

void descriptors_open_standard(void)
{
    int fd = open("/dev/null", O_RDONLY);

    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = open("/dev/null", O_RDONLY);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}
