/*
 * drain - a sink as a program may have it: it takes all, some or nothing,
 * slowly, and cancels. What comes to it is held against what was answered, byte
 * by byte.
 */
#ifndef SIM_DRAIN_H
#define SIM_DRAIN_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client.h>

struct caller;

struct drain {
    bool takes_head, takes_body, takes_errors; /**< else they are collected */
    bool pauses;
    bool is_slow;
    bool is_full;   /**< from where it pauses on, it takes nothing */
    size_t ends_at; /**< of the body, where it cancels; SIZE_MAX: nowhere */
    bool calls_cancel;
    unsigned heads;
    size_t body_at, errors_at;
    bool waits;
};

/** Make one up. */
struct fcgi_sink drain_prepare(struct drain *drain, struct caller *c);

#endif
