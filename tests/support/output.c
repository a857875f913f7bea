/*
 * output - what a program prints: see output.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "output.h"

#include <stdio.h>
#include <stdlib.h>

#include "program.h"
#include "temp.h"
#include "wire.h"

#define LIMIT_MS 120000

char *output_read(const char *path)
{
    struct wire text = {0};
    char bytes[4096];
    FILE *file = fopen(path, "r");
    size_t got = file == NULL ? 0 : fread(bytes, 1, sizeof(bytes), file);
    while (got > 0) {
        wire_append(&text, bytes, got);
        got = fread(bytes, 1, sizeof(bytes), file);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    wire_append(&text, "", 1);
    return (char *)text.data;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

char *output_of(const char *path, const char *const *arguments)
{
    struct temp *folder = temp_new();
    char *out = temp_path(folder, "out");
    struct program_spec spec = {
        .path = path, .arguments = arguments, .log = out};
    struct program *program = program_start(&spec);
    (void)program_await(program, LIMIT_MS, never, NULL);
    program_stop(program);
    char *text = output_read(out);
    free(out);
    temp_free(folder);
    return text;
}
