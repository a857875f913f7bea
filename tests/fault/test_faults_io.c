/*
 * Records through readers and writers of descriptors, while every call to the
 * system fails in turn (fault_sweep.h).
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcgi_client.h>
#include <fcgi_client/io.h>

#include "fault_sweep.h"
#include "pattern.h"
#include "test.h"

#define LEN 5000

static void use_pipe(struct stage *stage)
{
    assert_int_equal(pipe(stage->fds), 0);
    stage->bytes = pattern_make(LEN);
}

static void use_sockets(struct stage *stage)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stage->fds), 0);
    stage->bytes = pattern_make(LEN);
}

static void use_nonblocking_sockets(struct stage *stage)
{
    use_sockets(stage);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fcntl(stage->fds[i], F_SETFL, O_NONBLOCK), 0);
    }
}

static int write_record(struct stage *stage)
{
    struct fcgi_writer writer = fcgi_fd_writer(stage->fds[1]);
    return fcgi_record_write(&writer, FCGI_TYPE_STDOUT, 7, stage->bytes, LEN);
}

static int read_record(struct stage *stage)
{
    static char out[LEN];
    char buffer[8];
    struct fcgi_reader reader = fcgi_fd_reader(stage->fds[0]);
    struct fcgi_memory room = {out, 0, sizeof(out)};
    struct fcgi_record record;
    int rc = fcgi_record_read_into(&reader, &record, &room, &room, buffer,
                                   sizeof(buffer));
    assert_true(rc != FCGI_OK ||
                (record.header.request_id == 7 && record.content.len == LEN &&
                 pattern_matches(out, 0, LEN)));
    return rc;
}

static int write_and_read(struct stage *stage)
{
    int rc = write_record(stage);
    return rc == FCGI_OK ? read_record(stage) : rc;
}

int main(void)
{
    static const struct sweep sweeps[] = {
        {.name = "a_record_through_a_pipe",
         .prepare = use_pipe,
         .act = write_and_read},
        {.name = "a_record_through_sockets",
         .prepare = use_sockets,
         .act = write_and_read},
        {.name = "a_record_through_sockets_that_do_not_block",
         .prepare = use_nonblocking_sockets,
         .act = write_and_read},
    };
    return sweeps_run(sweeps, sizeof(sweeps) / sizeof(sweeps[0]));
}
