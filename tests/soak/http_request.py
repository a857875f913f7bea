"""Which HTTP/1 requests do some bytes hold, to a strict reader?

It follows RFC 9110 and RFC 9112, and shares no code with what it judges. What
two readers could take for different requests is refused. A request that a
server may either take or refuse is uncertain.
"""

import re
from dataclasses import dataclass, field

# The gateway's limits. Close to one of them, a request is uncertain.
HEAD_MAX = 65536
FIELDS_MAX = 128
FRAMING_MAX = 16 * 1024
EMPTY_MAX = 100  # bytes of empty lines before a request

SURE_METHODS = {b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS",
                b"PATCH", b"PROPFIND", b"REPORT"}
FORBIDDEN_METHODS = {b"CONNECT", b"TRACE"}
RULING = {b"content-length", b"transfer-encoding", b"connection", b"host",
          b"upgrade"}

LINE_END = re.compile(rb"\r?\n")
HEAD_END = re.compile(rb"\r?\n\r?\n")
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
ABSOLUTE = re.compile(rb"(?i)https?://([^/?]*)")
PLAIN_TARGET = re.compile(rb"/(?!/)[A-Za-z0-9/_=?&.-]*")
SOUND_TARGET = re.compile(
    rb"(/|(?i:https?)://[^/?])[\x21-\x22\x24-\x7e\x80-\xff]*")
HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]*)?|")
EXTENSION = re.compile(
    rb'(;[!#$%&\'*+.^_`|~0-9A-Za-z-]+'
    rb'(=([!#$%&\'*+.^_`|~0-9A-Za-z-]+|"[^"\\\x00-\x08\x0a-\x1f\x7f]*"))?)*')


class Refused(Exception):
    """No server may take this for a request."""


class Partial(Exception):
    """Its end has not come."""


TAILS = {Refused: "refused", Partial: "part"}


@dataclass
class Request:
    method: bytes
    target: bytes
    version: bytes
    fields: list
    certain: bool = True         # a server has to answer it
    body: bytes = b""            # what is there of it
    whole: bool = True           # all of the body is there
    sound: bool = True           # the body is not malformed
    chunked: bool = False
    closes: bool | None = False  # the connection ends behind it; None: it may
    end: int = 0

    def values(self, name):
        return [v for n, v in self.fields if n.lower() == name]

    def origin_form(self):
        """The target without a scheme and a host."""
        found = ABSOLUTE.match(self.target)
        rest = self.target[found.end() if found else 0:]
        return b"/" + rest if found and rest[:1] != b"/" else rest

    def host(self):
        """That of the target comes first (RFC 9112, section 3.2.2)."""
        found = ABSOLUTE.match(self.target)
        return found[1] if found else b"".join(self.values(b"host"))


@dataclass
class Reading:
    """The requests, and what stands behind them: nothing ("clean"), empty lines
    ("blank"), the beginning of a request ("part"), what is none ("refused"), or
    what nobody may read, since the connection has ended ("closed")."""
    requests: list = field(default_factory=list)
    tail: str = "clean"
    tail_method: bytes = b""  # the first word of what is no whole request


def read_requests(data):
    reading = Reading()
    at = 0
    certain = True
    while True:
        start = skip_empty_lines(data, at)
        certain = certain and start == skip_crlf(data, at) and \
            start - at <= EMPTY_MAX
        if start == len(data):
            reading.tail = "blank" if start > at else "clean"
            return reading
        try:
            request = read_request(data, start)
        except (Refused, Partial) as problem:
            reading.tail = TAILS[type(problem)]
            reading.tail_method = data[start:start + 20].split(b" ")[0]
            return reading
        request.certain = request.certain and certain
        reading.requests.append(request)
        if not request.whole:
            reading.tail = "part" if request.sound else "refused"
            return reading
        at = request.end
        if request.closes:
            reading.tail = "closed" if at < len(data) else "clean"
            return reading
        certain = certain and request.closes is not None


def skip_empty_lines(data, at):
    while data[at:at + 1] in (b"\r", b"\n"):
        at += 1
    return at


def skip_crlf(data, at):
    while data[at:at + 2] == b"\r\n":
        at += 2
    return at


def read_request(data, start):
    found = HEAD_END.search(data, start)
    if not found or found.end() - start > HEAD_MAX:
        raise Refused if len(data) - start > HEAD_MAX + 8192 else Partial
    end = found.start()
    lines = LINE_END.split(data[start:end])
    request = read_request_line(lines[0])
    if b"\n" in data[start:found.end()].replace(b"\r\n", b""):
        request.certain = False  # LF alone may be taken for the end of a line
    request.fields = [read_field(line) for line in lines[1:]]
    # Close to a limit either is right.
    if end - start > HEAD_MAX - 2048 or len(request.fields) > FIELDS_MAX - 2:
        request.certain = False
    if len(request.fields) > FIELDS_MAX:
        raise Refused
    if any(re.match(rb"(?i)(content-length|transfer-encoding):.*\t", line)
           for line in lines):
        request.certain = False
    check_host(request)
    read_connection(request)
    read_body(request, data, found.end())
    return request


