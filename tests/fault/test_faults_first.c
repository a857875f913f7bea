/*
 * The first client of a process, where something that is done only once fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include <fcgi_client.h>

#include "ask.h"
#include "faults.h"

/* The first client of a process tells libc what is to happen at a fork(). That
 * this has failed once must not be the end of it. */
static void
a_process_that_was_short_of_memory_can_have_a_client_later(void **state)
{
    (void)state;
    static const struct fault_way way = {FAULT_ATFORK, FAULT_REFUSES, ENOMEM,
                                         false};
    struct fcgi_client *client;
    faults_begin(&way, 1);
    assert_code(fcgi_client_new(&client, "/socket", NULL), FCGI_ERR_NO_MEMORY);
    assert_true(faults_end());
    assert_code(fcgi_client_new(&client, "/socket", NULL), FCGI_OK);
    fcgi_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(
        a_process_that_was_short_of_memory_can_have_a_client_later)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
