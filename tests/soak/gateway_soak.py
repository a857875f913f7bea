"""Does fcgi-gateway serve right, for long, in front of PHP-FPM?

Clients ask all the time, each in the way that the seed draws: bodies small and
large, with a length and chunked; HEAD; several requests at once; and some leave
amid an upload or an answer. PHP-FPM is reloaded again and again, and replaces
each child after some requests.

What must hold: every answer is its request's own, and whole or seen to be cut;
few requests fail, since only those may that were under way when PHP-FPM closed
a connection; neither memory nor descriptors grow. See run.sh for its use.
"""

import argparse
import asyncio
import collections
import pathlib
import random
import signal
import socket
import struct
import sys
import tempfile
import time
from dataclasses import dataclass

import gateway
import http_answer
import php_fpm

CLIENTS = 12
CHILDREN = 8
REQUESTS_OF_CHILD = 150
RELOAD_SECONDS = 4
GATHER = 2 << 20
LIMIT = 60           # seconds for an answer
CLOSED_SECONDS = 30  # until nothing is left of clients and kept connections
GROWTH_MAX = 32768   # KiB
FAILED_MAX = 0.02    # of the requests
FINDINGS_MAX = 10
NOT_RUN = 3
HERE = pathlib.Path(__file__).resolve().parent


@dataclass
class Asked:
    """A request, and the body of the answer that is its own."""
    name: str
    method: bytes
    body: bytes
    wanted: bytes


class Wrong(Exception):
    """An answer that is not the request's own."""


class Tally:
    """What has become of the requests, and what is wrong."""

    def __init__(self):
        self.ends = collections.Counter()
        self.findings = 0

    def find(self, what):
        self.findings += 1
        print(f"gateway-soak: {what}", flush=True)


class Client:
    """Asks over one connection after the other until the time is over."""

    def __init__(self, port, tally, seed, number):
        self.rng = random.Random(f"{seed} client {number}")
        self.port = port
        self.tally = tally
        self.number = number
        self.count = 0

    async def run(self, deadline):
        while time.monotonic() < deadline and \
                self.tally.findings < FINDINGS_MAX:
            try:
                await self.converse(deadline)
            except (Wrong, http_answer.Malformed) as problem:
                self.tally.find(f"client {self.number}: {problem}")
            except ConnectionRefusedError:
                self.tally.find("the gateway is not there")
                return

    async def converse(self, deadline):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for _ in range(self.rng.choice([1, 3, 10, 30])):
                if time.monotonic() >= deadline or \
                        not await self.ask(reader, writer):
                    return
        finally:
            writer.transport.abort()

    async def ask(self, reader, writer):
        """A request, or some at once; whether the connection stays."""
        asked = [self.draw() for _ in range(self.rng.choice([1, 1, 1, 2, 4]))]
        leaves = self.rng.choice(["upload", "answer"] + [None] * 10)
        answers = http_answer.AnswerReader([a.method for a in asked])
        sending = asyncio.create_task(self.send(writer, asked, leaves))
        try:
            async with asyncio.timeout(LIMIT):
                if leaves == "upload":
                    await sending
                else:
                    await self.receive(reader, asked, answers, leaves)
        except TimeoutError:
            raise Wrong(f"{asked[0].name} is not answered") from None
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        if leaves:
            self.leave(writer)
        return self.judge_all(asked, answers.answers, leaves)

    def draw(self):
        self.count += 1
        name = f"c{self.number}.{self.count}"
        method = self.rng.choice([b"GET"] * 4 + [b"HEAD"] + [b"POST"] * 4)
        own = repeat(name, self.rng.choice([0, 10, 1000, 20000, 300000]))
        body = b""
        if method == b"POST":
            body = repeat(name, self.rng.choice([0, 10, 10, 3000, 100000,
                                                 1 << 20, 3 << 20]))
        return Asked(name, method, body, body + own)

    def encode(self, asked):
        """The head and the body."""
        target = (f"/own.php?id={asked.name}"
                  f"&bytes={len(asked.wanted) - len(asked.body)}")
        head = b"%b %b HTTP/1.1\r\nHost: test\r\n" % (asked.method,
                                                      target.encode())
        if asked.method != b"POST":
            return head + b"\r\n", b""
        if self.rng.random() < 0.1:
            head += b"Expect: 100-continue\r\n"
        if len(asked.body) > GATHER or self.rng.random() < 0.5:
            return head + b"Content-Length: %d\r\n\r\n" % len(
                asked.body), asked.body
        return head + b"Transfer-Encoding: chunked\r\n\r\n", \
            self.chunks(asked.body)

    def chunks(self, body):
        size = self.rng.choice([1000, 16384, 100000])
        pieces = [body[i:i + size] for i in range(0, len(body), size)]
        return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece)
                        for piece in pieces) + b"0\r\n\r\n"

    async def send(self, writer, asked, leaves):
        parts = [self.encode(each) for each in asked]
        if leaves == "upload":
            head, body = parts.pop()
            parts.append((head, body[:self.rng.randrange(len(body) + 1)]))
        data = b"".join(head + body for head, body in parts)
        try:
            for i in range(0, len(data), 65536):
                writer.write(data[i:i + 65536])
                await writer.drain()
        except ConnectionError:
            pass  # what was answered before may still be read

    async def receive(self, reader, asked, answers, leaves):
        stop = sum(len(a.wanted) for a in asked) * self.rng.random() \
            if leaves else None
        received = 0
        while answers.whole_count() < len(asked):
            try:
                data = await reader.read(65536)
            except ConnectionError:
                data = None
            if not data:
                answers.end(is_reset=data is None)
                return
            answers.feed(data)
            received += len(data)
            if stop is not None and received >= stop:
                return

    def leave(self, writer):
        """Close the connection, or reset it."""
        if self.rng.random() < 0.5:
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    def judge_all(self, asked, answers, leaves):
        """Whether the connection can be used again."""
        ends = [judge(each, answers[i]) if i < len(answers) else "cut"
                for i, each in enumerate(asked)]
        self.tally.ends.update("left" if leaves and end == "cut" else end
                               for end in ends)
        return not leaves and set(ends) == {"whole"} and \
            not answers[-1].closes()


