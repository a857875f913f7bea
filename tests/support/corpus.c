/*
 * corpus - answers of every shape: see corpus.h.
 */
#include "corpus.h"

#include <string.h>

#include "talk.h"

static void end(struct wire *w)
{
    wire_end(w, TALK_ID, 0, WIRE_COMPLETE);
}

static void out(struct wire *w, const char *text)
{
    wire_stdout(w, TALK_ID, text);
}

static void err(struct wire *w, const char *text)
{
    wire_stderr(w, TALK_ID, text);
}

static void whole(struct wire *w, const char *text)
{
    talk_write_text(w, text);
}

static void write_small(struct wire *w)
{
    whole(w, "Content-Type: text/plain\r\n\r\nhello");
}

static void write_lf(struct wire *w)
{
    whole(w, "Status: 404 Not Here\nA: b\r\nA:c\n\r\nhello\n\n");
}

static void write_location(struct wire *w)
{
    whole(w, "Location: http://example.org/\r\n\r\n");
}

static void write_no_body(struct wire *w)
{
    whole(w, "A: b\r\n\r\n");
}

static void write_byte_records(struct wire *w)
{
    static const char text[] = "Status: 201\r\nA: b\r\n\r\nbody";
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        wire_record(w, WIRE_STDOUT, TALK_ID, text + i, 1, i % 3);
    }
    end(w);
}

static void write_no_empty_stdout(struct wire *w)
{
    out(w, "A: b\n\nbody");
    end(w);
}

static void write_stderr(struct wire *w)
{
    err(w, "before");
    out(w, "A: b\nC:");
    err(w, "amid the head");
    out(w, " d\n\none");
    err(w, "amid the body");
    err(w, "and more");
    out(w, "two");
    out(w, "");
    err(w, "after");
    err(w, "");
    end(w);
}

static void write_empty_records(struct wire *w)
{
    out(w, "");
    err(w, "");
    out(w, "A: b\n\n");
    out(w, "");
    out(w, "body");
    err(w, "");
    out(w, "");
    end(w);
}

static void write_no_padding(struct wire *w)
{
    wire_record(w, WIRE_STDOUT, TALK_ID, "A: b\n\nbody", 10, 0);
    wire_record(w, WIRE_STDERR, TALK_ID, "oh", 2, 0);
    wire_record(w, WIRE_STDOUT, TALK_ID, NULL, 0, 0);
    end(w);
}

static void write_much_padding(struct wire *w)
{
    wire_record(w, WIRE_STDERR, TALK_ID, NULL, 0, 255);
    wire_record(w, WIRE_STDOUT, TALK_ID, "A: b\n\nbo", 8, 255);
    wire_record(w, WIRE_STDOUT, TALK_ID, "dy", 2, 1);
    wire_record(w, WIRE_STDOUT, TALK_ID, NULL, 0, 254);
    wire_record(w, WIRE_END, TALK_ID, "\0\0\0\0\0\0\0\0", 8, 255);
}

static void write_long_end(struct wire *w)
{
    out(w, "A: b\n\nbody");
    wire_record(w, WIRE_END, TALK_ID, "\xfe\xdc\xba\x98\0abcdefgh", 13, 3);
}

static void write_management(struct wire *w)
{
    wire_record(w, WIRE_UNKNOWN_TYPE, 0, "12345678", 8, 3);
    out(w, "A: b\n\n");
    wire_record(w, 200, 0, "something new", 13, 5);
    out(w, "body");
    wire_record(w, WIRE_GET_VALUES_RESULT, 0, NULL, 0, 2);
    end(w);
}

static void write_foreign(struct wire *w)
{
    wire_stdout(w, TALK_ID - 1, "Status: 500\n\nlate");
    wire_end(w, TALK_ID - 1, 0, WIRE_COMPLETE);
    out(w, "A: b\n\n");
    wire_stderr(w, TALK_ID + 1, "not this one's");
    out(w, "body");
    wire_stdout(w, 0, "no one's");
    end(w);
}

static void write_content_length(struct wire *w)
{
    out(w, "Content-Length: 8\n\nbo");
    out(w, "dy");
    out(w, "body");
    end(w);
}

