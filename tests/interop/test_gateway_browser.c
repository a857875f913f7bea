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
#include "output.h"
#include "pattern.h"
#include "program.h"
#include "site.h"
#include "temp.h"

#define BROWSER "/usr/bin/chromium"
#define SKIPPED 77
#define FILE_LEN ((size_t)1024 * 1024)

/* A browser opens six connections; each may need one of the children, and keeps
 * it from the others while it is idle. */
#define CHILDREN 8

/* As it stands when its script has ended. */
static char *page;

/* The browser's complaints (there is no desktop here) are no part of the page.
 * The time that the script may take stands still while it waits for an
 * answer. */
static char *show_page(const struct front *front)
{
    static const char command[] =
        "HOME=$0 exec " BROWSER " --headless --no-sandbox --disable-gpu"
        " --no-proxy-server --user-data-dir=$0 --virtual-time-budget=20000"
        " --dump-dom http://$1/page.php 2>/dev/null";
    struct temp *folder = temp_new();
    char *home = temp_path(folder, "");
    const char *const arguments[] = {"-c", command, home, front_address(front),
                                     NULL};
    char *text = output_of("/bin/sh", arguments);
    free(home);
    temp_free(folder);
    return text;
}

static void assert_seen(void **state, const char *line)
{
    (void)site_get(state);
    if (strstr(page, line) == NULL) {
        fail_msg("'%s' is not on the page:\n%s", line, page);
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
    int rc = site_of_php(state, program, CHILDREN);
    if (*state != NULL) {
        page = show_page(site_get(state)->front);
    }
    return rc;
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
    free(page);
    page = NULL;
    return site_stop(state);
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
