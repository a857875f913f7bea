/*
 * A browser that shows a page of PHP's through either of the gateways among the
 * examples: pictures, a form, a file and a session. The page's own script does
 * what a person would, and writes down what it sees (php/page.php).
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "front.h"
#include "pattern.h"
#include "php_fpm.h"
#include "program.h"
#include "temp.h"

#define BROWSER "/usr/bin/chromium"
#define SKIPPED 77
#define PATIENCE_MS 120000
#define FILE_LEN ((size_t)1024 * 1024)

struct setup {
    struct php_fpm *fpm;
    struct front *front;
    char page[64 * 1024]; /* as it stands when its script has ended */
};

static bool never(void *context)
{
    (void)context;
    return false;
}

static void read_page(struct setup *setup, const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(setup->page, 1, sizeof(setup->page) - 1, file);
    setup->page[len] = '\0';
    (void)fclose(file);
}

/* Its complaints (there is no desktop here) are no part of the page. The time
 * that the script may take stands still while it waits for an answer. */
static void show_page(struct setup *setup)
{
    static const char command[] =
        "HOME=$0 exec " BROWSER " --headless --no-sandbox --disable-gpu"
        " --no-proxy-server --user-data-dir=$0 --virtual-time-budget=20000"
        " --dump-dom http://$1/page.php 2>/dev/null";
    struct temp *folder = temp_new();
    char *home = temp_path(folder, "");
    char *out = temp_path(folder, "out");
    const char *const arguments[] = {"-c", command, home,
                                     front_address(setup->front), NULL};
    struct program_spec spec = {
        .path = "/bin/sh", .arguments = arguments, .log = out};
    struct program *browser = program_start(&spec);
    (void)program_await(browser, PATIENCE_MS, never, NULL);
    program_stop(browser);
    read_page(setup, out);
    free(home);
    free(out);
    temp_free(folder);
}

static void assert_seen(void **state, const char *line)
{
    const struct setup *setup = *state;
    if (setup == NULL) {
        skip();
    } else if (strstr(setup->page, line) == NULL) {
        fail_msg("'%s' is not on the page:\n%s", line, setup->page);
    }
}

static void a_page_runs_to_its_end(void **state)
{
    assert_seen(state, "\nend\n");
}

static void pictures_are_shown(void **state)
{
    for (int size = 50; size <= 300; size += 50) {
        char line[40];
        (void)snprintf(line, sizeof(line), "picture %d x %d\n", size, 2 * size);
        assert_seen(state, line);
    }
}

static void a_form_is_posted(void **state)
{
    assert_seen(state, "form visit 2 name a &amp; \xc3\xbc = 100%\n");
}

static void a_file_is_sent(void **state)
{
    char hash[17];
    char line[100];
    pattern_hash(hash, FILE_LEN);
    (void)snprintf(line, sizeof(line), "lines.txt %zu %s\n", FILE_LEN, hash);
    assert_seen(state, line);
}

static void the_session_lasts_from_one_request_to_the_next(void **state)
{
    assert_seen(state, "\nform visit 2 ");
    assert_seen(state, "\nfile visit 3 ");
}

static int start(void **state, const char *program)
{
    /* A browser opens six connections; each may need one of the children, and
     * keeps it from the others while it is idle. */
    static const struct php_fpm_options options = {.max_children = 8};
    static struct setup setup;
    if (!php_fpm_installed()) {
        return program_missing("php-fpm");
    }
    setup.fpm = php_fpm_start(&options);
    char *root = php_fpm_script("");
    setup.front = front_start(program, php_fpm_address(setup.fpm), root, NULL);
    free(root);
    if (setup.front == NULL) {
        php_fpm_stop(setup.fpm);
        return program_missing(program);
    }
    show_page(&setup);
    *state = &setup;
    return 0;
}

static int start_events(void **state)
{
    return start(state, "fcgi-gateway");
}

static int start_threads(void **state)
{
    return start(state, "gateway-threads");
}

static int stop(void **state)
{
    struct setup *setup = *state;
    bool ended = true;
    if (setup != NULL) {
        ended = front_stop(setup->front);
        php_fpm_stop(setup->fpm);
    }
    return ended ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_runs_to_its_end),
        cmocka_unit_test(pictures_are_shown),
        cmocka_unit_test(a_form_is_posted),
        cmocka_unit_test(a_file_is_sent),
        cmocka_unit_test(the_session_lasts_from_one_request_to_the_next),
    };
    if (!program_exists(BROWSER)) {
        (void)puts("skipped: there is no " BROWSER);
        return SKIPPED;
    }
    int failed =
        cmocka_run_group_tests_name("fcgi-gateway", tests, start_events, stop);
    failed += cmocka_run_group_tests_name("gateway-threads", tests,
                                          start_threads, stop);
    return failed;
}
