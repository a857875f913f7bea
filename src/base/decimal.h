/*
 * decimal - decimal numbers in text: lengths, ports, counts.
 */
#ifndef FCGI__DECIMAL_H
#define FCGI__DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* Parse a number of one digit or more, and nothing but digits. -1: it is not
 * one, or too large. */
int64_t fcgi__parse_decimal(const char *text, size_t len);

#endif
