/*
 * Sources over descriptors and streams: what they hand out, when they wait,
 * and where they go back to.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcgi_client/io.h>

#include "ask.h"
#include "temp.h"
#include "test.h"

static int read_some(const struct fcgi_source *source, char *buf, size_t cap,
                     size_t *got)
{
    *got = 0;
    return source->read(source->context, buf, cap, got);
}

/* Read to the end, and expect this text. */
static void assert_gives(const struct fcgi_source *source, const char *text)
{
    char buf[64];
    size_t len = 0;
    size_t got = 1;
    while (got > 0) {
        assert_code(read_some(source, buf + len, 5, &got), FCGI_OK);
        len += got;
        assert_in_range(len, 0, sizeof(buf) - 5);
    }
    assert_int_equal(len, strlen(text));
    assert_memory_equal(buf, text, len);
}

static bool replayable(const struct fcgi_source *source)
{
    return source->replay != NULL &&
           source->replay(source->context, 0) == FCGI_OK;
}

static void assert_waits(const struct fcgi_source *source, int fd)
{
    char buf[8];
    size_t got;
    assert_code(read_some(source, buf, sizeof(buf), &got), FCGI_WAIT);
    assert_non_null(source->descriptor);
    assert_int_equal(source->descriptor(source->context), fd);
}

static void fd_source_begins_where_the_file_stands(void **state)
{
    (void)state;
    struct fcgi_fd_state file;
    int fd = temp_file("skipped, read", 13);
    assert_int_equal(lseek(fd, 9, SEEK_SET), 9);
    struct fcgi_source source = fcgi_fd_source(&file, fd);
    assert_int_equal(source.len, 4);
    assert_gives(&source, "read");
    close(fd);
}

static void fd_source_replays_to_where_the_file_stood(void **state)
{
    (void)state;
    struct fcgi_fd_state file;
    int fd = temp_file("skipped, read", 13);
    assert_int_equal(lseek(fd, 9, SEEK_SET), 9);
    struct fcgi_source source = fcgi_fd_source(&file, fd);
    assert_true(replayable(&source));
    assert_gives(&source, "read");
    assert_code(source.replay(source.context, 4), FCGI_OK);
    assert_gives(&source, "read");
    close(fd);
}

static void asking_whether_it_can_replay_moves_nothing(void **state)
{
    (void)state;
    struct fcgi_fd_state file;
    int fd = temp_file("skipped, read", 13);
    assert_int_equal(lseek(fd, 9, SEEK_SET), 9);
    struct fcgi_source source = fcgi_fd_source(&file, fd);
    assert_true(replayable(&source));
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 9);
    close(fd);
}

static void fd_source_of_a_silent_pipe_waits_for_it(void **state)
{
    (void)state;
    int fds[2];
    struct fcgi_fd_state pipe_state;
    assert_int_equal(pipe(fds), 0);
    struct fcgi_source source = fcgi_fd_source(&pipe_state, fds[0]);
    assert_waits(&source, fds[0]);
    assert_int_equal(write(fds[1], "ab", 2), 2);
    char buf[8];
    size_t got;
    assert_code(read_some(&source, buf, sizeof(buf), &got), FCGI_OK);
    assert_int_equal(got, 2);
    assert_waits(&source, fds[0]);
    close(fds[1]);
    assert_gives(&source, "");
    close(fds[0]);
}

static void fd_source_of_a_silent_socket_waits_for_it(void **state)
{
    (void)state;
    int fds[2];
    struct fcgi_fd_state socket_state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct fcgi_source source = fcgi_fd_source(&socket_state, fds[0]);
    assert_waits(&source, fds[0]);
    assert_int_equal(write(fds[1], "ab", 2), 2);
    assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    assert_gives(&source, "ab");
    close(fds[0]);
    close(fds[1]);
}

static void fd_source_leaves_the_flags_of_its_descriptor(void **state)
{
    (void)state;
    static const int flags[] = {0, O_NONBLOCK};
    for (size_t i = 0; i < 2; i++) {
        int fds[2];
        struct fcgi_fd_state pipe_state;
        assert_int_equal(pipe(fds), 0);
        assert_int_equal(fcntl(fds[0], F_SETFL, flags[i]), 0);
        int before = fcntl(fds[0], F_GETFL);
        struct fcgi_source source = fcgi_fd_source(&pipe_state, fds[0]);
        assert_waits(&source, fds[0]);
        assert_int_equal(fcntl(fds[0], F_GETFL), before);
        close(fds[0]);
        close(fds[1]);
    }
}

static void what_cannot_seek_cannot_be_replayed(void **state)
{
    (void)state;
    int fds[2];
    struct fcgi_fd_state pipe_state;
    struct fcgi_file_state file_state;
    assert_int_equal(pipe(fds), 0);
    struct fcgi_source source = fcgi_fd_source(&pipe_state, fds[0]);
    assert_false(replayable(&source));
    FILE *file = fdopen(fds[0], "r");
    source = fcgi_file_source(&file_state, file);
    assert_false(replayable(&source));
    fclose(file);
    close(fds[1]);
}

