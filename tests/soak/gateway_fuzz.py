"""Does fcgi-gateway hold whatever its clients and its application send?

A case is one connection of an HTTP client and what the application does about
its requests; the seed and the case's number draw both. Many cases run at a
time, and behind each of them a sound request is sent, which must be answered.

What must hold (judge.py): no sanitizer reports anything; nothing hangs; every
byte that a client gets is its own; the application sees the requests that a
strict reader finds in what the client has sent, no others, and none twice.

Cases come in batches. Each batch has a gateway of its own, whose options the
batch's number draws, and is judged when that gateway has ended. A case can be
replayed alone, with the options of its batch:

    sh tests/soak/run.sh fuzz --seed SEED --case NUMBER
"""

import argparse
import asyncio
import pathlib
import random
import signal
import socket
import struct
import sys
import tempfile
import time

import application
import attacks
import client
import gateway
import judge

BATCH = 1000  # cases
AT_A_TIME = 64
TIMEOUT = 3   # seconds, of the gateway's options
FINDINGS_MAX = 5
NOT_RUN = 3


def address_of(number):
    """A client's own address, which tells whose a request is: 127.0.1.0 and
    on."""
    return socket.inet_ntoa(struct.pack(">I", 0x7f000100 +
                                        number % 0xfffc00))


class Batch:
    """A gateway with options of its own, its application, and some cases."""

    def __init__(self, settings, number):
        self.program = settings.gateway
        self.seed = settings.seed
        self.quick = settings.quick
        self.rng = random.Random(f"{settings.seed} batch {number}")
        self.options = self.draw_options()
        self.outcomes = {}      # by the client's address
        self.under_way = set()  # cases

    def draw_options(self):
        gather = self.rng.choice(["8388608"] * 3 + ["100000", "0"])
        options = ["--root", "/srv", "--access-log", "--timeout", str(TIMEOUT),
                   "--client-timeout", str(TIMEOUT), "--gather", gather]
        for words, chance in ((["--stream-chunked"], 0.2),
                              (["--no-keep"], 0.15),
                              (["--connections", "4"], 0.2),
                              (["--workers", "2"], 0.3),
                              (["--requests", "7"], 0.2),
                              (["--memory", "8000000"], 0.1),
                              (["--total", "8"], 0.3),
                              (["--no-abort"], 0.2),
                              (["--drop-connection-named"], 0.3)):
            if self.rng.random() < chance:
                options += words
        self.gather = int(gather)
        self.streams = "--stream-chunked" in options
        # What a crowd may take all of.
        self.may_refuse = "--memory" in options or "--connections" in options
        return options

    async def run(self, cases):
        """The findings."""
        with tempfile.TemporaryDirectory(prefix="fcgi-fuzz-") as folder:
            folder = pathlib.Path(folder)
            self.application = application.Application(self.seed, self.quick)
            server, upstream = await self.serve(folder)
            try:
                self.gateway = gateway.Gateway(self.program, folder, upstream,
                                               self.options)
                try:
                    await self.ask_all(cases)
                    ended_badly = await asyncio.to_thread(self.gateway.stop)
                finally:
                    self.gateway.kill()
                return judge.judge(self, ended_badly)
            finally:
                server.close()
                await self.application.close()

    async def serve(self, folder):
        """The application's server, and its address."""
        if self.rng.random() < 0.3:
            server = await asyncio.start_server(
                self.application.serve, "127.0.0.1", 0, backlog=1024)
            port = server.sockets[0].getsockname()[1]
            return server, f"127.0.0.1:{port}"
        path = folder / "app.sock"
        server = await asyncio.start_unix_server(self.application.serve, path,
                                                 backlog=1024)
        return server, f"unix:{path}"

    async def ask_all(self, cases):
        async def work():
            for number in cases:
                if not self.gateway.runs():
                    return
                case = attacks.Generator(self.seed, number).case()
                case.patient = case.patient and not self.quick
                await self.ask(case, 2 * number)
                await self.ask(attacks.probe(number), 2 * number + 1)

        cases = iter(cases)
        await asyncio.gather(*(work() for _ in range(AT_A_TIME)))

    async def ask(self, case, number):
        address = address_of(number)
        self.under_way.add(case.number)
        self.outcomes[address] = await client.Client(
            case, self.gateway.port, address).run()
        if self.gateway.runs():
            self.under_way.discard(case.number)


class Fuzzer:
    def __init__(self, settings):
        self.settings = settings
        self.cases = 0
        self.connections = 0
        self.asked = 0
        self.findings = 0

    async def run(self):
        if self.settings.case is not None:
            await self.run_batch(self.settings.case // BATCH,
                                 [self.settings.case])
            return
        deadline = time.monotonic() + self.settings.seconds
        number = 0
        while time.monotonic() < deadline and self.findings < FINDINGS_MAX:
            await self.run_batch(number, self.cases_of(number, deadline))
            number += 1

    def cases_of(self, batch, deadline):
        for number in range(batch * BATCH, (batch + 1) * BATCH):
            if time.monotonic() >= deadline:
                return
            self.cases += 1
            yield number

    async def run_batch(self, number, cases):
        batch = Batch(self.settings, number)
        findings = await batch.run(cases)
        self.connections += len(batch.outcomes)
        self.asked += sum(map(len, batch.application.seen.values()))
        for case, what in findings:
            self.findings += 1
            if self.findings <= FINDINGS_MAX:
                self.tell(batch, case, what)

    def tell(self, batch, case, what):
        seed = self.settings.seed
        name = "one case of many" if case is None else f"case {case}"
        print(f"gateway-fuzz: seed {seed}, {name}: {what}\n"
              f"    the gateway's options: {' '.join(batch.options)}",
              flush=True)
        if case is not None:
            found = attacks.Generator(seed, case).case()
            print(f"    {found.kind}, {found.ending}: {found.data[:400]}\n"
                  f"    again: sh tests/soak/run.sh fuzz --seed {seed} "
                  f"--case {case}{' --quick' if self.settings.quick else ''}",
                  flush=True)


def read_settings():
    parser = argparse.ArgumentParser(prog="gateway-fuzz")
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--case", type=int)
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args()


async def main():
    fuzzer = Fuzzer(read_settings())
    running = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    is_whole = True
    try:
        await fuzzer.run()
    except asyncio.CancelledError:
        is_whole = False
    print(f"gateway-fuzz: {'' if is_whole else 'ended early, '}"
          f"seed {fuzzer.settings.seed}, {fuzzer.cases} cases, "
          f"{fuzzer.connections} connections, {fuzzer.asked} requests reached "
          f"the application, {fuzzer.findings or 'no'} findings")
    if fuzzer.findings:
        return 1
    return 0 if is_whole else NOT_RUN


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