static void write_no_content(struct wire *w)
{
    whole(w, "Status: 204\nContent-Length: 7\n\ndropped");
}

static void write_app_status(struct wire *w)
{
    out(w, "A: b\n\n");
    wire_end(w, TALK_ID, 0x89abcdef, WIRE_COMPLETE);
}

static void write_long_stderr(struct wire *w)
{
    err(w, "0123456");
    err(w, "789 and no more");
    out(w, "A: b\n\n");
    end(w);
}

/* Large enough to be received in place; the largest record has padding. */
static void write_large(struct wire *w)
{
    struct wire noise = {0};
    wire_noise(&noise, 65535);
    out(w, "Content-Length: 75535\n\n");
    wire_record(w, WIRE_STDOUT, TALK_ID, noise.data, 65535, 255);
    wire_stderr(w, TALK_ID, "amid");
    wire_record(w, WIRE_STDOUT, TALK_ID, noise.data, 10000, 7);
    end(w);
    wire_free(&noise);
}

/* Records of each other kind, which a body of that size would be received in
 * place of. */
static void write_large_others(struct wire *w)
{
    struct wire noise = {0};
    wire_noise(&noise, 6000);
    memset(noise.data, 'x', 6000);
    memcpy(noise.data, "A: ", 3);
    wire_record(w, WIRE_STDOUT, TALK_ID, noise.data, 6000, 3);
    wire_record(w, WIRE_STDOUT, TALK_ID, "\n\nbody", 6, 0);
    wire_record(w, WIRE_STDERR, TALK_ID, noise.data, 5000, 2);
    wire_record(w, WIRE_STDOUT, TALK_ID + 1, noise.data, 5500, 4);
    wire_record(w, WIRE_UNKNOWN_TYPE, 0, noise.data, 5555, 5);
    memset(noise.data, 0, 8);
    wire_record(w, WIRE_END, TALK_ID, noise.data, 6000, 1);
    wire_free(&noise);
}

/* More than its Content-Length, in a record large enough to be received in
 * place. */
static void write_large_body_long(struct wire *w)
{
    struct wire noise = {0};
    wire_noise(&noise, 20000);
    out(w, "Content-Length: 15000\n\n");
    wire_padded(w, WIRE_STDOUT, TALK_ID, noise.data, noise.len);
    end(w);
    wire_free(&noise);
}

static void write_body_short(struct wire *w)
{
    whole(w, "Content-Length: 5\n\nbody");
}

static void write_body_long(struct wire *w)
{
    out(w, "Content-Length: 3\n\nbo");
    out(w, "dy");
    end(w);
}

static void write_no_head(struct wire *w)
{
    out(w, "A: b\nC: d\n");
    end(w);
}

static void write_nothing(struct wire *w)
{
    end(w);
}

static void write_no_colon(struct wire *w)
{
    whole(w, "A: b\nno colon\nC: d\n\nbody");
}

static void write_folded(struct wire *w)
{
    whole(w, "A: b\r\n folded\r\n\r\nbody");
}

static void write_bare_cr(struct wire *w)
{
    whole(w, "A: b\rC: d\r\n\r\nbody");
}

static void write_two_lengths(struct wire *w)
{
    whole(w, "Content-Length: 4\nContent-Length: 3\n\nbody");
}

static void write_bad_line_then_end(struct wire *w)
{
    out(w, "A : b\nC: d\n");
    end(w);
}

static void write_overloaded(struct wire *w)
{
    wire_end(w, TALK_ID, 0, WIRE_OVERLOADED);
}

static void write_cant_mpx(struct wire *w)
{
    out(w, "A: b\n\nbo");
    wire_end(w, TALK_ID, 0, WIRE_CANT_MPX_CONN);
}

static void write_unknown_role(struct wire *w)
{
    wire_end(w, TALK_ID, 0, WIRE_UNKNOWN_ROLE);
}

static void write_unknown_status(struct wire *w)
{
    wire_end(w, TALK_ID, 0, 77);
}

static void write_short_end(struct wire *w)
{
    out(w, "A: b\n\nbody");
    wire_record(w, WIRE_END, TALK_ID, "\0\0\0\0\0\0\0", 7, 1);
}

