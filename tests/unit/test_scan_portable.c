/*
 * The tests of test_scan.c where there are no vectors, on any machine.
 */
#define FCGI_CLIENT_PORTABLE 1

#include "test_scan.c"
