/*
 * Readers and writers over descriptors and streams.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcgi_client/io.h>

#include "ask.h"
#include "pattern.h"
#include "process.h"
#include "temp.h"
#include "test.h"
#include "ticks.h"

#define LARGE (1 << 20)

static void socket_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static void make_nonblocking(int fd)
{
    assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

/* Read to the end, and expect this text. */
static void assert_reads(const struct fcgi_reader *reader, const char *text)
{
    char buf[64];
    size_t len = 0;
    size_t got = 1;
    while (got > 0) {
        assert_code(
            reader->read(reader->context, buf + len, sizeof(buf) - len, &got),
            FCGI_OK);
        len += got;
    }
    assert_int_equal(len, strlen(text));
    assert_memory_equal(buf, text, len);
}

static int write_text(const struct fcgi_writer *writer, const char *text)
{
    struct fcgi_slice slice = {text, strlen(text)};
    return writer->write(writer->context, &slice, 1);
}

/* What a thread does to the other end of a pipe or socket as soon as the test
 * itself waits for that. */
struct partner {
    int fd;
    const char *text;  /* to write; NULL: read */
    struct wire found; /* what was read */
    pthread_t thread;
};

static void *act_as_partner(void *argument)
{
    struct partner *partner = argument;
    char buf[4096];
    await_main_asleep();
    if (partner->text != NULL) {
        size_t len = strlen(partner->text);
        (void)!write(partner->fd, partner->text, len);
        (void)close(partner->fd);
        return NULL;
    }
    ssize_t got = read_on(partner->fd, buf, sizeof(buf));
    while (got > 0) {
        wire_append(&partner->found, buf, (size_t)got);
        got = read_on(partner->fd, buf, sizeof(buf));
    }
    return NULL;
}

static void begin_partner(struct partner *partner)
{
    assert_int_equal(
        pthread_create(&partner->thread, NULL, act_as_partner, partner), 0);
}

static void end_partner(struct partner *partner)
{
    assert_int_equal(pthread_join(partner->thread, NULL), 0);
}

/* ---- readers ----------------------------------------------------------- */

static void fd_reader_reads_a_file_to_its_end(void **state)
{
    (void)state;
    int fd = temp_file("all of it", 9);
    struct fcgi_reader reader = fcgi_fd_reader(fd);
    assert_reads(&reader, "all of it");
    close(fd);
}

static void fd_reader_waits_for_a_silent_pipe(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct partner partner = {.fd = fds[1], .text = "at last"};
    begin_partner(&partner);
    struct fcgi_reader reader = fcgi_fd_reader(fds[0]);
    assert_reads(&reader, "at last");
    end_partner(&partner);
    close(fds[0]);
}

static void fd_reader_waits_for_a_silent_nonblocking_socket(void **state)
{
    (void)state;
    int fds[2];
    socket_pair(fds);
    make_nonblocking(fds[0]);
    struct partner partner = {.fd = fds[1], .text = "at last"};
    begin_partner(&partner);
    struct fcgi_reader reader = fcgi_fd_reader(fds[0]);
    assert_reads(&reader, "at last");
    end_partner(&partner);
    close(fds[0]);
}

static void fd_reader_tells_a_reset_from_an_end(void **state)
{
    (void)state;
    int fds[2];
    char byte;
    size_t got;
    socket_pair(fds);
    /* A Unix socket closed with unread bytes resets its peer. */
    assert_int_equal(write(fds[0], "unread", 6), 6);
    close(fds[1]);
    struct fcgi_reader reader = fcgi_fd_reader(fds[0]);
    assert_code(reader.read(reader.context, &byte, 1, &got), FCGI_ERR_RESET);
    close(fds[0]);
}

static void fd_reader_of_no_descriptor_fails(void **state)
{
    (void)state;
    char byte;
    size_t got;
    struct fcgi_reader reader = fcgi_fd_reader(-1);
    assert_code(reader.read(reader.context, &byte, 1, &got), FCGI_ERR_SYSTEM);
}

static void fd_reader_serves_whole_records(void **state)
{
    (void)state;
    struct wire w = {0};
    struct fcgi_record record;
    char buf[16];
    wire_record(&w, WIRE_STDOUT, 3, "hello", 5, 200);
    int fd = temp_file(w.data, w.len);
    struct fcgi_reader reader = fcgi_fd_reader(fd);
    assert_code(fcgi_record_read(&reader, &record, buf, sizeof(buf)), FCGI_OK);
    assert_int_equal(record.header.request_id, 3);
    assert_int_equal(record.content.len, 5);
    assert_memory_equal(record.content.data, "hello", 5);
    assert_code(fcgi_record_read(&reader, &record, buf, sizeof(buf)),
                FCGI_ERR_CLOSED);
    close(fd);
    wire_free(&w);
}

