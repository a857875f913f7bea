/*
 * fake-peer - the fake application of the tests as a program, for what is
 * tested from a shell. Each word of its command line is a step:
 *
 *     fake-peer read answer="Status: 404 Not Found
 *
 *     no" accept read close
 *
 * It says on standard output where it listens, and ends at SIGTERM.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

enum { STEPS_MAX = 64 };

static const struct {
    const char *word; /* with a '=' where a value follows */
    struct fake_step step;
} words[] = {
    {"accept", FAKE_ACCEPT},      {"read", FAKE_READ_REQUEST},
    {"serve", FAKE_SERVE},        {"close", FAKE_CLOSE},
    {"send=", FAKE_SEND("")},     {"stdout=", FAKE_STDOUT("")},
    {"stderr=", FAKE_STDERR("")}, {"answer=", FAKE_ANSWER("")},
    {"body=", FAKE_BODY(0)},      {"end=", FAKE_END(0)},
};

static void set_value(struct fake_step *step, const char *value)
{
    if (step->action == FAKE_DO_END) {
        step->number = atoi(value);
    } else if (step->action == FAKE_DO_BODY) {
        step->len = strtoul(value, NULL, 10);
    } else {
        step->data = value;
        step->len = strlen(value);
    }
}

static struct fake_step step_of(const char *argument)
{
    size_t len = strcspn(argument, "=");

    len += argument[len] == '=' ? 1 : 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct fake_step step = words[i].step;

        if (strlen(words[i].word) == len &&
            memcmp(words[i].word, argument, len) == 0) {
            set_value(&step, argument + len);
            return step;
        }
    }
    fprintf(stderr, "fake-peer: unknown step: %s\n", argument);
    exit(3);
}

static void hold_back(sigset_t *ends)
{
    sigemptyset(ends);
    sigaddset(ends, SIGTERM);
    sigprocmask(SIG_BLOCK, ends, NULL);
}

int main(int argc, char **argv)
{
    struct fake_step steps[STEPS_MAX] = {FAKE_ACCEPT};
    struct fake *fake;
    sigset_t ends;
    int received;

    hold_back(&ends);
    if (argc > STEPS_MAX) {
        return 3;
    }
    for (int i = 1; i < argc; i++) {
        steps[i] = step_of(argv[i]);
    }
    fake = fake_start(FAKE_UNIX, steps, (size_t)argc);
    printf("fake-peer: listening on %s\n", fake_address(fake));
    fflush(stdout);
    (void)sigwait(&ends, &received);
    fake_stop(fake);
    return 0;
}
