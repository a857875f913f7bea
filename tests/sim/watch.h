/*
 * watch - what a host's event loop knows of a call: the descriptor, the events
 * and the time that it was told, and whether any of them has come. What it is
 * told is held against <fcgi_client/call.h>.
 */
#ifndef SIM_WATCH_H
#define SIM_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "caller.h"

/** `by_edges`: as with EPOLLET, what was told once is not told again. */
void watch_begin(bool by_edges);

bool watch_by_edges(void);

/** Ask a call what it waits for. */
void watch_call(struct caller *c);

/** Whether it is to be advanced, resumed or freed. */
bool watch_is_due(const struct caller *c);

/** It is being told of all that has happened. */
void watch_tell(struct caller *c);

/** It was advanced, from a moment and so many notes on: a turn that brings
 *  nothing and asks for another at once is a spin. */
void watch_progress(struct caller *c, int64_t began, uint64_t notes);

#endif
