/*
 * Names: resolved at each dial, and each of their addresses tried in turn
 * within the time there is. The resolver is one of this program, in the place
 * of the system's.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fixture.h"
#include "process.h"

#define ADDRESSES_MAX 4

/* What the resolver answers, and how it was asked. */
static struct {
    int error;
    struct sockaddr_in addresses[ADDRESSES_MAX];
    size_t count;
    size_t calls;
    size_t outstanding;
} names;

static struct addrinfo *answer_from(size_t nth)
{
    if (nth == names.count) {
        return NULL;
    }
    struct addrinfo *info = calloc(1, sizeof(*info));
    if (info == NULL) {
        abort();
    }
    info->ai_family = AF_INET;
    info->ai_socktype = SOCK_STREAM;
    info->ai_addr = (struct sockaddr *)&names.addresses[nth];
    info->ai_addrlen = sizeof(names.addresses[nth]);
    info->ai_next = answer_from(nth + 1);
    return info;
}

int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints,
                struct addrinfo **restrict found)
{
    (void)name;
    (void)service;
    (void)hints;
    names.calls += 1;
    if (names.error != 0) {
        errno = EIO;
        return names.error;
    }
    names.outstanding += 1;
    *found = answer_from(0);
    return 0;
}

void freeaddrinfo(struct addrinfo *found)
{
    names.outstanding -= 1;
    while (found != NULL) {
        struct addrinfo *next = found->ai_next;
        free(found);
        found = next;
    }
}

static int forget_names(void **state)
{
    (void)state;
    memset(&names, 0, sizeof(names));
    return 0;
}

/* One more address of the name. */
static void add_address(const struct fake *app)
{
    const char *port = strchr(fake_address(app), ':') + 1;
    struct sockaddr_in *address = &names.addresses[names.count];
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    names.count += 1;
}

static void add_address_nobody_listens_at(void)
{
    struct fake *gone = fake_serve(FAKE_TCP);
    add_address(gone);
    fake_stop(gone);
}

static struct fcgi_client *client_for_name(int connect_ms)
{
    struct fcgi_client *client;
    struct fcgi_client_config config = {.timeouts = {.connect_ms = connect_ms}};
    assert_code(fcgi_client_new(&client, "app.example:9000", &config), FCGI_OK);
    return client;
}

static void a_name_is_resolved_at_each_dial_and_only_then(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_TCP);
    add_address(app);
    struct fcgi_client *client = client_for_name(0);
    assert_int_equal(names.calls, 0);
    ask_hello(client);
    ask_hello(client);
    assert_int_equal(names.calls, 1);
    fake_restart(app);
    ask_hello(client);
    assert_int_equal(names.calls, 2);
    assert_int_equal(names.outstanding, 0);
    fcgi_client_free(client);
    fake_stop(app);
}

static void a_number_is_never_resolved(void **state)
{
    static const enum fake_family families[] = {FAKE_TCP, FAKE_TCP6, FAKE_UNIX};
    for (size_t i = 0; i < 3; i++) {
        if (f->app != NULL) {
            struct fixture *f = fixture_serve(state, families[i], NULL);
            struct fixture *f = fixture_serve(state, families[i], NULL);
            ask_hello(f->client);
        }
    }
    assert_int_equal(names.calls, 0);
}

static void an_address_that_refuses_is_passed_over(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_TCP);
    add_address_nobody_listens_at();
    add_address_nobody_listens_at();
    add_address(app);
    struct fcgi_client *client = client_for_name(0);
    struct fcgi_outcome outcome = ask_hello(client);
    assert_false(outcome.retried);
    assert_int_equal(outcome.system_error, 0);
    assert_int_equal(stats_of(client).dials, 1);
    assert_int_equal(names.outstanding, 0);
    fcgi_client_free(client);
    fake_stop(app);
}