static void file_reader_reads_a_stream_to_its_end(void **state)
{
    (void)state;
    FILE *file = fdopen(temp_file("all of it", 9), "r");
    struct fcgi_reader reader = fcgi_file_reader(file);
    assert_reads(&reader, "all of it");
    fclose(file);
}

static void file_reader_of_a_stream_to_write_fails(void **state)
{
    (void)state;
    char byte;
    size_t got;
    FILE *file = fdopen(temp_file("", 0), "w");
    struct fcgi_reader reader = fcgi_file_reader(file);
    assert_code(reader.read(reader.context, &byte, 1, &got), FCGI_ERR_SYSTEM);
    fclose(file);
}

/* ---- writers ----------------------------------------------------------- */

static void fd_writer_takes_any_number_of_slices(void **state)
{
    (void)state;
    static struct fcgi_slice slices[3000];
    char *text = pattern_make(sizeof(slices) / sizeof(slices[0]));
    char found[sizeof(slices) / sizeof(slices[0])];
    for (size_t i = 0; i < sizeof(found); i++) {
        slices[i] = (struct fcgi_slice){text + i, 1};
    }
    int fd = temp_file("", 0);
    struct fcgi_writer writer = fcgi_fd_writer(fd);
    assert_code(writer.write(writer.context, slices, sizeof(found)), FCGI_OK);
    assert_int_equal(pread(fd, found, sizeof(found), 0), sizeof(found));
    assert_memory_equal(found, text, sizeof(found));
    free(text);
    close(fd);
}

static void fd_writer_takes_empty_slices(void **state)
{
    (void)state;
    struct fcgi_slice slices[] = {{NULL, 0}, {"ab", 2}, {NULL, 0}};
    char found[3];
    int fd = temp_file("", 0);
    struct fcgi_writer writer = fcgi_fd_writer(fd);
    assert_code(writer.write(writer.context, slices, 3), FCGI_OK);
    assert_code(writer.write(writer.context, slices, 0), FCGI_OK);
    assert_int_equal(pread(fd, found, 3, 0), 2);
    assert_memory_equal(found, "ab", 2);
    close(fd);
}

/* More than a socket holds, in two slices, so that writes are partial. */
static void assert_writes_all(int from, int to)
{
    char *body = pattern_make(LARGE);
    struct fcgi_slice slices[] = {{body, 100}, {body + 100, LARGE - 100}};
    struct partner partner = {.fd = to};
    begin_partner(&partner);
    struct fcgi_writer writer = fcgi_fd_writer(from);
    assert_code(writer.write(writer.context, slices, 2), FCGI_OK);
    close(from);
    end_partner(&partner);
    assert_int_equal(partner.found.len, LARGE);
    assert_true(pattern_matches(partner.found.data, 0, LARGE));
    close(to);
    wire_free(&partner.found);
    free(body);
}

static void fd_writer_waits_for_a_slow_socket(void **state)
{
    (void)state;
    int fds[2];
    socket_pair(fds);
    assert_writes_all(fds[0], fds[1]);
}

static void fd_writer_waits_for_a_slow_nonblocking_socket(void **state)
{
    (void)state;
    int fds[2];
    socket_pair(fds);
    make_nonblocking(fds[0]);
    assert_writes_all(fds[0], fds[1]);
}

static void fd_writer_waits_for_a_slow_nonblocking_pipe(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    make_nonblocking(fds[1]);
    assert_writes_all(fds[1], fds[0]);
}

static void fd_writer_to_a_closed_socket_fails_without_sigpipe(void **state)
{
    (void)state;
    int fds[2];
    socket_pair(fds);
    close(fds[1]);
    struct fcgi_writer writer = fcgi_fd_writer(fds[0]);
    assert_code(write_text(&writer, "in vain"), FCGI_ERR_RESET);
    close(fds[0]);
}

static void fd_writer_to_a_closed_pipe_obeys_the_process(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        int fds[2];
        (void)!pipe(fds);
        (void)close(fds[0]);
        struct fcgi_writer writer = fcgi_fd_writer(fds[1]);
        _exit(write_text(&writer, "in vain") == FCGI_OK);
    }
    int status = await_exit(child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGPIPE);
}