/* Closed behind the source's back. */
static void what_can_seek_no_more_cannot_be_replayed(void **state)
{
    (void)state;
    struct fcgi_fd_state fd_state;
    struct fcgi_file_state file_state;
    int fd = temp_file("text", 4);
    FILE *file = fdopen(dup(fd), "r");
    struct fcgi_source of_fd = fcgi_fd_source(&fd_state, fd);
    struct fcgi_source of_file = fcgi_file_source(&file_state, file);
    close(fd);
    assert_int_equal(of_fd.replay(of_fd.context, 2), FCGI_ERR_SYSTEM);
    close(fileno(file));
    assert_int_equal(of_file.replay(of_file.context, 2), FCGI_ERR_SYSTEM);
    fclose(file);
}

/* What stands at the end of a file, or behind it, has nothing more to say, even
 * if something is appended. */
static void fd_source_behind_the_end_is_empty(void **state)
{
    (void)state;
    struct fcgi_fd_state file;
    int fd = temp_file("text", 4);
    assert_int_equal(lseek(fd, 100, SEEK_SET), 100);
    struct fcgi_source source = fcgi_fd_source(&file, fd);
    assert_int_equal(write(fd, "appended", 8), 8);
    assert_int_equal(lseek(fd, 100, SEEK_SET), 100);
    assert_int_equal(source.len, 0);
    assert_null(source.read);
    close(fd);
}

/* A file of Linux's /proc has a length of 0, and bytes. */
static void fd_source_of_a_file_without_a_length_reads_to_its_end(void **state)
{
    (void)state;
    struct fcgi_fd_state file;
    char bytes[8];
    size_t got;
    int fd = open("/proc/self/comm", O_RDONLY);
    if (fd < 0) {
        skip();
    }
    struct fcgi_source source = fcgi_fd_source(&file, fd);
    assert_int_equal(source.len, 0);
    assert_int_equal(read_some(&source, bytes, sizeof(bytes), &got), FCGI_OK);
    assert_true(got > 0);
    close(fd);
}

static void fd_source_of_no_descriptor_fails(void **state)
{
    (void)state;
    char byte;
    size_t got;
    struct fcgi_fd_state nothing;
    struct fcgi_source source = fcgi_fd_source(&nothing, -1);
    assert_in_range(-read_some(&source, &byte, 1, &got), 1, 100);
}

static void fd_source_of_a_folder_fails(void **state)
{
    (void)state;
    char byte;
    size_t got;
    struct fcgi_fd_state folder;
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    struct fcgi_source source = fcgi_fd_source(&folder, fd);
    assert_in_range(-read_some(&source, &byte, 1, &got), 1, 100);
    close(fd);
}

/* The stream has read ahead, so that its descriptor stands elsewhere. */
static void file_source_begins_where_the_stream_stands(void **state)
{
    (void)state;
    struct fcgi_file_state file_state;
    FILE *file = fdopen(temp_file("!read", 5), "r");
    assert_int_equal(fgetc(file), '!');
    struct fcgi_source source = fcgi_file_source(&file_state, file);
    assert_gives(&source, "read");
    fclose(file);
}

static void file_source_replays_to_where_the_stream_stood(void **state)
{
    (void)state;
    struct fcgi_file_state file_state;
    FILE *file = fdopen(temp_file("!read", 5), "r");
    assert_int_equal(fgetc(file), '!');
    struct fcgi_source source = fcgi_file_source(&file_state, file);
    assert_true(replayable(&source));
    assert_gives(&source, "read");
    assert_code(source.replay(source.context, 4), FCGI_OK);
    assert_gives(&source, "read");
    fclose(file);
}

static void file_source_of_a_stream_to_write_fails(void **state)
{
    (void)state;
    char byte;
    size_t got;
    struct fcgi_file_state file_state;
    FILE *file = fdopen(temp_file("", 0), "w");
    struct fcgi_source source = fcgi_file_source(&file_state, file);
    assert_in_range(-read_some(&source, &byte, 1, &got), 1, 100);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fd_source_begins_where_the_file_stands),
        cmocka_unit_test(fd_source_replays_to_where_the_file_stood),
        cmocka_unit_test(asking_whether_it_can_replay_moves_nothing),
        cmocka_unit_test(fd_source_of_a_silent_pipe_waits_for_it),
        cmocka_unit_test(fd_source_of_a_silent_socket_waits_for_it),
        cmocka_unit_test(fd_source_leaves_the_flags_of_its_descriptor),
        cmocka_unit_test(what_cannot_seek_cannot_be_replayed),
        cmocka_unit_test(what_can_seek_no_more_cannot_be_replayed),
        cmocka_unit_test(fd_source_behind_the_end_is_empty),
        cmocka_unit_test(fd_source_of_a_file_without_a_length_reads_to_its_end),
        cmocka_unit_test(fd_source_of_no_descriptor_fails),
        cmocka_unit_test(fd_source_of_a_folder_fails),
        cmocka_unit_test(file_source_begins_where_the_stream_stands),
        cmocka_unit_test(file_source_replays_to_where_the_stream_stood),
        cmocka_unit_test(file_source_of_a_stream_to_write_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
