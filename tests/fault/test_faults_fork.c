/*
 * The list of what is told of a fork(): each object, in the child alone, under
 * its lock; nobody changes the list meanwhile. That is so whether the handlers
 * were registered once or, by two threads at a time, twice.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <fcgi_client/error.h>

#include "../../src/net/fork.h"
#include "ask.h"
#include "faults.h"
#include "process.h"
#include "test.h"

/* How long what must not end is looked at. */
#define WHILE_MS 30

struct object {
    struct fcgi__forkable forkable; /* first */
    pthread_mutex_t lock;
    int told;
    bool was_locked;
};

static void tell(struct fcgi__forkable *forkable)
{
    struct object *object = (struct object *)(void *)forkable;
    object->told += 1;
    object->was_locked = pthread_mutex_trylock(&object->lock) == EBUSY;
}

static void watch(struct object *object)
{
    *object = (struct object){.forkable.in_child = tell};
    object->forkable.lock = &object->lock;
    assert_int_equal(pthread_mutex_init(&object->lock, NULL), 0);
    assert_code(fcgi__fork_watch(&object->forkable), FCGI_OK);
}

static void unwatch(struct object *object)
{
    fcgi__fork_unwatch(&object->forkable);
    assert_int_equal(pthread_mutex_destroy(&object->lock), 0);
}

static bool is_free(struct object *object)
{
    return pthread_mutex_trylock(&object->lock) == 0 &&
           pthread_mutex_unlock(&object->lock) == 0;
}

/* Whether a child finds each object as it must be: told once or not at all, by
 * the digits of `told`. It ends by itself should it hang. */
static bool child_finds(struct object *objects, const char *told)
{
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(20);
        for (size_t i = 0; told[i] != '\0'; i++) {
            int times = told[i] - '0';
            if (objects[i].told != times || !is_free(&objects[i]) ||
                objects[i].was_locked != (times > 0)) {
                _exit(1);
            }
        }
        child_ends_well();
    }
    return await_exit(child) == SIGKILL;
}

static void each_object_is_told_once_in_the_child_and_locked(void **state)
{
    (void)state;
    struct object objects[3];
    for (size_t i = 0; i < 3; i++) {
        watch(&objects[i]);
    }
    assert_true(child_finds(objects, "111"));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(objects[i].told, 0);
        assert_true(is_free(&objects[i]));
        unwatch(&objects[i]);
    }
}

static void an_object_no_longer_watched_is_not_told(void **state)
{
    (void)state;
    struct object objects[4];
    for (size_t i = 0; i < 4; i++) {
        watch(&objects[i]);
    }
    fcgi__fork_unwatch(&objects[1].forkable);
    assert_true(child_finds(objects, "1011"));
    fcgi__fork_unwatch(&objects[3].forkable);
    assert_true(child_finds(objects, "1010"));
    fcgi__fork_unwatch(&objects[0].forkable);
    assert_true(child_finds(objects, "0010"));
    fcgi__fork_unwatch(&objects[2].forkable);
    assert_true(child_finds(objects, "0000"));
}

static void an_object_may_be_watched_again(void **state)
{
    (void)state;
    struct object objects[2];
    watch(&objects[0]);
    watch(&objects[1]);
    fcgi__fork_unwatch(&objects[0].forkable);
    assert_code(fcgi__fork_watch(&objects[0].forkable), FCGI_OK);
    fcgi__fork_unwatch(&objects[1].forkable);
    assert_true(child_finds(objects, "10"));
    fcgi__fork_unwatch(&objects[0].forkable);
    assert_true(child_finds(objects, "00"));
}

/* ---- amid a fork() ------------------------------------------------------ */

/* What another thread does while this one forks, and whether it has ended
 * before the fork() has. */
static void *(*act)(void *);
static struct object *acted_on;
static pthread_t beside;
static atomic_bool has_ended;
static bool ended_early;

static void *watch_beside(void *argument)
{
    watch(argument);
    atomic_store(&has_ended, true);
    return NULL;
}

static void *unwatch_beside(void *argument)
{
    unwatch(argument);
    atomic_store(&has_ended, true);
    return NULL;
}

/* Registered first, and so called last before a fork(). */
static void act_amid_fork(void)
{
    if (act == NULL) {
        return;
    }
    atomic_store(&has_ended, false);
    if (pthread_create(&beside, NULL, act, acted_on) != 0) {
        _exit(1);
    }
    for (int ms = 0; ms < WHILE_MS && !atomic_load(&has_ended); ms++) {
        pass_ms(1);
    }
    ended_early = atomic_load(&has_ended);
}

static void fork_while(void *(*beside_act)(void *), struct object *object)
{
    act = beside_act;
    acted_on = object;
    pid_t child = fork();
    if (child == 0) {
        child_ends_well();
    }
    act = NULL;
    assert_int_equal(await_exit(child), SIGKILL);
    assert_int_equal(pthread_join(beside, NULL), 0);
}

/* Else the list would be a copy of one that is half changed. */
static void the_list_is_changed_only_when_a_fork_has_ended(void **state)
{
    (void)state;
    struct object objects[2];
    watch(&objects[0]);
    fork_while(watch_beside, &objects[1]);
    assert_false(ended_early);
    assert_true(child_finds(objects, "11"));
    fork_while(unwatch_beside, &objects[1]);
    assert_false(ended_early);
    unwatch(&objects[0]);
}

/* ---- once and twice ----------------------------------------------------- */

static struct object other;

static void watch_other(void)
{
    watch(&other);
}

static int register_twice(void **state)
{
    (void)state;
    struct object object;
    faults_amid_registration(watch_other);
    watch(&object);
    unwatch(&object);
    unwatch(&other);
    return 0;
}

/* Each in a process of its own, as nothing is registered there yet. */
static bool passes(const char *name, CMFixtureFunction set_up)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_object_is_told_once_in_the_child_and_locked),
        cmocka_unit_test(an_object_no_longer_watched_is_not_told),
        cmocka_unit_test(an_object_may_be_watched_again),
        cmocka_unit_test(the_list_is_changed_only_when_a_fork_has_ended),
    };
    pid_t process = fork();
    if (process == 0) {
        (void)alarm(60);
        exit(cmocka_run_group_tests_name(name, tests, set_up, NULL));
    }
    return await_exit(process) == 0;
}

int main(void)
{
    if (pthread_atfork(act_amid_fork, NULL, NULL) != 0) {
        return 1;
    }
    bool once = passes("registered once", NULL);
    bool twice = passes("registered twice", register_twice);
    return once && twice ? 0 : 1;
}
