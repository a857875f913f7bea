"""What is wrong with what has become of the cases of a batch: what the
application has seen, what the clients have got, and what stands in the access
log.
"""

import collections
import re
import socket
import struct

import gateway

PATIENCE = 2.8  # seconds, before which no time limit of the gateway is over
REFUSALS = {400, 408, 411, 413, 414, 431, 501, 505}
FAILURES = {502, 503, 504}
OWN_BODY = re.compile(rb"[A-Z][A-Za-z' -]{2,40}\n|")
ONCE = {b"POST", b"PATCH"}  # these may not run twice


class Finding(Exception):
    """A rule that does not hold."""


def judge(batch, ended_badly):
    """The findings: pairs of a case, or None, and what is wrong with it."""
    if ended_badly:
        cases = sorted(batch.under_way)
        return [(cases[0] if len(cases) == 1 else None,
                 f"amid the cases {cases}: {ended_badly}")]
    findings = [(case_of(fault), f"the gateway breaks FastCGI: {fault}")
                for fault in batch.application.faults]
    seen = batch.application.seen
    lines, odd_lines = read_log(batch.gateway)
    findings += [(None, f"a line of the access log: {text}")
                 for text in odd_lines]
    for address in seen.keys() | lines.keys():
        if address not in batch.outcomes:
            findings.append((None, f"requests of {address}, which has asked "
                                   "nothing"))
    for address, outcome in batch.outcomes.items():
        try:
            CaseJudge(batch, outcome, seen.get(address, []),
                      lines.get(address, [])).run()
        except Finding as found:
            findings.append((outcome.case.number, str(found)))
    return findings


def case_of(fault):
    """The number of the case whose address a fault begins with."""
    try:
        address = socket.inet_aton(fault.split("/")[0])
    except OSError:
        return None
    return (struct.unpack(">I", address)[0] - 0x7f000100) // 2


def read_log(running):
    """The lines of each client, and those that are none."""
    lines = collections.defaultdict(list)
    odd_lines = []
    for text in running.access_lines():
        line = gateway.ACCESS_LINE.fullmatch(text)
        if line:
            lines[line["address"]].append(line)
        else:
            odd_lines.append(text)
    return lines, odd_lines


