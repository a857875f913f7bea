/*
 * descriptors - the first three of a program.
 */
#ifndef COMMON_DESCRIPTORS_H
#define COMMON_DESCRIPTORS_H

/** Have something open on each: where a shell has closed one, a socket would
 *  take its place, and be printed to. */
void descriptors_occupy(void);

#endif
