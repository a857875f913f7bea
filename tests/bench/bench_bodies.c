/*
 * bench_bodies - large answers and large uploads. The limit sends the same
 * bytes from one piece of memory, and receives into one: as large as the answer
 * where that is collected, used again and again where it is only passed on.
 */
#include "rows.h"

#include "asker.h"
#include "sample.h"

#define TEN_MB 10000000
#define UPLOAD ((size_t)64 << 20)
#define SMALL_ANSWER 100

/* What the limit receives into at a time, where nothing is kept. */
#define PIECE ((size_t)64 << 10)

static int pass_on(void *context, const void *data, size_t *len)
{
    (void)context;
    (void)data;
    (void)len;
    return 0;
}

static void *open_collected(void)
{
    struct fcgi_request request = sample_request(NULL, 0);
    return asker_open(AF_UNIX, TEN_MB, &request);
}

static void *open_streamed(void)
{
    struct fcgi_request request = sample_request(NULL, 0);

    request.sink.body = pass_on;
    struct asker *asker = asker_open(AF_UNIX, TEN_MB, &request);
    asker->in_pieces = true;
    asker->room_len = PIECE;
    return asker;
}

/* Whatever the library wants sent of a body must be the caller's own memory:
 * nothing else says so as plainly as where it lies. */
static void check_not_copied(const struct fcgi_request *request)
{
    const char *body = request->body.data;
    struct fcgi_response response = {0};
    struct fcgi_exchange *x = NULL;
    struct fcgi_slice slices[8];
    size_t found = 0;

    bench_check(fcgi_exchange_new(&x, NULL) == FCGI_OK &&
                    fcgi_exchange_begin(x, request, &response, 1, 0) == FCGI_OK,
                "the upload cannot begin");
    while (!fcgi_exchange_sent_all(x)) {
        int count = fcgi_exchange_output(x, slices, 8);
        size_t sent = 0;
        for (int i = 0; i < count; i++) {
            sent += slices[i].len;
            if (slices[i].data == body + found && found < request->body.len) {
                found += slices[i].len;
            }
        }
        fcgi_exchange_sent(x, sent);
    }
    bench_check(found == request->body.len, "the upload is copied");
    fcgi_exchange_free(x);
    fcgi_response_free(&response);
}

static void *open_upload(void)
{
    static void *body;

    if (body == NULL) {
        body = bench_memory(UPLOAD);
    }
    struct fcgi_request request = sample_request(body, UPLOAD);
    check_not_copied(&request);
    return asker_open(AF_UNIX, SMALL_ANSWER, &request);
}

const struct bench_row bench_bodies_rows[] = {
    {.name = "body-10m-collected",
     .open = open_collected,
     .ours = asker_ours,
     .limit = asker_limit,
     .close = asker_close},
    {.name = "body-10m-streamed",
     .open = open_streamed,
     .ours = asker_ours,
     .limit = asker_limit,
     .close = asker_close},
    {.name = "upload-64m",
     .open = open_upload,
     .ours = asker_ours,
     .limit = asker_limit,
     .close = asker_close},
    {.name = NULL},
};