class CaseJudge:
    def __init__(self, batch, outcome, seen, lines):
        self.batch = batch
        self.outcome = outcome
        self.seen = seen
        self.lines = lines
        self.requests = outcome.reading.requests
        self.answers = outcome.reader.answers

    def run(self):
        if self.outcome.fault:
            raise Finding(self.outcome.fault)
        self.pairs = self.pair()
        for request, attempts in zip(self.requests, self.pairs):
            for asked in attempts:
                self.check_asked(request, asked)
        for i, answer in enumerate(self.answers):
            self.check_answer(i, answer)
        self.check_missing()
        self.check_log()

    # What the application saw.

    def pair(self):
        """For each request, how it has reached the application: not at all,
        once, or once more because the first attempt was lost."""
        at = 0
        pairs = []
        for request in self.requests:
            attempts = []
            while at < len(self.seen) and self.is_of(self.seen[at], request) \
                    and (not attempts or attempts[-1].is_silent()):
                attempts.append(self.seen[at])
                at += 1
            pairs.append(attempts)
            self.check_attempts(request, attempts)
        if at < len(self.seen):
            raise Finding("the application saw what is no request: "
                          f"{shown(self.seen[at])}")
        return pairs

    @staticmethod
    def is_of(asked, request):
        return asked.params.get("REQUEST_METHOD") == request.method and \
            asked.params.get("REQUEST_URI") == request.origin_form()

    def check_attempts(self, request, attempts):
        if len(attempts) > 2 or (len(attempts) == 2 and
                                 request.method in ONCE):
            raise Finding(f"it ran {len(attempts)} times: {request.target}")
        if attempts and not request.sound and not self.batch.streams:
            raise Finding(f"it ran with malformed chunks: {request.target}")

    def check_asked(self, request, asked):
        params = asked.params
        if params.get("SERVER_PROTOCOL") != request.version:
            raise Finding(f"protocol {params.get('SERVER_PROTOCOL')}")
        script = params.get("SCRIPT_FILENAME", b"")
        if not script.startswith(b"/srv/") or \
                re.search(rb"/\.\.?(/|$)", script):
            raise Finding(f"SCRIPT_FILENAME {script}")
        for name, value in params.items():
            if re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value):
                raise Finding(f"control bytes: {name}={value}")
        self.check_fields(request, params)
        self.check_body(request, asked)

    def check_fields(self, request, params):
        expected = collections.defaultdict(list)
        for name, value in request.fields:
            if not re.search(rb"[_.]", name):
                variable = name.decode("latin-1").upper().replace("-", "_")
                expected[f"HTTP_{variable}"].append(value)
        expected["HTTP_HOST"] = [request.host()]
        for name, value in params.items():
            if not name.startswith("HTTP_"):
                continue
            separator = b"; " if name == "HTTP_COOKIE" else b", "
            if separator.join(expected[name]) != value or \
                    name in ("HTTP_PROXY", "HTTP_TRANSFER_ENCODING"):
                raise Finding(f"{name}={value} for {request.fields}")

    def check_body(self, request, asked):
        length = asked.params.get("CONTENT_LENGTH")
        if not request.body.startswith(asked.body):
            raise Finding(f"a body of {len(asked.body)} bytes that are not "
                          f"those of {request.target}")
        if not asked.ended:
            return
        if not request.whole or len(asked.body) != len(request.body):
            raise Finding(f"a body cut to {len(asked.body)} bytes passes for "
                          f"whole: {request.target}")
        if length is not None and int(length) != len(request.body):
            raise Finding(f"CONTENT_LENGTH {length} of {len(request.body)}")
        if length is None and request.body and not self.batch.streams:
            raise Finding("no CONTENT_LENGTH")

    # What the client got.

    def check_answer(self, i, answer):
        if i > 0 and (self.answers[i - 1].closes() or
                      not self.answers[i - 1].whole):
            raise Finding("an answer behind the last")
        if i > len(self.requests) or (
                i == len(self.requests) and
                self.outcome.reading.tail in ("clean", "closed")):
            raise Finding(f"an answer too many: {shown_answer(answer)}")
        if i == len(self.requests):
            if not is_own(answer) or not answer.closes() or not (
                    answer.status in REFUSALS or
                    answer.status == 503 and self.batch.may_refuse):
                raise Finding("what is no request is answered: "
                              f"{shown_answer(answer)}")
            self.check_patience(answer)
            return
        request, attempts = self.requests[i], self.pairs[i]
        if attempts and not is_own(answer):
            self.check_application_answer(answer, request, attempts[-1])
        elif is_own(answer):
            self.check_own(answer, request, attempts)
        else:
            raise Finding(f"an answer from nowhere: {shown_answer(answer)}")

    def check_patience(self, answer):
        if answer.status in (408, 504) and self.outcome.seconds < PATIENCE:
            raise Finding(f"{answer.status} after "
                          f"{self.outcome.seconds:.1f} s")

    def check_own(self, answer, request, attempts):
        status = answer.status
        self.check_patience(answer)
        if status in REFUSALS:
            is_refused = request.chunked and self.batch.streams and \
                not request.certain  # for what comes behind what it ran with
            if attempts and status != 408 and request.sound and \
                    not is_refused:
                raise Finding(f"{status} though it ran: {request.target}")
            if self.is_certain(request) and status != 408:
                raise Finding(f"a sound request is refused: {status} for "
                              f"{request.method} {request.target}")
        elif status == 503 and self.batch.may_refuse or status == 504:
            pass
        elif not attempts:
            raise Finding(f"{status} and the application was not asked: "
                          f"{request.target}")
        elif attempts[-1].outcome() == "whole":
            raise Finding(f"{status} for an answer that was sound: "
                          f"{attempts[-1].plan.name}")

    def is_at_fault(self):
        """Whether the client may blame itself for what it misses: it has left,
        has taken too long, or has sent more behind its last request, which
        resets the connection (RFC 9112, section 9.6)."""
        return self.outcome.left or self.outcome.seconds >= PATIENCE or \
            self.outcome.reading.tail == "closed" or \
            any(request.closes is None for request in self.requests)

    def is_certain(self, request):
        """Whether it must be answered by the application."""
        if request.chunked and not self.batch.streams and \
                (self.batch.gather == 0 or
                 len(request.body) > self.batch.gather):
            return False
        return request.certain and request.whole and request.sound

    def check_application_answer(self, answer, request, asked):
        plan = asked.plan
        if plan.status is None:
            self.check_parts(answer, plan)
            return
        if answer.value(b"x-own") != asked.tag:
            raise Finding(f"somebody else's answer: {shown_answer(answer)} "
                          f"for {asked.tag}")
        if answer.status != plan.status:
            raise Finding(f"{answer.status} for {plan.status}")
        bodiless = request.method == b"HEAD" or plan.status in (204, 304)
        body = b"" if bodiless else plan.body
        if not body.startswith(answer.body):
            raise Finding(f"foreign bytes in {shown_answer(answer)}, "
                          f"{difference(body, bytes(answer.body))}")
        if not answer.whole and plan.outcome == "whole" and \
                not self.is_at_fault():
            raise Finding(f"an answer is cut that was whole: {plan.name}")
        if answer.whole and not bodiless and (
                len(answer.body) < len(body) or (
                    plan.outcome == "fails" and
                    b"Content-Length" not in plan.raw)):
            raise Finding("an answer that failed passes for whole: "
                          f"{plan.name}")

    @staticmethod
    def check_parts(answer, plan):
        """An answer whose head may say anything must be made of what the
        application has said."""
        for value in [v for n, v in answer.fields
                      if n.lower() not in (b"date", b"connection",
                                           b"content-length",
                                           b"transfer-encoding")]:
            if value not in plan.raw:
                raise Finding(f"a foreign field {value}")
        if bytes(answer.body) not in plan.raw:
            raise Finding(f"foreign bytes in {shown_answer(answer)}")

    def check_missing(self):
        count = len(self.answers)
        if self.outcome.left or self.outcome.seconds >= PATIENCE or (count and (
                self.answers[-1].closes() or not self.answers[-1].whole or
                self.answers[-1].until_close or self.is_failed(count - 1))):
            return
        if count == len(self.requests):
            if self.outcome.reading.tail == "refused":
                raise Finding("it is closed without a word why")
            return
        if count > len(self.requests):
            return
        if self.is_certain(self.requests[count]) and \
                not self.is_failed(count):
            raise Finding("it is not answered: "
                          f"{self.requests[count].target}")

    def is_failed(self, i):
        """Whether the application has done what may end the connection."""
        attempts = self.pairs[i] if i < len(self.pairs) else None
        return bool(attempts) and attempts[-1].outcome() != "whole"

    # What stands in the access log.

    def check_log(self):
        least = max(len(self.answers),
                    sum(bool(attempts) for attempts in self.pairs))
        reading = self.outcome.reading
        most = len(self.requests) + (
            reading.tail in ("blank", "part", "refused") or
            not self.outcome.case.sends_all())
        if not least <= len(self.lines) <= most:
            raise Finding(f"{len(self.lines)} lines in the access log for "
                          f"{least} to {most} requests")
        for i, (answer, line) in enumerate(zip(self.answers, self.lines)):
            self.check_line(i, answer, line)

    def check_line(self, i, answer, line):
        if int(line["status"]) != answer.status:
            raise Finding(f"answered {answer.status}, logged {line[0]}")
        if answer.whole and int(line["bytes"]) != len(answer.body):
            raise Finding(f"{len(answer.body)} bytes, logged {line[0]}")
        sound = is_own(answer) or (
            i < len(self.pairs) and self.pairs[i] and
            self.pairs[i][-1].outcome() == "whole")
        is_last = self.outcome.left and i == len(self.answers) - 1
        if answer.whole and sound and line["reason"] != "-" and \
                answer.status != 408 and not is_last:
            raise Finding(f"a whole answer, logged {line[0]}")
        if not answer.whole and line["reason"] == "-" and \
                not self.is_at_fault():
            raise Finding(f"an answer that was cut, logged {line[0]}")


def is_own(answer):
    """Whether it is the gateway's."""
    return answer.value(b"x-own") is None and \
        answer.status in REFUSALS | FAILURES and \
        answer.value(b"content-type") in (b"text/plain", None) and \
        OWN_BODY.fullmatch(bytes(answer.body)) is not None


def difference(wanted, found):
    """Where bytes begin to be others than they should be."""
    at = next((i for i, (a, b) in enumerate(zip(wanted, found)) if a != b),
              min(len(wanted), len(found)))
    return f"at {at} of {len(wanted)}: {found[at:at + 60]}"


def shown(asked):
    return {name: asked.params.get(name) for name in (
        "REQUEST_METHOD", "REQUEST_URI", "CONTENT_LENGTH")}


def shown_answer(answer):
    return f"{answer.status} {answer.fields} {bytes(answer.body[:100])}"