def judge(asked, answer):
    """How an answer has ended, which must be the request's."""
    if answer.value(b"x-own") is None and answer.status >= 500:
        return "failed"
    wanted = b"" if asked.method == b"HEAD" else asked.wanted
    if answer.status != 200 or \
            answer.value(b"x-own") != asked.name.encode() or \
            not wanted.startswith(answer.body) or \
            (answer.whole and len(answer.body) != len(wanted)):
        raise Wrong(f"{asked.name} is answered {answer.status} "
                    f"{answer.fields} {bytes(answer.body[:60])}, "
                    f"{len(answer.body)} of {len(wanted)} bytes")
    return "whole" if answer.whole else "cut"


def repeat(name, size):
    line = f"<{name}>\n".encode()
    return (line * (size // len(line) + 1))[:size]


class Soak:
    def __init__(self, settings):
        self.settings = settings
        self.tally = Tally()
        self.sizes = []   # of the gateway, each second, in KiB
        self.reloads = 0

    async def run(self):
        with tempfile.TemporaryDirectory(prefix="fcgi-soak-") as folder:
            folder = pathlib.Path(folder)
            self.fpm = php_fpm.PhpFpm(folder, CHILDREN, REQUESTS_OF_CHILD)
            try:
                self.gateway = gateway.Gateway(
                    self.settings.gateway, folder, self.fpm.address,
                    ["--root", str(HERE), "--workers", "2", "--gather",
                     str(GATHER)])
                try:
                    await self.ask()
                    await self.check_descriptors()
                    ended_badly = await asyncio.to_thread(self.gateway.stop)
                finally:
                    self.gateway.kill()
            finally:
                self.fpm.stop()
        if ended_badly:
            self.tally.find(ended_badly)
        self.check_failures()
        self.check_memory()

    async def ask(self):
        deadline = time.monotonic() + self.settings.seconds
        self.base = len(self.gateway.descriptors())
        clients = [Client(self.gateway.port, self.tally, self.settings.seed, i)
                   for i in range(CLIENTS)]
        watching = asyncio.create_task(self.watch())
        try:
            await asyncio.gather(*(c.run(deadline) for c in clients))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def watch(self):
        while self.gateway.runs():
            for _ in range(RELOAD_SECONDS):
                await asyncio.sleep(1)
                self.sizes.append(self.gateway.resident())
            self.fpm.reload()
            self.reloads += 1

    async def check_descriptors(self):
        deadline = time.monotonic() + CLOSED_SECONDS
        while self.gateway.runs():
            found = self.gateway.descriptors()
            if len(found) <= self.base:
                return
            if time.monotonic() > deadline:
                self.tally.find(f"{len(found)} descriptors, {self.base} before "
                                f"the first client: {', '.join(found)}")
                return
            await asyncio.sleep(0.1)

    def check_memory(self):
        half = len(self.sizes) // 2
        if half == 0:
            return
        early, late = max(self.sizes[:half]), max(self.sizes[half:])
        if late > early + GROWTH_MAX:
            self.tally.find(f"{late} KiB in the second half, {early} in the "
                            "first")

    def check_failures(self):
        failed = self.tally.ends["failed"] + self.tally.ends["cut"]
        total = self.tally.ends.total()
        if failed > max(5, FAILED_MAX * total):
            self.tally.find(f"{failed} of {total} requests failed")


def read_settings():
    parser = argparse.ArgumentParser(prog="gateway-soak")
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=int, default=60)
    return parser.parse_args()


async def main():
    settings = read_settings()
    if php_fpm.find() is None:
        print("gateway-soak: there is no PHP-FPM")
        return NOT_RUN
    soak = Soak(settings)
    running = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    is_whole = True
    try:
        await soak.run()
    except asyncio.CancelledError:
        is_whole = False
    ends = ", ".join(f"{count} {end}"
                     for end, count in soak.tally.ends.most_common())
    print(f"gateway-soak: {'' if is_whole else 'ended early, '}"
          f"seed {settings.seed}, "
          f"{soak.tally.ends.total()} requests ({ends}), {soak.reloads} "
          f"reloads, {max(soak.sizes, default=0)} KiB at the most, "
          f"{soak.tally.findings or 'no'} findings")
    if soak.tally.findings:
        return 1
    return 0 if is_whole else NOT_RUN


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
