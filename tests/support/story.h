/*
 * story - answers as a fuzz input tells them: records of every kind, most of
 * them in good order, with bytes that are none between them now and then.
 */
#ifndef TESTS_STORY_H
#define TESTS_STORY_H

#include <fcgi_client/response.h>

#include "supply.h"
#include "wire.h"

/** Append the next piece of an answer to the request of that id. */
void story_next(struct supply *s, struct wire *answer, int id);

/** Append pieces until the input is spent, up to some hundred kilobytes. */
void story_tell(struct supply *s, struct wire *answer, int id);

/** Limits as often as not at their defaults, else small. */
struct fcgi_limits story_limits(struct supply *s);

#endif
