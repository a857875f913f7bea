/*
 * options - what the command line of fcgi-echo asks for.
 */
#ifndef FCGI_ECHO_OPTIONS_H
#define FCGI_ECHO_OPTIONS_H

#include <stdbool.h>

/** Read the command line; what is wrong with it is said on standard error.
 *  The address is NULL where none is given. False: the program is to end with
 *  that code. */
bool options_read(const char **address, int argc, char **argv, int *code);

#endif
