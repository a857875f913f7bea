/*
 * What an address is taken apart into: the strings for the resolver, and the
 * address of a socket, to the last byte.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/un.h>

#include <fcgi_client/error.h>

#include "../../src/net/address.h"

/* Whatever stood there before. */
static int parse(struct fcgi__address *address, const char *text)
{
    memset(address, 0xff, sizeof(*address));
    return fcgi__address_parse(address, text);
}

static const struct sockaddr_un *unix_of(const struct fcgi__address *address)
{
    return (const struct sockaddr_un *)(const void *)&address->socket;
}

static void a_name_and_its_port_are_strings(void **state)
{
    (void)state;
    struct fcgi__address address;
    assert_int_equal(parse(&address, "app.example:9000"), FCGI_OK);
    assert_true(address.is_name);
    assert_string_equal(address.host, "app.example");
    assert_string_equal(address.port, "9000");
}

static void a_path_is_one_of_a_single_byte_or_more(void **state)
{
    (void)state;
    struct fcgi__address address;
    assert_int_equal(parse(&address, "/"), FCGI_OK);
    assert_false(address.is_name);
    assert_string_equal(unix_of(&address)->sun_path, "/");
    assert_int_equal(parse(&address, "unix:"), FCGI_ERR_ADDRESS);
}

#ifdef __linux__

#define PATH_CAP sizeof(((struct sockaddr_un *)NULL)->sun_path)

static void an_abstract_name_has_one_letter_or_more(void **state)
{
    (void)state;
    struct fcgi__address address;
    assert_int_equal(parse(&address, "unix:@a"), FCGI_OK);
    assert_int_equal(address.socket_len,
                     offsetof(struct sockaddr_un, sun_path) + 2);
    assert_memory_equal(unix_of(&address)->sun_path, "\0a", 2);
    assert_int_equal(parse(&address, "unix:@"), FCGI_ERR_ADDRESS);
}

/* It needs no NUL at its end. */
static void an_abstract_name_may_fill_the_address_of_a_socket(void **state)
{
    (void)state;
    struct fcgi__address address;
    char text[sizeof("unix:") + PATH_CAP + 1] = "unix:@";
    memset(text + 6, 'x', PATH_CAP);
    assert_int_equal(parse(&address, text), FCGI_ERR_ADDRESS);
    text[5 + PATH_CAP] = '\0';
    assert_int_equal(parse(&address, text), FCGI_OK);
    assert_int_equal(address.socket_len,
                     offsetof(struct sockaddr_un, sun_path) + PATH_CAP);
}

#endif

static void a_name_has_255_letters_at_most(void **state)
{
    (void)state;
    struct fcgi__address address;
    char text[256 + sizeof(":9000")];
    memset(text, 'x', 256);
    memcpy(text + 256, ":9000", sizeof(":9000"));
    assert_int_equal(parse(&address, text), FCGI_ERR_ADDRESS);
    assert_int_equal(parse(&address, text + 1), FCGI_OK);
    assert_int_equal(strlen(address.host), 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_and_its_port_are_strings),
        cmocka_unit_test(a_path_is_one_of_a_single_byte_or_more),
#ifdef __linux__
        cmocka_unit_test(an_abstract_name_has_one_letter_or_more),
        cmocka_unit_test(an_abstract_name_may_fill_the_address_of_a_socket),
#endif
        cmocka_unit_test(a_name_has_255_letters_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
