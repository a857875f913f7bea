/*
 * The first client of a process, where something that is done only once fails
 * or is disturbed.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "faults.h"
#include "fixture.h"
#include "process.h"

static int exit_status;

/* The child has its own first client, and a child; it ends by itself should one
 * of them hang. */
static void have_child(int generations)
{
    pid_t child = fork();
    if (child == 0) {
        struct fcgi_client *client;
        (void)alarm(20);
        if (fcgi_client_new(&client, "/socket", NULL) != FCGI_OK) {
            _exit(1);
        }
        if (generations > 1) {
            have_child(generations - 1);
            if (exit_status != SIGKILL) {
                _exit(1);
            }
        }
        child_ends_well();
    }
    exit_status = await_exit(child);
}

static int fork_status;

/* A child, and then a client: the handlers are there twice. */
static void *act_beside(void *argument)
{
    struct fcgi_client *client;
    have_child(2);
    fork_status = exit_status;
    assert_code(fcgi_client_new(&client, "/socket", NULL), FCGI_OK);
    fcgi_client_free(client);
    return argument;
}

static void act_in_another_thread(void)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, act_beside, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* The first client of a process tells libc what is to happen at a fork(). That
 * this has failed once must not be the end of it. */
static void a_process_short_of_memory_is_refused_a_client(void **state)
{
    struct fixture *f = *state;
    static const struct fault_way way = {FAULT_ATFORK, FAULT_REFUSES, ENOMEM,
                                         false};
    faults_begin(&way, 1);
    assert_code(fcgi_client_new(&f->client, "/socket", NULL),
                FCGI_ERR_NO_MEMORY);
    assert_true(faults_end());
}

/* Any thread of the host may fork() at that moment, and have a client too. All
 * processes go on: they can have clients, and fork() again. */
static void
it_has_one_later_whatever_another_thread_does_amid_that(void **state)
{
    struct fixture *f = *state;
    faults_amid_registration(act_in_another_thread);
    assert_code(fcgi_client_new(&f->client, "/socket", NULL), FCGI_OK);
    assert_int_equal(fork_status, SIGKILL);
    have_child(1);
    assert_int_equal(exit_status, SIGKILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_process_short_of_memory_is_refused_a_client),
        fixture_test(it_has_one_later_whatever_another_thread_does_amid_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