static void fd_writer_to_a_closed_pipe_is_a_reset_without_sigpipe(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    struct fcgi_writer writer = fcgi_fd_writer(fds[1]);
    assert_code(write_text(&writer, "in vain"), FCGI_ERR_RESET);
    (void)signal(SIGPIPE, before);
    close(fds[1]);
}

static void fd_writer_to_a_pipes_reading_end_fails(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct fcgi_writer writer = fcgi_fd_writer(fds[0]);
    assert_code(write_text(&writer, "in vain"), FCGI_ERR_SYSTEM);
    close(fds[0]);
    close(fds[1]);
}

static void fd_writer_to_no_descriptor_fails(void **state)
{
    (void)state;
    struct fcgi_writer writer = fcgi_fd_writer(-1);
    assert_code(write_text(&writer, "in vain"), FCGI_ERR_SYSTEM);
}

static void file_writer_writes_and_leaves_flushing_to_the_caller(void **state)
{
    (void)state;
    char found[8];
    int fd = temp_file("", 0);
    FILE *file = fdopen(dup(fd), "w");
    struct fcgi_writer writer = fcgi_file_writer(file);
    assert_code(write_text(&writer, "text"), FCGI_OK);
    assert_int_equal(pread(fd, found, sizeof(found), 0), 0);
    fflush(file);
    assert_int_equal(pread(fd, found, sizeof(found), 0), 4);
    assert_memory_equal(found, "text", 4);
    fclose(file);
    close(fd);
}

static void file_writer_to_a_stream_to_read_fails(void **state)
{
    (void)state;
    FILE *file = fdopen(temp_file("", 0), "r");
    struct fcgi_writer writer = fcgi_file_writer(file);
    assert_code(write_text(&writer, "in vain"), FCGI_ERR_SYSTEM);
    fclose(file);
}

/* ---- interruptions ----------------------------------------------------- */

static void readers_and_writers_go_on_after_signals(void **state)
{
    (void)state;
    static const char text[] = "at last";
    int fds[2];
    char found[sizeof(text)];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        pass_ms(50);
        (void)!write(fds[1], text, sizeof(text));
        _exit(0);
    }
    ticks_begin();
    size_t got = 0;
    struct fcgi_reader reader = fcgi_fd_reader(fds[0]);
    int rc = reader.read(reader.context, found, sizeof(found), &got);
    assert_true(ticks_end() > 0);
    assert_code(rc, FCGI_OK);
    assert_int_equal(got, sizeof(text));
    (void)await_exit(child);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fd_reader_reads_a_file_to_its_end),
        cmocka_unit_test(fd_reader_waits_for_a_silent_pipe),
        cmocka_unit_test(fd_reader_waits_for_a_silent_nonblocking_socket),
        cmocka_unit_test(fd_reader_tells_a_reset_from_an_end),
        cmocka_unit_test(fd_reader_of_no_descriptor_fails),
        cmocka_unit_test(fd_reader_serves_whole_records),
        cmocka_unit_test(file_reader_reads_a_stream_to_its_end),
        cmocka_unit_test(file_reader_of_a_stream_to_write_fails),
        cmocka_unit_test(fd_writer_takes_any_number_of_slices),
        cmocka_unit_test(fd_writer_takes_empty_slices),
        cmocka_unit_test(fd_writer_waits_for_a_slow_socket),
        cmocka_unit_test(fd_writer_waits_for_a_slow_nonblocking_socket),
        cmocka_unit_test(fd_writer_waits_for_a_slow_nonblocking_pipe),
        cmocka_unit_test(fd_writer_to_a_closed_socket_fails_without_sigpipe),
        cmocka_unit_test(fd_writer_to_a_closed_pipe_obeys_the_process),
        cmocka_unit_test(fd_writer_to_a_closed_pipe_is_a_reset_without_sigpipe),
        cmocka_unit_test(fd_writer_to_a_pipes_reading_end_fails),
        cmocka_unit_test(fd_writer_to_no_descriptor_fails),
        cmocka_unit_test(file_writer_writes_and_leaves_flushing_to_the_caller),
        cmocka_unit_test(file_writer_to_a_stream_to_read_fails),
        cmocka_unit_test(readers_and_writers_go_on_after_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
