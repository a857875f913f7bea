/*
 * reading - the first stages of a transaction: the head of a request, and the
 * body where it is gathered. Like every stage, each returns whether there is
 * more to do at once.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_READING_H
#define EXAMPLES_FCGI_GATEWAY_READING_H

#include <stdbool.h>

#include "transaction.h"

bool reading_read_head(struct transaction *t);
bool reading_gather_body(struct transaction *t);

#endif