def read_request_line(line):
    words = re.split(rb" +", line)
    if words[-1] == b"":
        words.pop()
    if len(words) != 3:
        raise Refused
    method, target, version = words
    if not TOKEN.fullmatch(method) or method in FORBIDDEN_METHODS:
        raise Refused
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Refused
    request = Request(method, target, version, [])
    request.certain = method in SURE_METHODS and line == b" ".join(words)
    check_target(request)
    return request


def check_target(request):
    """Where a path may lead is for the judge of what the application sees."""
    target = request.target
    if target == b"*" and request.method == b"OPTIONS":
        return
    if not SOUND_TARGET.fullmatch(target):
        raise Refused
    if not PLAIN_TARGET.fullmatch(target) or b".." in target:
        request.certain = False


def read_field(line):
    name, colon, value = line.partition(b":")
    if not colon or not TOKEN.fullmatch(name) or not VALUE.fullmatch(value):
        raise Refused  # a folded line too: it begins with no token
    return name, value.strip(b" \t")


def check_host(request):
    hosts = request.values(b"host")
    if len(hosts) > 1 or (not hosts and request.version == b"HTTP/1.1"):
        raise Refused
    if hosts and not HOST.fullmatch(hosts[0]):
        raise Refused
    if len(request.values(b"content-type")) > 1:
        raise Refused


def read_connection(request):
    values = [v.lower() for v in request.values(b"connection")]
    is_1_0 = request.version == b"HTTP/1.0"
    if not values:
        request.closes = is_1_0
    elif values == [b"close"]:
        request.closes = True
    elif values == [b"keep-alive"]:
        request.closes = False
    elif not is_1_0 and not any(b"close" in v for v in values):
        request.closes = False
    else:
        request.closes = None


def read_body(request, data, at):
    lengths = request.values(b"content-length")
    codings = request.values(b"transfer-encoding")
    if len(lengths) > 1 or (lengths and codings):
        raise Refused
    if codings:
        if [c.lower() for c in codings] != [b"chunked"] or \
                request.version == b"HTTP/1.0":
            raise Refused
        request.chunked = True
        read_chunks(request, data, at)
        return
    length = 0
    if lengths:
        if not re.fullmatch(rb"[0-9]{1,19}", lengths[0]):
            raise Refused
        length = int(lengths[0])
        request.certain = request.certain and length < 1 << 40
    request.body = data[at:at + length]
    request.whole = len(request.body) == length
    request.end = at + length


def read_chunks(request, data, at):
    """Until the end, or up to where it ceases to be well-formed."""
    pieces = []
    framing = 0
    try:
        while True:
            size, extension, after = read_chunk_line(data, at)
            framing += after - at
            if extension and not EXTENSION.fullmatch(extension):
                request.certain = False
            if framing > FRAMING_MAX - 1024:
                request.certain = False
            if size == 0:
                break
            pieces.append(data[after:after + size])
            if len(pieces[-1]) < size:
                raise Partial
            at = need(data, after + size, b"\r\n")
        request.end = read_trailers(request, data, after)
    except Partial:
        request.whole = False
    except Refused:
        request.whole = request.sound = False
    request.body = b"".join(pieces)


def need(data, at, wanted):
    found = data[at:at + len(wanted)]
    if found == wanted:
        return at + len(wanted)
    raise Partial if wanted.startswith(found) else Refused


def read_line(data, at):
    """A line that ends in CRLF, and holds no other CR or LF."""
    end = re.compile(rb"[\r\n]").search(data, at)
    if end is None:
        raise Partial
    return data[at:end.start()], need(data, end.start(), b"\r\n")


def read_chunk_line(data, at):
    try:
        line, after = read_line(data, at)
    except Partial:
        if not re.fullmatch(rb"[0-9A-Fa-f]*([;\t ][^\r\n]*)?\r?", data[at:]):
            raise Refused from None
        raise
    size = re.match(rb"[0-9A-Fa-f]+", line)
    if not size or len(size[0].lstrip(b"0")) > 16:
        raise Refused
    extension = line[size.end():]
    if extension and (extension[:1] not in b"; \t" or
                      not VALUE.fullmatch(extension)):
        raise Refused
    return int(size[0], 16), extension, after


def read_trailers(request, data, at):
    """They are for nobody; lines may be folded, or end in LF alone."""
    start = at
    while True:
        end = data.find(b"\n", at)
        if end < 0:
            raise Partial
        line = data[at:end]
        if line.endswith(b"\r"):
            line = line[:-1]
        else:
            request.certain = False
        at = end + 1
        if line == b"":
            return at
        if line[:1] in b" \t":
            request.certain = False
            line = b"X:" + line
        name, _ = read_field(line)
        if name.lower() in RULING or at - start > FRAMING_MAX // 2:
            request.certain = False
