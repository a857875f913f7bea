/*
 * option - the rule for every number among the options: 0 means the default,
 * -1 means off or unlimited, and any other negative number is an error.
 */
#ifndef FCGI__OPTION_H
#define FCGI__OPTION_H

#include <stdbool.h>
#include <stdint.h>

/* What an option means: itself, `standard` for 0, or `off` for -1. An error
 * makes `*valid` false. */
static inline int64_t fcgi__resolve_option(bool *valid, int64_t own,
                                           int64_t standard, int64_t off)
{
    if (own == 0) {
        return standard;
    }
    if (own > 0) {
        return own;
    }
    *valid &= own == -1;
    return off;
}

/* The same for an int. */
static inline int fcgi__resolve_int_option(bool *valid, int own, int standard,
                                           int off)
{
    return (int)fcgi__resolve_option(valid, own, standard, off);
}

#endif
