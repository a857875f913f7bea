/*
 * options - what the command line of fcgi-echo asks for.
 */
#ifndef EXAMPLES_FCGI_ECHO_OPTIONS_H
#define EXAMPLES_FCGI_ECHO_OPTIONS_H

#include <stdbool.h>

/**
 * Read the command line. A mistake is reported in one line on standard error;
 * --help and --version are answered.
 *
 * @param address  set to where to listen; NULL: none is given
 * @param code     set to the exit code where there is nothing to serve
 * @return whether there is something to serve
 */
bool options_read(const char **address, int argc, char **argv, int *code);

#endif
