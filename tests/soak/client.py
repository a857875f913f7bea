"""The HTTP client of one case: it sends what the case says, and reads answers.
"""

import asyncio
import socket
import struct
import time

import http_answer
import http_request

LIMIT = 60  # seconds for a connection to end


class Outcome:
    """What has become of a connection."""

    def __init__(self, case, reading):
        self.case = case
        self.reading = reading
        self.reader = http_answer.AnswerReader(
            [r.method for r in reading.requests] + [reading.tail_method])
        self.fault = None    # a finding by itself
        self.sent = 0        # bytes
        self.closed = False  # by the gateway
        self.left = False    # the client closed first
        self.seconds = 0


class Client:
    """One connection, from its beginning to its end."""

    def __init__(self, case, port, address):
        self.outcome = Outcome(case, http_request.read_requests(case.data))
        self.case = case
        self.port = port
        self.address = address
        self.loop = asyncio.get_running_loop()
        self.is_reset = False

    async def run(self):
        begun = time.monotonic()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if self.case.slow_reader:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            self.socket.bind((self.address, 0))
            await asyncio.wait_for(self.converse(), LIMIT)
        except asyncio.TimeoutError:
            self.outcome.fault = f"hangs for {LIMIT} s"
        except ConnectionRefusedError:
            self.outcome.fault = "the gateway is not there"
        finally:
            self.socket.close()
        self.outcome.seconds = time.monotonic() - begun
        return self.outcome

    async def converse(self):
        await self.loop.sock_connect(self.socket, ("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sending = asyncio.create_task(self.send())
        receiving = asyncio.create_task(self.receive())
        try:
            await sending
            if self.case.ending != "stay":
                self.leave()
            else:
                await receiving
        finally:
            for task in (sending, receiving):
                task.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
            self.outcome.left |= not self.outcome.closed

    async def send(self):
        try:
            for piece in self.case.pieces:
                if isinstance(piece, bytes):
                    await self.loop.sock_sendall(self.socket, piece)
                    self.outcome.sent += len(piece)
                else:
                    await asyncio.sleep(piece)
        except ConnectionError:
            # What was answered before may still be read; who reads it is not
            # told of the reset once more.
            self.is_reset = True

    def leave(self):
        self.outcome.left = True
        if self.case.ending == "reset":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))

    async def receive(self):
        try:
            await self.read_answers()
        except http_answer.Malformed as problem:
            self.outcome.fault = f"malformed answer: {problem}"

    async def read_answers(self):
        size = 300 if self.case.slow_reader else 65536
        reader = self.outcome.reader
        pauses = 300
        while not self.is_done():
            data = await self.read_some(size)
            if not data:
                self.outcome.closed = True
                reader.end(is_reset=self.is_reset or data is None)
                return
            reader.feed(data)
            if self.case.slow_reader and pauses > 0:
                pauses -= 1
                await asyncio.sleep(0.001)

    async def read_some(self, size):
        """Some bytes; none at the end of the connection; None: it is reset."""
        try:
            return await self.loop.sock_recv(self.socket, size)
        except ConnectionError:
            return None

    def is_done(self):
        """Whether there is nothing more to wait for."""
        reading = self.outcome.reading
        answers = self.outcome.reader.answers
        if self.outcome.reader.whole_count() < len(answers):
            return False
        if reading.tail in ("clean", "blank"):
            return len(answers) >= len(reading.requests) and \
                not (answers and answers[-1].closes())
        if reading.tail == "part" and not self.case.patient:
            whole = sum(r.whole for r in reading.requests)
            return self.outcome.sent == len(self.case.data) and \
                len(answers) >= whole
        return False
