/*
 * A whole conversation, heard whole and in another manner: what comes of it is
 * the same, and sound.
 *
 *     input: method  limits  manner  cuts  end of file  the answer
 */
#include <string.h>

#include "delivery.h"
#include "fuzz_answer.h"
#include "fuzz_input.h"
#include "response_check.h"
#include "test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct conversation {
    struct fcgi_param method;
    struct fcgi_request request;
    bool to_head;
    struct manner manner;
    uint32_t cuts; /* seed of the pieces; 0: whole */
    bool reset;    /* how the connection ends */
    struct wire answer;
};

static void read_conversation(struct conversation *c, struct fuzz_input *s)
{
    memset(c, 0, sizeof(*c));
    c->to_head = fuzz_input_below(s, 4) == 1;
    c->method = (struct fcgi_param)FCGI_PARAM("REQUEST_METHOD",
                                              c->to_head ? "HEAD" : "GET");
    c->request.params = &c->method;
    c->request.param_count = 1;
    c->request.limits = fuzz_answer_limits(s);
    c->manner.bring =
        fuzz_input_below(s, 2) == 0 ? talk_by_input : talk_by_feed;
    c->manner.sunk = fuzz_input_below(s, 2) == 1;
    c->manner.share = c->manner.sunk ? fuzz_input_below(s, 2) : 0;
    c->cuts = fuzz_input_byte(s);
    c->reset = fuzz_input_below(s, 2) == 1;
    fuzz_answer_tell(s, &c->answer, TALK_ID);
    /* A sink that takes its share of a large body is called often enough. */
    c->manner.share *= 1 + c->answer.len / 32;
}

/* Hear all of it, then the end of the connection. */
static void hear(struct delivery *h, const struct conversation *c,
                 struct manner manner, uint32_t cuts, struct wire *digest)
{
    delivery_begin(h, manner);
    if (cuts == 0) {
        (void)delivery_bring(h, c->answer.data, c->answer.len);
    } else {
        (void)delivery_bring_cut(h, &c->answer, cuts);
    }
    delivery_digest(h, digest);
    response_check(&h->t.response, fcgi_exchange_status(h->t.x), c->to_head,
                   &c->request.limits, !manner.sunk);
    int status = fcgi_exchange_eof(h->t.x, c->reset);
    assert_int_equal(status, fcgi_exchange_status(h->t.x));
    assert_true(status != FCGI_WAIT && status != FCGI_ERR_STATE);
    assert_false(fcgi_exchange_reusable(h->t.x));
    response_note_number(digest, "in the end", status);
    response_check(&h->t.response, status, c->to_head, &c->request.limits,
                   !manner.sunk);
}

static void assert_same(const struct wire *a, const struct wire *b)
{
    if (a->len != b->len || memcmp(a->data, b->data, a->len) != 0) {
        fail_msg("in pieces: %.*s\n-- whole: %.*s",
                 (int)(a->len < 2000 ? a->len : 2000), (const char *)a->data,
                 (int)(b->len < 2000 ? b->len : 2000), (const char *)b->data);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input s = fuzz_input_of(data, size);
    struct conversation c;
    struct delivery h;
    struct wire whole = {0};
    struct wire other = {0};
    read_conversation(&c, &s);
    delivery_open(&h, &c.request, c.answer.len);
    hear(&h, &c, (struct manner){talk_by_feed, c.manner.sunk, 0}, 0, &whole);
    hear(&h, &c, c.manner, c.cuts, &other);
    assert_same(&other, &whole);
    delivery_close(&h);
    wire_free(&whole);
    wire_free(&other);
    wire_free(&c.answer);
    return 0;
}
