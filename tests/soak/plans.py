"""What a FastCGI application does about a request: as it should be, and not.

The bytes of an answer say whose they are, so that one that reaches somebody
else is known at once.
"""

from dataclasses import dataclass, field

from fastcgi import (ABORT, BEGIN, END, PARAMS, STDERR, STDIN, STDOUT,
                     UNKNOWN_TYPE, end_record, record)

FOREIGN = b"bytes of nobody who has asked "


@dataclass
class Plan:
    """What the application does about one request.

    The outcome says how the client must get it: as it is ("whole"), not without
    a sign of failure ("fails"), or "either"."""
    outcome: str
    status: int | None = 200   # None: whatever the head says
    body: bytes = b""
    raw: bytes = b""           # all of the standard output
    steps: list = field(default_factory=list)  # bytes; seconds; None: for ever
    waits: bool = True         # for the end of the request
    closes: bool = False       # the connection, in the end
    over: int | None = None    # the step that ends the request; None: the last
    name: str = ""


def own_bytes(tag, count):
    line = b"<" + tag + b">\n"
    return (line * (count // len(line) + 1))[:count]


def body_size(rng):
    return rng.choice([0, 1, 30, 300, 300, 3000, 3000, 20000, 33000, 70000,
                       rng.randrange(200000)])


def last_bytes(steps):
    """The index of the last step that sends any."""
    return max((i for i, step in enumerate(steps)
                if isinstance(step, bytes) and step), default=-1)


class Planner:
    """Draws the plan of one request from its own numbers."""

    def __init__(self, rng, tag, request_id):
        self.rng = rng
        self.tag = tag
        self.id = request_id

    def plan(self):
        kinds = ([self.good] * 10 +
                 [self.early, self.bad_head, self.bad_head, self.mutated_head,
                  self.mutated_head, self.cut, self.cut, self.wrong_end,
                  self.wrong_length, self.followed, self.followed,
                  self.no_fastcgi, self.huge_head, self.silent_close])
        if self.rng.random() < 0.01:
            kinds = [self.silence, self.endless]
        make = self.rng.choice(kinds)
        plan = make()
        plan.name = make.__name__
        return plan

    def simple(self):
        """What is as it should be."""
        body = own_bytes(self.tag, 300)
        head = b"Content-Type: text/plain\r\nX-Own: " + self.tag + b"\r\n\r\n"
        plan = Plan("whole", 200, body, head + body)
        plan.steps = [self.stdout(plan.raw) + end_record(self.id)]
        return plan

    # Pieces.

    def padding(self):
        return self.rng.choice([0, 0, 0, 1, 7, 8, 255])

    def stdout(self, data):
        """In records of any length, with what belongs to nobody between."""
        out = []
        at = 0
        while at < len(data):
            size = self.rng.choice([1, 2, 7, 100, 8000, 65528, 65535])
            size = max(size, len(data) // 200)
            out.append(record(STDOUT, self.id, data[at:at + size],
                              self.padding()))
            at += size
            if self.rng.random() < 0.1:
                out.append(self.aside())
        if self.rng.random() < 0.7:
            out.append(record(STDOUT, self.id, b"", self.padding()))
        return b"".join(out)

    def aside(self):
        """Records that bring this request nothing."""
        other = self.other_id()
        earlier = max(self.id - self.rng.choice([1, 2, 100]), 1)
        return self.rng.choice([
            record(STDERR, self.id, b"complaint of " + self.tag + b"\n",
                   self.padding()),
            record(STDERR, self.id, b"", self.padding()),
            record(STDERR, self.id, b"two\r\nlines\x1b[2J \x00\xff"),
            record(STDOUT, other, b"Status: 200\r\n\r\n" + FOREIGN),
            record(STDERR, other, FOREIGN),
            b"" if earlier == self.id else end_record(earlier),
            record(UNKNOWN_TYPE, 0, b"\x0c" + bytes(7)),
            record(STDOUT, other, b"", 255),
        ])

    def other_id(self):
        """That of a request which was never made."""
        return self.id % 65000 + self.rng.choice([1, 2, 100])

    def head(self, status, extra=b""):
        end = self.rng.choice([b"\r\n", b"\r\n", b"\n"])
        fields = [b"Content-Type: text/plain", b"X-Own: " + self.tag]
        if status != 200 or self.rng.random() < 0.3:
            fields.append(b"Status: %d Some reason" % status)
        if status in (301, 302):
            fields.append(b"Location: http://test/" + self.tag)
        self.rng.shuffle(fields)
        return end.join(fields) + end + extra + end

    def pieces(self, data):
        """In as many sends, some with a pause between them."""
        count = self.rng.choice([1, 1, 1, 2, 3, 8])
        cuts = sorted(self.rng.randrange(len(data) + 1)
                      for _ in range(count - 1))
        steps = []
        for start, end in zip([0] + cuts, cuts + [len(data)]):
            steps.append(data[start:end])
            if self.rng.random() < 0.3:
                steps.append(self.rng.choice([0, 0, 0.001, 0.02]))
        return steps

    def answer(self, outcome, status, head, body):
        plan = Plan(outcome, status, body, head + body)
        data = self.stdout(plan.raw)
        if self.rng.random() < 0.2:
            data = self.aside() + data
        end = end_record(self.id, padding=self.padding())
        plan.steps = self.pieces(data + end)
        plan.closes = self.rng.random() < 0.2
        return plan

    # Kinds.

    def good(self):
        status = self.rng.choice([200] * 8 + [404, 500, 302, 204, 304, 999])
        body = own_bytes(self.tag, body_size(self.rng))
        extra = b""
        if status in (204, 304):
            body = b""
        elif self.rng.random() < 0.4:
            extra = b"Content-Length: %d\r\n" % len(body)
        if self.rng.random() < 0.1:
            extra += self.rng.choice([
                b"Connection: close\r\n", b"Transfer-Encoding: chunked\r\n"
                if not extra else b"", b"Keep-Alive: timeout=9\r\n",
                b"Upgrade: h2c\r\n", b"Trailer: X\r\n", b"TE: x\r\n",
                b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
                b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"])
        return self.answer("whole", status, self.head(status, extra), body)

    def early(self):
        """The answer ahead of the end of the request."""
        plan = self.good()
        plan.outcome = "either"
        plan.waits = False
        return plan

    def bad_head(self):
        line = self.rng.choice([
            b"no colon\r\n", b"X : space\r\n", b": no name\r\n",
            b"X: a\rSet-Cookie: b\r\n", b"X: a\x00b\r\n", b"X: a\x0bb\r\n",
            b"X\x80: a\r\n", b"Status: none\r\n", b"Status: 42\r\n",
            b"Status: 2000\r\n", b"Status: 200 OK\r\nStatus: 404\r\n",
            b"Status: 100 Continue\r\n", b"Status: 101 Upgrade\r\n",
            b"Status: 000\r\n", b"Content-Length: x\r\n",
            b"Content-Length: -1\r\n", b"Content-Length: 4, 4\r\n",
            b"Content-Length: 4\r\nContent-Length: 5\r\n",
            b"Content-Length: 99999999999999999999\r\n",
            b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            b" folded\r\n", b"HTTP/1.1 200 OK\r\n", b"X: a\r\n\tfolded\r\n",
            b"X(y): a\r\n", b"\x00\r\n"])
        head = line + b"X-Own: " + self.tag + b"\r\n\r\n"
        return self.answer("fails", 0, head, own_bytes(self.tag, 100))

    def mutated_head(self):
        body = own_bytes(self.tag, self.rng.choice([0, 100, 5000]))
        head = bytearray(self.head(200, b"Content-Length: %d\r\n" % len(body)
                                   if self.rng.random() < 0.5 else b""))
        for _ in range(self.rng.choice([1, 1, 2, 5])):
            at = self.rng.randrange(len(head))
            head[at:at + self.rng.choice([0, 1, 1])] = self.rng.choice(
                [b"\r", b"\n", b"\0", b":", b" ", b"\r\n", b"\r\n\r\n", b"\xff",
                 b"", bytes([self.rng.randrange(256)])])
        return self.answer("either", None, bytes(head), body)

    def cut(self):
        """It ends anywhere."""
        body = own_bytes(self.tag, body_size(self.rng))
        extra = b"Content-Length: %d\r\n" % len(body) \
            if self.rng.random() < 0.4 else b""
        plan = Plan("either" if extra else "fails", 200, body,
                    self.head(200, extra) + body)
        data = self.stdout(plan.raw)
        plan.steps = self.pieces(data[:self.rng.randrange(len(data) + 1)])
        plan.closes = True
        return plan

    def wrong_end(self):
        """The end says that it is none or is of a request that was never made,
        or there is no head before it."""
        status = self.rng.choice([1, 2, 3, 4, 77, 255])
        plan = self.rng.choice([self.good, self.simple])()
        plan.outcome = "fails"
        data = self.rng.choice([b"", self.stdout(plan.raw)])
        end = self.rng.choice([end_record(self.id, 0, status),
                               record(END, self.id, b"1234567"),
                               end_record(self.other_id()), end_record(0),
                               record(END, self.id)])
        if not data and self.rng.random() < 0.3:
            end = end_record(self.id)
        plan.steps = [data + end]
        return plan

    def wrong_length(self):
        body = own_bytes(self.tag, self.rng.choice([10, 1000, 50000]))
        length = max(0, len(body) + self.rng.choice([-9, -1, 1, 100, 1 << 33]))
        head = self.head(200, b"Content-Length: %d\r\n" % length)
        plan = self.answer("fails", 200, head, body)
        if length < len(body):
            plan.outcome = "either"
            plan.body = body[:length]
        return plan

    def followed(self):
        """Bytes behind the end, which are no part of anything."""
        plan = self.good()
        again = self.foreign_answer(self.id)
        after = self.rng.choice([
            end_record(self.id), again, record(STDOUT, self.id, FOREIGN),
            FOREIGN, b"\x01", record(STDERR, self.id, FOREIGN),
            self.foreign_answer(self.other_id())])
        if self.rng.random() < 0.5:
            plan.steps[last_bytes(plan.steps)] += after
        else:
            plan.over = last_bytes(plan.steps)
            plan.steps += [self.rng.choice([0, 0.001, 0.01]), again]
        plan.closes = False
        return plan

    @staticmethod
    def foreign_answer(request_id):
        return record(STDOUT, request_id, b"X-Own: stolen\r\n\r\n" +
                      FOREIGN) + end_record(request_id)

    def no_fastcgi(self):
        data = self.rng.choice([
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            b"\x15\x03\x01\x00\x02\x02\x28", b"\x02\x06" + bytes(6),
            self.rng.randbytes(200), record(PARAMS, self.id, b"x"),
            record(BEGIN, self.id, bytes(8)), record(99, self.id, b"x"),
            record(STDIN, self.id, b"x"), record(ABORT, self.id)])
        outcome = "either" if data[:1] == b"\x01" else "fails"
        return Plan(outcome, steps=[data], closes=True)

    def huge_head(self):
        count, value = self.rng.choice([(300, 1), (5000, 1), (300, 200),
                                        (2, 34000), (20, 17000)])
        lines = b"".join(b"X-%d: %b\r\n" % (i, b"y" * value)
                         for i in range(count))
        return self.answer("fails", 200, self.head(200, lines), b"")

    def silent_close(self):
        return Plan("fails", closes=True)

    def silence(self):
        begun = self.rng.choice([b"", self.stdout(self.head(200))])
        return Plan("fails", steps=[begun, None])

    def endless(self):
        """Records that bring nothing, one behind the other."""
        return Plan("fails", steps=[self.aside(), 0.02] * 300, closes=True)
