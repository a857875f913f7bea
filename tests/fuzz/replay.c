/*
 * Without libFuzzer: hand each kept input to the target, in the order of their
 * names. Which one fails is told at the end.
 *
 *     test_fuzz_<noun> FOLDER
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "guard.h"
#include "test.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *folder;
static char path[4096];

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void read_file(struct wire *input)
{
    uint8_t buf[4096];
    FILE *file = fopen(path, "rb");
    size_t got;
    assert_non_null(file);
    do {
        got = fread(buf, 1, sizeof(buf), file);
        wire_append(input, buf, got);
    } while (got > 0);
    assert_int_equal(fclose(file), 0);
}

/* It lies against a page that cannot be read. */
static void replay(void)
{
    struct wire input = {0};
    struct guard guard;
    read_file(&input);
    guard_open(&guard, input.len + 1);
    uint8_t *data = guard_put(&guard, input.data, input.len);
    assert_int_equal(LLVMFuzzerTestOneInput(data, input.len), 0);
    guard_close(&guard);
    wire_free(&input);
}

static void every_kept_input_is_handled(void **state)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_input, alphasort);
    (void)state;
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
        replay();
    }
    free(entries);
    (void)printf("%d inputs of %s\n", count, folder);
}

static void an_empty_input_is_handled(void **state)
{
    (void)state;
    assert_int_equal(LLVMFuzzerTestOneInput((const uint8_t *)"", 0), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_input_is_handled),
        cmocka_unit_test(every_kept_input_is_handled),
    };
    if (argc != 2) {
        (void)fputs("usage: test_fuzz_<noun> FOLDER\n", stderr);
        return 2;
    }
    folder = argv[1];
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (failed != 0) {
        (void)fprintf(stderr, "the last input was %s\n", path);
    }
    return failed;
}