static void the_first_address_that_answers_is_used(void **state)
{
    (void)state;
    struct fake *first = fake_serve(FAKE_TCP);
    struct fake *second = fake_serve(FAKE_TCP);
    add_address(first);
    add_address(second);
    struct fcgi_client *client = client_for_name(0);
    ask_hello(client);
    assert_int_equal(fake_count(first, FAKE_ASKED), 1);
    assert_int_equal(fake_count(second, FAKE_ACCEPTED), 0);
    fcgi_client_free(client);
    fake_stop(first);
    fake_stop(second);
}

/* It gets its share of the time, not all of it. */
static void a_silent_address_leaves_time_for_the_next(void **state)
{
    (void)state;
    struct fake *silent = fake_clogged(FAKE_TCP);
    struct fake *app = fake_serve(FAKE_TCP);
    add_address(silent);
    add_address(app);
    struct fcgi_client *client = client_for_name(200);
    int64_t start = now_ms();
    struct fcgi_outcome outcome = ask_hello(client);
    assert_true(elapsed(start, 100));
    assert_in_range(outcome.connect_us, 100000, INT64_MAX);
    fcgi_client_free(client);
    fake_stop(silent);
    fake_stop(app);
}

static void all_addresses_together_keep_the_limit(void **state)
{
    (void)state;
    struct fake *silent = fake_clogged(FAKE_TCP);
    for (size_t i = 0; i < ADDRESSES_MAX; i++) {
        add_address(silent);
    }
    struct fcgi_client *client = client_for_name(80);
    struct fcgi_request request = get_request();
    int64_t start = now_ms();
    struct fcgi_outcome outcome =
        ask_expecting(client, &request, FCGI_ERR_CONNECT_TIMEOUT);
    assert_true(elapsed(start, 80));
    assert_int_equal(outcome.phase, FCGI_PHASE_CONNECT);
    assert_int_equal(names.outstanding, 0);
    fcgi_client_free(client);
    fake_stop(silent);
}

static void when_all_addresses_refuse_errno_says_so(void **state)
{
    (void)state;
    add_address_nobody_listens_at();
    add_address_nobody_listens_at();
    struct fcgi_client *client = client_for_name(0);
    struct fcgi_request request = get_request();
    size_t before = open_descriptors();
    struct fcgi_outcome outcome =
        ask_expecting(client, &request, FCGI_ERR_CONNECT);
    assert_int_equal(outcome.system_error, ECONNREFUSED);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(names.outstanding, 0);
    fcgi_client_free(client);
}

static void a_name_that_is_not_resolved_is_an_error_of_its_own(void **state)
{
    (void)state;
    static const int errors[] = {EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_SYSTEM};
    for (size_t i = 0; i < 4; i++) {
        struct fcgi_client *client = client_for_name(0);
        struct fcgi_request request = get_request();
        names.error = errors[i];
        struct fcgi_outcome outcome =
            ask_expecting(client, &request, FCGI_ERR_RESOLVE);
        assert_int_equal(outcome.system_error,
                         errors[i] == EAI_SYSTEM ? EIO : 0);
        assert_int_equal(stats_of(client).open, 0);
        fcgi_client_free(client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_name_is_resolved_at_each_dial_and_only_then,
                               forget_names),
        cmocka_unit_test_setup(a_number_is_never_resolved, forget_names),
        cmocka_unit_test_setup(an_address_that_refuses_is_passed_over,
                               forget_names),
        cmocka_unit_test_setup(the_first_address_that_answers_is_used,
                               forget_names),
        cmocka_unit_test_setup(a_silent_address_leaves_time_for_the_next,
                               forget_names),
        cmocka_unit_test_setup(all_addresses_together_keep_the_limit,
                               forget_names),
        cmocka_unit_test_setup(when_all_addresses_refuse_errno_says_so,
                               forget_names),
        cmocka_unit_test_setup(
            a_name_that_is_not_resolved_is_an_error_of_its_own, forget_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
