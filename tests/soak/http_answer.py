"""Takes the answers of an HTTP/1.1 server apart as their bytes come."""

import re
from dataclasses import dataclass, field

import http_request

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-9][0-9]{2}) "
                         rb"([\t\x20-\x7e\x80-\xff]*)")


class Malformed(Exception):
    """What came is no answer."""


@dataclass
class Answer:
    status: int
    fields: list
    body: bytearray = field(default_factory=bytearray)
    whole: bool = False        # its end was seen
    until_close: bool = False  # its end is that of the connection

    def value(self, name):
        found = [v for n, v in self.fields if n.lower() == name]
        return found[0] if found else None

    def closes(self):
        return self.value(b"connection") == b"close"


class AnswerReader:
    def __init__(self, methods):
        self.methods = methods  # of the requests, in order
        self.answers = []       # without those of status 100
        self.pending = bytearray()
        self.step = self.take_head

    def feed(self, data):
        self.pending += data
        while self.step():
            pass

    def end(self, is_reset=False):
        """The connection has ended."""
        if self.answers and self.answers[-1].until_close:
            self.answers[-1].whole = not is_reset
        elif self.step == self.take_head and self.pending and \
                not self.pending.startswith(b"HTTP/1.1 "):
            raise Malformed(f"no head: {bytes(self.pending[:80])}")

    def whole_count(self):
        return sum(a.whole for a in self.answers)

    def take_head(self):
        end = self.pending.find(b"\r\n\r\n")
        if end < 0:
            if len(self.pending) > 128 * 1024:
                raise Malformed("an endless head")
            return False
        head = bytes(self.pending[:end])
        del self.pending[:end + 4]
        lines = head.split(b"\r\n")
        status = STATUS_LINE.fullmatch(lines[0])
        if not status:
            raise Malformed(f"a status line: {lines[0][:80]}")
        try:
            fields = [http_request.read_field(line) for line in lines[1:]]
        except http_request.Refused:
            raise Malformed(f"a field of {head[:400]}") from None
        self.begin(Answer(int(status[1]), fields))
        return True

    def begin(self, answer):
        if answer.status < 200:
            if answer.status != 100 or answer.fields:
                raise Malformed(f"an interim answer {answer.status}")
            return
        index = len(self.answers)
        method = self.methods[index] if index < len(self.methods) else b""
        self.answers.append(answer)
        self.find_framing(answer, method)

    def find_framing(self, answer, method):
        lengths = [v for n, v in answer.fields
                   if n.lower() == b"content-length"]
        codings = [v for n, v in answer.fields
                   if n.lower() == b"transfer-encoding"]
        if len(lengths) > 1 or (lengths and codings) or \
                codings not in ([], [b"chunked"]) or \
                (lengths and not re.fullmatch(rb"[0-9]+", lengths[0])):
            raise Malformed(f"framing: {lengths} {codings}")
        if method == b"HEAD" or answer.status in (204, 304):
            answer.whole = True
        elif codings:
            self.step = self.take_chunk_line
        elif lengths:
            self.left = int(lengths[0])
            self.step = self.take_known
        else:
            answer.until_close = True
            self.step = self.take_rest

    def finish(self):
        self.answers[-1].whole = True
        self.step = self.take_head
        return True

    def take_piece(self):
        piece = self.pending[:self.left]
        del self.pending[:len(piece)]
        self.answers[-1].body += piece
        self.left -= len(piece)

    def take_known(self):
        self.take_piece()
        return self.finish() if self.left == 0 else False

    def take_rest(self):
        self.answers[-1].body += self.pending
        self.pending.clear()
        return False

    def take_chunk_line(self):
        end = self.pending.find(b"\r\n")
        if end < 0:
            return False
        if not re.fullmatch(rb"[0-9a-f]{1,8}", self.pending[:end]):
            raise Malformed(f"a chunk: {bytes(self.pending[:80])}")
        self.left = int(self.pending[:end], 16)
        del self.pending[:end + 2]
        self.step = self.take_chunk if self.left else self.take_last_end
        return True

    def take_chunk(self):
        self.take_piece()
        if self.left > 0 or not self.take_line_end():
            return False
        self.step = self.take_chunk_line
        return True

    def take_last_end(self):
        return self.finish() if self.take_line_end() else False

    def take_line_end(self):
        if len(self.pending) < 2:
            return False
        if self.pending[:2] != b"\r\n":
            raise Malformed(f"behind a chunk: {bytes(self.pending[:80])}")
        del self.pending[:2]
        return True
