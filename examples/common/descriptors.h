/*
 * descriptors - the three that every program begins with.
 */
#ifndef EXAMPLES_COMMON_DESCRIPTORS_H
#define EXAMPLES_COMMON_DESCRIPTORS_H

/** Open /dev/null in place of each of descriptors 0 to 2 that is closed:
 *  otherwise the next socket would take its number, and be printed to. */
void descriptors_open_standard(void);

#endif
