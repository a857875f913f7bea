/*
 * loop_member - what a loop keeps of each of its calls.
 */
#ifndef FCGI__LOOP_MEMBER_H
#define FCGI__LOOP_MEMBER_H

#include <fcgi_client/loop.h>

#include "timers.h"

struct fcgi__loop_member {
    struct fcgi__timer timer;
    fcgi_loop_done *done;
    int fd;        /* the socket it waits for; -1: none */
    int source_fd; /* the descriptor that its source waits for; -1: none */
};

#endif
