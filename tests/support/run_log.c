/*
 * run_log - how often requests ran: see run_log.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "run_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "output.h"
#include "temp.h"

struct run_log {
    struct temp *folder;
    char *path;
    char query[300];
};

struct run_log *run_log_new(void)
{
    struct run_log *log = must_allocate(sizeof(*log));
    log->folder = temp_new();
    log->path = temp_path(log->folder, "runs");
    return log;
}

void run_log_free(struct run_log *log)
{
    free(log->path);
    temp_free(log->folder);
    free(log);
}

const char *run_log_query(struct run_log *log, int ms)
{
    (void)snprintf(log->query, sizeof(log->query), "log=%s&ms=%d", log->path,
                   ms);
    return log->query;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Cut a text into the lines that end so; the caller frees them. */
static char **lines_ending(char *text, const char *end, size_t *count)
{
    char **lines = calloc(strlen(text) / 2 + 1, sizeof(*lines));
    if (lines == NULL) {
        abort();
    }
    *count = 0;
    for (char *line = strtok(text, "\n"); line != NULL;
         line = strtok(NULL, "\n")) {
        size_t len = strlen(line);
        if (len >= strlen(end) && strcmp(line + len - strlen(end), end) == 0) {
            lines[(*count)++] = line;
        }
    }
    return lines;
}

static void count_lines(const struct run_log *log, size_t *begun,
                        size_t *repeated)
{
    char *text = output_read(log->path);
    char **lines = lines_ending(text, " begins", begun);
    *repeated = 0;
    qsort(lines, *begun, sizeof(*lines), compare);
    for (size_t i = 1; i < *begun; i++) {
        *repeated += strcmp(lines[i - 1], lines[i]) == 0;
    }
    free(lines);
    free(text);
}

size_t run_log_begun(const struct run_log *log)
{
    size_t begun, repeated;
    count_lines(log, &begun, &repeated);
    return begun;
}

size_t run_log_repeated(const struct run_log *log)
{
    size_t begun, repeated;
    count_lines(log, &begun, &repeated);
    return repeated;
}
