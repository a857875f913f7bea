"""What HTTP clients send: as it should be, and as it should not.

Each case is drawn from the seed and its number alone. Its requests name it in
their targets, those that are hidden in bodies too.
"""

import random
from dataclasses import dataclass, field

import odd_parts

HOST = b"Host: test\r\n"
SLOW = 0.4  # seconds that the pauses of a case take in all, at the most


@dataclass
class Case:
    number: int
    kind: str
    data: bytes
    pieces: list = field(default_factory=list)  # bytes, and pauses in seconds
    ending: str = "stay"     # or "leave", "reset", behind the last piece
    patient: bool = False    # waits where the gateway has to give up
    slow_reader: bool = False

    def sends_all(self):
        return sum(len(p) for p in self.pieces
                   if isinstance(p, bytes)) == len(self.data)


class Generator:
    """Draws one case."""

    def __init__(self, seed, number):
        self.rng = random.Random(f"{seed}/{number}")
        self.number = number
        self.count = 0

    def case(self):
        kinds = ([self.sound] * 8 + [self.mutated] * 5 + [self.smuggling] * 6 +
                 [self.odd] * 5 + [self.large, self.garbage, self.truncated,
                                   self.truncated, self.abandoned])
        make = self.rng.choice(kinds)
        data = make()
        case = Case(self.number, make.__name__, data)
        case.pieces = self.split(data)
        case.patient = self.rng.random() < 0.05
        case.slow_reader = self.rng.random() < 0.1
        if make == self.abandoned:
            self.abandon(case)
        return case

    def name(self):
        self.count += 1
        return b"c%d.%d" % (self.number, self.count)

    def maybe(self, chance):
        return self.rng.random() < chance

    # Requests.

    def target(self):
        form = self.rng.choice([b"/%b", b"/%b?a=b", b"/a/%b.php/x?y", b"/%b/"])
        return form % self.name()

    def head(self, method=None, target=None, version=b"HTTP/1.1", lines=b""):
        method = method if method is not None else self.rng.choice(
            [b"GET"] * 6 + [b"HEAD", b"OPTIONS", b"DELETE", b"PROPFIND"])
        target = target if target is not None else self.target()
        extra = b"X-Number: %d\r\n" % self.number if self.maybe(0.5) else b""
        return b"%b %b %b\r\n%b%b%b\r\n" % (method, target, version, HOST,
                                            extra, lines)

    def post(self, lines):
        method = self.rng.choice([b"POST", b"POST", b"PUT", b"PATCH",
                                  b"REPORT", b"GET"])
        return self.head(method, lines=lines)

    def own(self, size):
        line = b"[c%d.%d]" % (self.number, self.count)
        return (line * (size // len(line) + 1))[:size]

    def size(self):
        return self.rng.choice([1, 5, 100, 100, 1000, 5000, 16384, 70000,
                                self.rng.randrange(1, 300000)])

    def with_length(self):
        size = self.rng.choice([0, self.size()])
        expect = b"Expect: 100-continue\r\n" if self.maybe(0.1) else b""
        head = self.post(expect + b"Content-Length: %d\r\n" % size)
        return head + self.own(size)

    def with_chunks(self):
        head = self.post(b"Transfer-Encoding: chunked\r\n")
        return head + self.chunks(self.own(self.rng.choice([0, self.size()])))

    def chunks(self, body):
        out = []
        at = 0
        while at < len(body):
            size = min(self.rng.choice([1, 5, 100, 4000, 60000]),
                       len(body) - at)
            size = max(size, min(len(body) // 50, len(body) - at))
            extension = self.rng.choice([b""] * 8 + [b";a", b";a=b",
                                                     b';a="b c"'])
            out.append(b"%x%b\r\n%b\r\n" % (size, extension,
                                            body[at:at + size]))
            at += size
        trailer = b"X-Trailer: y\r\n" if self.maybe(0.1) else b""
        return b"".join(out) + b"0\r\n" + trailer + b"\r\n"

    def request(self):
        return self.rng.choice([self.head, self.head, self.head,
                                self.with_length, self.with_chunks])()

    # Kinds.

    def sound(self):
        count = self.rng.choice([1, 1, 2, 3, 8])
        requests = [self.request() for _ in range(count)]
        if self.maybe(0.2):
            requests.append(self.head(lines=b"Connection: close\r\n"))
            if self.maybe(0.5):
                requests.append(self.head())
        if self.maybe(0.1):
            requests.insert(0, b"\r\n")
        return b"".join(requests)

    def mutated(self):
        data = bytearray(self.request() + self.request())
        if self.maybe(0.5):
            data += self.head()
        for _ in range(self.rng.choice([1, 1, 1, 2, 3, 10])):
            at = self.place(data)
            gone = self.rng.choice([0, 0, 1, 1, 2])
            data[at:at + gone] = self.rng.choice(
                odd_parts.SPECIAL + [bytes([self.rng.randrange(256)]), b"",
                           bytes([data[at] ^ 1 << self.rng.randrange(8)])])
        return bytes(data)

    def place(self, data):
        """Mostly where a line ends, or in a head."""
        ends = [i for i, byte in enumerate(data[:2000]) if byte in b"\r\n:;"]
        if ends and self.maybe(0.6):
            return max(0, self.rng.choice(ends) - self.rng.choice([0, 0, 1]))
        return self.rng.randrange(min(len(data), 400))

    def smuggling(self):
        """A request that one reader finds in the body of another."""
        hidden = self.head(target=b"/hidden-" + self.name())
        form = self.rng.choice([self.both, self.odd_length, self.odd_coding,
                                self.odd_chunks, self.odd_chunks])
        return form(hidden) + self.head() + (self.request()
                                             if self.maybe(0.3) else b"")

    def both(self, hidden):
        body = self.rng.choice([b"0\r\n\r\n" + hidden,
                                b"%x\r\n%b\r\n0\r\n\r\n" % (len(hidden),
                                                            hidden)])
        length = self.rng.choice([len(body), 5, 4, len(hidden), 0])
        lines = [self.rng.choice(odd_parts.CODINGS),
                 self.fill(self.rng.choice(odd_parts.LENGTHS), length)]
        self.rng.shuffle(lines)
        return self.post(b"".join(lines)) + body

    @staticmethod
    def fill(form, number):
        return form % number if b"%" in form else form

    def odd_length(self, hidden):
        length = self.rng.choice([len(hidden), 0, 5])
        line = self.fill(self.rng.choice(odd_parts.LENGTHS), length)
        return self.post(line) + hidden

    def odd_coding(self, hidden):
        body = self.rng.choice([self.chunks(hidden), b"0\r\n\r\n" + hidden])
        return self.post(self.rng.choice(odd_parts.CODINGS)) + body

    def odd_chunks(self, hidden):
        data = self.rng.choice([hidden, self.own(self.size())])
        line = self.fill(self.rng.choice(odd_parts.CHUNK_LINES),
                         max(0, len(data) +
                             self.rng.choice([0, 0, 0, 0, 1, -1])))
        last = self.rng.choice(odd_parts.LAST_CHUNKS)
        return (self.post(b"Transfer-Encoding: chunked\r\n") + line + data +
                self.rng.choice(odd_parts.CHUNK_ENDS) + last +
                (hidden if self.maybe(0.3) else b""))

    def odd(self):
        """One part of a head is strange."""
        part = self.rng.choice(["method", "target", "version", "lines",
                                "lines", "lines"])
        before = self.request() if self.maybe(0.3) else b""
        if part == "method":
            odd = self.head(method=self.rng.choice(odd_parts.METHODS))
        elif part == "target":
            form = self.rng.choice(odd_parts.TARGETS)
            target = form % self.name() if b"%b" in form else form
            odd = self.head(target=target)
        elif part == "version":
            odd = self.head(version=self.rng.choice(odd_parts.VERSIONS))
        else:
            count = self.rng.choice([1, 1, 2, 4])
            odd = self.head(lines=b"".join(self.rng.choice(odd_parts.LINES)
                                           for _ in range(count)))
        return before + odd + self.head()

    def large(self):
        """Near a limit, or far beyond it."""
        size = self.rng.choice([4000, 8100, 8192, 8300, 20000, 70000, 200000])
        form = self.rng.choice([self.long_line, self.many_lines,
                                self.whole_head, self.fat_chunks])
        return form(size) + (self.head() if self.maybe(0.5) else b"")

    def long_line(self, size):
        return self.rng.choice([
            self.head(target=b"/" + self.name() + b"?" + b"q" * size),
            self.head(lines=b"X: " + b"v" * size + b"\r\n"),
            self.head(lines=b"X" * size + b": v\r\n"),
            self.head(method=b"M" * size)])

    def many_lines(self, size):
        count = self.rng.choice([100, 120, 126, 127, 128, 129, 200, size // 8])
        return self.head(lines=b"".join(b"X-%d: y\r\n" % i
                                        for i in range(count)))

    def whole_head(self, _):
        """A head of some 64 KiB, exactly so or nearly, with a body."""
        size = 65536 + self.rng.choice([0, 0, 0, -1, 1, -2, 2, -100, 100])
        body = self.own(self.rng.choice([1, 100, 20000]))
        chunked = self.maybe(0.5)
        lines = b"Transfer-Encoding: chunked\r\n" if chunked else \
            b"Content-Length: %d\r\n" % len(body)
        head = self.head(b"POST", lines=lines)
        missing = size - len(head)
        filling = b""
        while missing > 0:
            length = min(missing, 8000)
            if missing - length < 10:
                length = missing if missing < 8100 else missing - 4000
            filling += b"X: " + b"v" * (length - 5) + b"\r\n"
            missing -= length
        head = head[:-2] + filling + b"\r\n"
        return head + (self.chunks(body) if chunked else body)

    def fat_chunks(self, size):
        head = self.head(b"POST", lines=b"Transfer-Encoding: chunked\r\n")
        extension = b";" + b"e" * min(size, 15000)
        return head + b"".join(
            b"1%b\r\nx\r\n" % extension
            for _ in range(self.rng.choice([1, 2, 20]))) + b"0\r\n\r\n"

    def garbage(self):
        return self.rng.choice([
            self.rng.randbytes(self.rng.choice([1, 10, 1000, 100000])),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(50),
            b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + self.head(),
            b"\x01\x01\0\1\0\x08\0\0\0\1\0\0\0\0\0\0" + self.head(),
            b"\r\n" * self.rng.choice([1, 100, 40000]),
            b"\n", b"\0" * 100, b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n",
            b"GET " * 30000, b"A"]) + (self.head(b"GET") if self.maybe(0.3)
                                       else b"")

    def truncated(self):
        """The last request does not come whole."""
        last = self.request()
        before = self.request() if self.maybe(0.5) else b""
        return before + last[:self.rng.randrange(1, len(last))]

    def abandoned(self):
        return b"".join(self.request() for _ in range(3))

    def abandon(self, case):
        """The client leaves, wherever it is just then."""
        keep = self.rng.choice([len(case.pieces),
                                self.rng.randrange(len(case.pieces) + 1)])
        case.pieces = case.pieces[:keep]
        case.ending = self.rng.choice(["leave", "reset"])
        case.pieces.append(self.rng.choice([0, 0, 0.002, 0.05]))

    # Pieces.

    def split(self, data):
        """In one send, in some, or byte by byte."""
        way = self.rng.random()
        if way < 0.4:
            return [data]
        if way < 0.5 and len(data) < 700:
            cuts = range(1, len(data))
        else:
            count = self.rng.choice([1, 2, 5])
            near = min(len(data), self.rng.choice([300, 70000, len(data)]))
            cuts = sorted({self.rng.randrange(near + 1)
                           for _ in range(count)} - {0, len(data)})
        pieces = []
        pause = self.rng.choice([None, 0, 0, 0.001, SLOW / (len(cuts) + 1)])
        for start, end in zip([0, *cuts], [*cuts, len(data)]):
            pieces.append(data[start:end])
            if pause is not None:
                pieces.append(min(pause, SLOW / (len(cuts) + 1)))
        return pieces


def probe(number):
    """A request that is always answered."""
    data = b"GET /probe-%d HTTP/1.1\r\nHost: test\r\n\r\n" % number
    return Case(number, "probe", data, [data])
