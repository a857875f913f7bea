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

/* A name without addresses. */
static struct fixture *begin(void **state)
{
    memset(&names, 0, sizeof(names));
    return *state;
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

/* A client of the name. */
static void use_name(struct fixture *f, int connect_ms)
{
    struct fcgi_client_config config = {.timeouts = {.connect_ms = connect_ms}};
    assert_code(fcgi_client_new(&f->client, "app.example:9000", &config),
                FCGI_OK);
}

static void a_name_is_resolved_at_each_dial_and_only_then(void **state)
{
    struct fixture *f = begin(state);
    f->app = fake_serve(FAKE_TCP);
    add_address(f->app);
    use_name(f, 0);
    assert_int_equal(names.calls, 0);
    ask_hello(f->client);
    ask_hello(f->client);
    assert_int_equal(names.calls, 1);
    fake_restart(f->app);
    ask_hello(f->client);
    assert_int_equal(names.calls, 2);
    assert_int_equal(names.outstanding, 0);
}

static void a_number_is_never_resolved(void **state)
{
    static const enum fake_family families[] = {FAKE_TCP, FAKE_UNIX, FAKE_TCP6};
    (void)begin(state);
    for (size_t i = 0; i < 3; i++) {
        struct fixture *f = fixture_serve(state, families[i], NULL);
        ask_hello(f->client);
        assert_int_equal(names.calls, 0);
    }
}

static void an_address_that_refuses_is_passed_over(void **state)
{
    struct fixture *f = begin(state);
    f->app = fake_serve(FAKE_TCP);
    add_address_nobody_listens_at();
    add_address_nobody_listens_at();
    add_address(f->app);
    use_name(f, 0);
    struct fcgi_outcome outcome = ask_hello(f->client);
    assert_false(outcome.retried);
    assert_int_equal(outcome.system_error, 0);
    assert_int_equal(stats_of(f->client).dials, 1);
    assert_int_equal(names.outstanding, 0);
}

static void the_first_address_that_answers_is_used(void **state)
{
    struct fixture *f = begin(state);
    struct fake *second = fixture_other_app(state, fake_serve(FAKE_TCP));
    f->app = fake_serve(FAKE_TCP);
    add_address(f->app);
    add_address(second);
    use_name(f, 0);
    ask_hello(f->client);
    assert_int_equal(fake_count(f->app, FAKE_ASKED), 1);
    assert_int_equal(fake_count(second, FAKE_ACCEPTED), 0);
}

/* It gets its share of the time, not all of it. */
static void a_silent_address_leaves_time_for_the_next(void **state)
{
    struct fixture *f = begin(state);
    f->app = fake_serve(FAKE_TCP);
    add_address(fixture_other_app(state, fake_clogged(FAKE_TCP)));
    add_address(f->app);
    use_name(f, 200);
    int64_t start = now_ms();
    struct fcgi_outcome outcome = ask_hello(f->client);
    assert_true(elapsed(start, 100));
    assert_in_range(outcome.connect_us, 100000, INT64_MAX);
}

static void all_addresses_together_keep_the_limit(void **state)
{
    struct fixture *f = begin(state);
    f->app = fake_clogged(FAKE_TCP);
    for (size_t i = 0; i < ADDRESSES_MAX; i++) {
        add_address(f->app);
    }
    use_name(f, 80);
    int64_t start = now_ms();
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &f->request, FCGI_ERR_CONNECT_TIMEOUT);
    assert_true(elapsed(start, 80));
    assert_int_equal(outcome.phase, FCGI_PHASE_CONNECT);
    assert_int_equal(names.outstanding, 0);
}

static void when_all_addresses_refuse_errno_says_so(void **state)
{
    struct fixture *f = begin(state);
    add_address_nobody_listens_at();
    add_address_nobody_listens_at();
    use_name(f, 0);
    size_t before = open_descriptors();
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &f->request, FCGI_ERR_CONNECT);
    assert_int_equal(outcome.system_error, ECONNREFUSED);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(names.outstanding, 0);
}

static void a_name_that_is_not_resolved_is_an_error_of_its_own(void **state)
{
    static const int errors[] = {EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_SYSTEM};
    struct fixture *f = begin(state);
    use_name(f, 0);
    for (size_t i = 0; i < 4; i++) {
        names.error = errors[i];
        struct fcgi_outcome outcome =
            ask_expecting(f->client, &f->request, FCGI_ERR_RESOLVE);
        assert_int_equal(outcome.system_error,
                         errors[i] == EAI_SYSTEM ? EIO : 0);
        assert_int_equal(stats_of(f->client).open, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_name_is_resolved_at_each_dial_and_only_then),
        fixture_test(a_number_is_never_resolved),
        fixture_test(an_address_that_refuses_is_passed_over),
        fixture_test(the_first_address_that_answers_is_used),
        fixture_test(a_silent_address_leaves_time_for_the_next),
        fixture_test(all_addresses_together_keep_the_limit),
        fixture_test(when_all_addresses_refuse_errno_says_so),
        fixture_test(a_name_that_is_not_resolved_is_an_error_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
