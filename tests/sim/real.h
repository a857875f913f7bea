/*
 * real - libc's own functions, behind those of the same name that libc.c puts
 * in front of them.
 */
#ifndef SIM_REAL_H
#define SIM_REAL_H

typedef void real_fn(void);

/** The function of that name, to be called as what it is. */
real_fn *real_function(const char *name);

#endif
