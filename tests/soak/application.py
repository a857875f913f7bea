"""A FastCGI application that misbehaves as a seed tells it to.

It notes every request that reaches it, with the address of the HTTP client,
which is another one for each case.
"""

import asyncio
import random
import struct
from dataclasses import dataclass, field

import fastcgi
import plans


@dataclass
class Asked:
    """A request as it has come."""
    request_id: int
    keep: bool
    encoded: bytearray = field(default_factory=bytearray)
    params: dict = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False
    tag: bytes = b""
    plan: plans.Plan | None = None
    lost: bool = False  # the plan of the request before closes the connection

    def outcome(self):
        return "fails" if self.lost else self.plan.outcome

    def is_silent(self):
        """Whether the connection ended without a byte for it."""
        return self.lost or (self.plan.closes and
                             plans.last_bytes(self.plan.steps) < 0)


class Application:
    def __init__(self, seed, quick):
        self.seed = seed
        self.quick = quick  # nothing waits for a limit of time
        self.seen = {}      # the requests, by the client's address
        self.faults = []    # where the gateway breaks the specification
        self.tasks = set()

    def note(self, asked):
        address = asked.params.get("REMOTE_ADDR", b"").decode()
        before = self.seen.setdefault(address, [])
        number = len(before)
        before.append(asked)
        asked.tag = f"{address}/{number}".encode()
        rng = random.Random(f"{self.seed} {address} {number}")
        planner = plans.Planner(rng, asked.tag, asked.request_id)
        is_simple = asked.params.get("REQUEST_URI", b"").startswith(b"/probe")
        asked.plan = planner.simple() if is_simple else planner.plan()
        if self.quick and asked.plan.name in ("silence", "endless"):
            asked.plan = planner.simple()

    async def serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        connection = Connection(self, reader, writer)
        try:
            await connection.run()
        except (asyncio.IncompleteReadError, ConnectionError,
                asyncio.CancelledError):
            pass
        finally:
            connection.stop_answering()
            writer.transport.abort()
            self.tasks.discard(task)

    async def close(self):
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class Connection:
    """One of the gateway's, with one request at a time."""

    def __init__(self, application, reader, writer):
        self.application = application
        self.reader = reader
        self.writer = writer
        self.asked = None
        self.busy = False    # the request is under way
        self.answering = None
        self.whole = None
        self.writing = asyncio.Lock()  # one answer behind the other

    def stop_answering(self):
        self.busy = False
        if self.answering is not None:
            self.answering.cancel()

    def fault(self, what):
        who = self.asked.tag.decode() if self.asked else "?"
        plan = self.asked.plan.name if self.asked and self.asked.plan else ""
        self.application.faults.append(f"{who}: {what}, behind {plan}")
        raise ConnectionError(what)

    async def run(self):
        while True:
            header = await self.reader.readexactly(8)
            version, kind, request_id, length, padding = struct.unpack(
                ">BBHHBx", header)
            content = await self.reader.readexactly(length + padding)
            content = content[:length]
            if self.writer.is_closing():
                return  # what came too late was not read
            if version != 1 or request_id == 0:
                self.fault(f"a record {header}")
            if kind == fastcgi.BEGIN:
                self.begin(request_id, content)
            elif self.asked is None or request_id != self.asked.request_id:
                continue  # of a request that has ended
            elif kind == fastcgi.ABORT:
                self.abort()
            elif kind == fastcgi.PARAMS:
                self.take_params(content)
            elif kind == fastcgi.STDIN:
                self.take_body(content)
            else:
                self.fault(f"a record of type {kind}")

    def begin(self, request_id, content):
        if self.busy or len(content) != 8 or content[:2] != b"\0\1":
            self.fault("a request amid another")
        self.asked = Asked(request_id, bool(content[2] & fastcgi.KEEP_CONN))
        self.busy = True
        self.whole = asyncio.Event()

    def abort(self):
        self.stop_answering()
        self.writer.write(fastcgi.end_record(self.asked.request_id, 1))
        self.asked = None

    def take_params(self, content):
        asked = self.asked
        if asked.params:
            self.fault("params behind their end")
        if content:
            asked.encoded += content
            return
        try:
            asked.params = fastcgi.decode_params(asked.encoded)
        except (ValueError, IndexError):
            self.fault("malformed params")
        self.application.note(asked)
        self.answering = asyncio.create_task(self.answer(asked.plan))

    def take_body(self, content):
        asked = self.asked
        if not asked.params or asked.ended:
            self.fault("a body where there is none")
        if content:
            asked.body += content
        else:
            asked.ended = True
            self.whole.set()

    async def answer(self, plan):
        over = plans.last_bytes(plan.steps) if plan.over is None else plan.over
        own = self.asked
        if plan.waits:
            await self.whole.wait()
        async with self.writing:
            for i, step in enumerate(plan.steps):
                if step is None:
                    await asyncio.sleep(3600)
                elif not isinstance(step, bytes):
                    await asyncio.sleep(step)
                elif step:
                    if i == over:
                        self.busy = False  # the next may begin
                    await self.write(step)
            if plan.closes or not own.keep:
                if self.asked is not own and self.asked is not None:
                    self.asked.lost = True
                self.writer.close()

    async def write(self, data):
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            self.writer.close()
            raise asyncio.CancelledError from None