static void write_wrong_type(struct wire *w)
{
    out(w, "A: b\n\nbody");
    wire_padded(w, WIRE_STDIN, TALK_ID, "not this", 8);
    end(w);
}

static void write_unknown_type(struct wire *w)
{
    out(w, "A: b\n\nbody");
    wire_padded(w, 99, TALK_ID + 1, "nor this", 8);
    end(w);
}

static void write_http(struct wire *w)
{
    wire_text(w, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void write_tls(struct wire *w)
{
    wire_append(w, "\x15\3\1\0\2\2\x16", 7);
}

static void write_version_2(struct wire *w)
{
    wire_append(w, "\2\6\1\2\0\0\0\0", 8);
}

static void write_http_behind(struct wire *w)
{
    out(w, "A: b\n\nbody");
    wire_text(w, "HTTP/1.1 200 OK\r\n");
}

static void write_cookies(struct wire *w)
{
    whole(w, "Set-Cookie: a=1\r\nset-cookie: b=2\r\nX:\r\n"
             "Set-Cookie: a=1\r\n\r\n");
}

static void write_reason(struct wire *w)
{
    whole(w, "Status: 599\tToo  odd \r\nContent-Type: \t a; b \r\n\r\nbody");
}

static void write_blank_head(struct wire *w)
{
    whole(w, "\r\nbody");
}

static void write_same_lengths(struct wire *w)
{
    whole(w, "Content-Length: 04\ncontent-length: 4\n\nbody");
}

static void write_zero_length(struct wire *w)
{
    whole(w, "Content-Length: 0\n\n");
}

static void write_zero_length_and_body(struct wire *w)
{
    whole(w, "Content-Length: 0\n\nbody");
}

static void write_not_modified(struct wire *w)
{
    whole(w, "Status: 304 Not Modified\nContent-Length: 4\n\n");
}

static void write_binary_body(struct wire *w)
{
    static const char text[] = "A: \xe4\n\n\0\r\n\n\x01\x06\x01\x02\0\0\xff";
    wire_record(w, WIRE_STDOUT, TALK_ID, text, sizeof(text) - 1, 0);
    end(w);
}

static void write_two_ends(struct wire *w)
{
    out(w, "A: b\n\nbody");
    end(w);
    end(w);
}

static void write_second_answer_behind(struct wire *w)
{
    whole(w, "A: b\n\nbody");
    wire_stdout(w, TALK_ID + 1, "Status: 500\n\nearly");
}

static void write_foreign_end(struct wire *w)
{
    out(w, "A: b\n\nbo");
    wire_end(w, TALK_ID - 1, 0, WIRE_OVERLOADED);
    out(w, "dy");
    end(w);
}

static void write_other_end(struct wire *w)
{
    out(w, "A: b\n\nbody");
    wire_end(w, TALK_ID + 1, 0, WIRE_COMPLETE);
    end(w);
}

static void write_end_of_none(struct wire *w)
{
    out(w, "A: b\n\nbody");
    wire_end(w, 0, 0, WIRE_OVERLOADED);
    end(w);
}

static void write_nul_in_head(struct wire *w)
{
    wire_padded(w, WIRE_STDOUT, TALK_ID, "A: b\0c\nD: e\n\nbody", 18);
    end(w);
}

static void write_control_in_head(struct wire *w)
{
    whole(w, "A: b\x7f\nC: d\n\nbody");
}

static void write_no_name(struct wire *w)
{
    whole(w, "A: b\n: c\n\nbody");
}

static void write_status_two_digits(struct wire *w)
{
    whole(w, "Status: 99\n\nbody");
}

static void write_status_four_digits(struct wire *w)
{
    whole(w, "Status: 2000\n\nbody");
}

static void write_status_colon(struct wire *w)
{
    whole(w, "Status: 404: Not Found\r\nA: b\r\n\r\nbody");
}

static void write_two_statuses(struct wire *w)
{
    whole(w, "Status: 200\nStatus: 200\n\nbody");
}

static void write_no_number(struct wire *w)
{
    whole(w, "Content-Length: 4 \t4\n\nbody");
}

static void write_huge_number(struct wire *w)
{
    whole(w, "Content-Length: 18446744073709551620\n\nbody");
}

static void write_length_and_coding(struct wire *w)
{
    whole(w, "Content-Length: 4\nTransfer-Encoding: chunked\n\nbody");
}

/* Lines about as long as the pieces in which text is read. */
static void write_long_lines(struct wire *w)
{
    struct wire text = {0};
    for (size_t len = 500; len < 530; len++) {
        wire_text(&text, "X: ");
        for (size_t i = 0; i < len; i++) {
            wire_text(&text, "v");
        }
        wire_text(&text, len % 2 == 0 ? "\n" : "\r\n");
    }
    wire_text(&text, "\nbody");
    talk_write_answer(w, text.data, text.len);
    wire_free(&text);
}

static void write_endless_line(struct wire *w)
{
    struct wire text = {0};
    wire_text(&text, "A: b\nX: ");
    for (size_t i = 0; i < 2000; i++) {
        wire_text(&text, "v");
    }
    talk_write_answer(w, text.data, text.len);
    wire_free(&text);
}

static void write_tls_handshake(struct wire *w)
{
    wire_append(w, "\x16\3\1\2\0\1", 6);
}

static void write_plain_text(struct wire *w)
{
    wire_text(w, "Sorry, too many connections\n");
}

const struct conversation corpus[] = {
    {"small", write_small, FCGI_OK, "GET", {0}},
    {"lf", write_lf, FCGI_OK, "GET", {0}},
    {"location", write_location, FCGI_OK, "GET", {0}},
    {"no body", write_no_body, FCGI_OK, "GET", {0}},
    {"a record a byte", write_byte_records, FCGI_OK, "GET", {0}},
    {"no empty stdout", write_no_empty_stdout, FCGI_OK, "GET", {0}},
    {"stderr", write_stderr, FCGI_OK, "GET", {0}},
    {"empty records", write_empty_records, FCGI_OK, "GET", {0}},
    {"no padding", write_no_padding, FCGI_OK, "GET", {0}},
    {"much padding", write_much_padding, FCGI_OK, "GET", {0}},
    {"long end", write_long_end, FCGI_OK, "GET", {0}},
    {"management", write_management, FCGI_OK, "GET", {0}},
    {"foreign", write_foreign, FCGI_OK, "GET", {0}},
    {"content length", write_content_length, FCGI_OK, "GET", {0}},
    {"no content", write_no_content, FCGI_OK, "GET", {0}},
    {"head request", write_body_short, FCGI_OK, "HEAD", {0}},
    {"app status", write_app_status, FCGI_OK, "GET", {0}},
    {"stderr cut", write_long_stderr, FCGI_OK, "GET", {.stderr_len = 10}},
    {"large", write_large, FCGI_OK, "GET", {0}},
    {"large others", write_large_others, FCGI_OK, "GET", {0}},
    {"large for a head request", write_large, FCGI_OK, "HEAD", {0}},
    {"large body long", write_large_body_long, FCGI_ERR_BODY_LONG, "GET", {0}},
    {"body short", write_body_short, FCGI_ERR_BODY_SHORT, "GET", {0}},
    {"body long", write_body_long, FCGI_ERR_BODY_LONG, "GET", {0}},
    {"body over limit",
     write_small,
     FCGI_ERR_BODY_TOO_LARGE,
     "GET",
     {.body_len = 4}},
    {"large over limit",
     write_large,
     FCGI_ERR_BODY_TOO_LARGE,
     "GET",
     {.body_len = 70000}},
    {"too many fields",
     write_lf,
     FCGI_ERR_HEAD_TOO_LARGE,
     "GET",
     {.field_count = 1}},
    {"no head", write_no_head, FCGI_ERR_NO_HEAD, "GET", {0}},
    {"nothing", write_nothing, FCGI_ERR_NO_HEAD, "GET", {0}},
    {"no colon", write_no_colon, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"folded", write_folded, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"bare cr", write_bare_cr, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"two lengths", write_two_lengths, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"bad line", write_bad_line_then_end, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"overloaded", write_overloaded, FCGI_ERR_OVERLOADED, "GET", {0}},
    {"cannot multiplex", write_cant_mpx, FCGI_ERR_CANT_MPX_CONN, "GET", {0}},
    {"unknown role", write_unknown_role, FCGI_ERR_UNKNOWN_ROLE, "GET", {0}},
    {"unknown status",
     write_unknown_status,
     FCGI_ERR_PROTOCOL_STATUS,
     "GET",
     {0}},
    {"short end", write_short_end, FCGI_ERR_BAD_RECORD, "GET", {0}},
    {"wrong type", write_wrong_type, FCGI_ERR_BAD_RECORD, "GET", {0}},
    {"unknown type", write_unknown_type, FCGI_ERR_BAD_RECORD, "GET", {0}},
    {"http", write_http, FCGI_ERR_NOT_FASTCGI, "GET", {0}},
    {"tls", write_tls, FCGI_ERR_NOT_FASTCGI, "GET", {0}},
    {"version 2", write_version_2, FCGI_ERR_INVALID_HEADER, "GET", {0}},
    {"http behind", write_http_behind, FCGI_ERR_INVALID_HEADER, "GET", {0}},
    {"cookies", write_cookies, FCGI_OK, "GET", {0}},
    {"reason", write_reason, FCGI_OK, "GET", {0}},
    {"blank head", write_blank_head, FCGI_OK, "GET", {0}},
    {"same lengths", write_same_lengths, FCGI_OK, "GET", {0}},
    {"zero length", write_zero_length, FCGI_OK, "GET", {0}},
    {"not modified", write_not_modified, FCGI_OK, "GET", {0}},
    {"binary body", write_binary_body, FCGI_OK, "GET", {0}},
    {"two ends", write_two_ends, FCGI_OK, "GET", {0}},
    {"second answer", write_second_answer_behind, FCGI_OK, "GET", {0}},
    {"foreign end", write_foreign_end, FCGI_OK, "GET", {0}},
    {"other end", write_other_end, FCGI_ERR_BAD_ID, "GET", {0}},
    {"end of none", write_end_of_none, FCGI_ERR_BAD_ID, "GET", {0}},
    {"long lines", write_long_lines, FCGI_OK, "GET", {0}},
    {"body at limit", write_small, FCGI_OK, "GET", {.body_len = 5}},
    {"line at limit", write_small, FCGI_OK, "GET", {.line_len = 24}},
    {"head at limit", write_small, FCGI_OK, "GET", {.head_len = 28}},
    {"fields at limit", write_lf, FCGI_OK, "GET", {.field_count = 2}},
    {"body though none",
     write_zero_length_and_body,
     FCGI_ERR_BODY_LONG,
     "GET",
     {0}},
    {"line over limit",
     write_long_lines,
     FCGI_ERR_HEAD_TOO_LARGE,
     "GET",
     {.line_len = 510}},
    {"endless line",
     write_endless_line,
     FCGI_ERR_HEAD_TOO_LARGE,
     "GET",
     {.line_len = 700}},
    {"endless line, small limit",
     write_endless_line,
     FCGI_ERR_HEAD_TOO_LARGE,
     "GET",
     {.line_len = 4}},
    {"head over limit",
     write_long_lines,
     FCGI_ERR_HEAD_TOO_LARGE,
     "GET",
     {.head_len = 3000}},
    {"NUL in head", write_nul_in_head, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"control in head", write_control_in_head, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"no name", write_no_name, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"status 99", write_status_two_digits, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"status 2000", write_status_four_digits, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"status colon", write_status_colon, FCGI_OK, "GET", {0}},
    {"two statuses", write_two_statuses, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"no number", write_no_number, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"huge number", write_huge_number, FCGI_ERR_BAD_HEAD, "GET", {0}},
    {"length and coding",
     write_length_and_coding,
     FCGI_ERR_BAD_HEAD,
     "GET",
     {0}},
    {"tls handshake", write_tls_handshake, FCGI_ERR_NOT_FASTCGI, "GET", {0}},
    {"plain text", write_plain_text, FCGI_ERR_INVALID_HEADER, "GET", {0}},
};

const size_t corpus_len = sizeof(corpus) / sizeof(corpus[0]);
