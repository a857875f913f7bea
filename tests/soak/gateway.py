"""fcgi-gateway beside a test: started, watched and ended."""

import os
import pathlib
import re
import signal
import subprocess
import time

# A report ends the program. Freed memory is soon used again, so that a size
# that grows is a leak.
ENVIRONMENT = {
    "ASAN_OPTIONS": "exitcode=99:quarantine_size_mb=8:detect_leaks=1:"
                    "malloc_context_size=8",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
# Before a command: it does not outlive this program.
ENDS_WITH_US = ["setpriv", "--pdeathsig", "KILL"]
REPORT = re.compile(r"(ERROR: \w+Sanitizer|runtime error:|Assertion).*")
LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
STOP_SECONDS = 90


class Gateway:
    def __init__(self, program, folder, upstream, options):
        self.log = folder / "gateway.log"
        self.errors = folder / "gateway.err"
        with open(self.log, "w") as out, open(self.errors, "w") as err:
            self.process = subprocess.Popen(
                [*ENDS_WITH_US, program, "--listen", "127.0.0.1:0",
                 "--upstream", upstream, *options],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env={**os.environ, **ENVIRONMENT})
        self.port = self.await_port()

    def await_port(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.runs():
            found = LISTENING.search(self.log.read_text())
            if found:
                return int(found[1])
            time.sleep(0.01)
        self.kill()
        raise RuntimeError("the gateway does not start: " +
                           self.errors.read_text()[-2000:])

    def runs(self):
        return self.process.poll() is None

    def kill(self):
        if self.runs():
            self.process.kill()
        self.process.wait()

    def stop(self):
        """End it; returns what is wrong with how it has ended, or None."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return "it does not end at SIGTERM"
        return self.report() or (None if code == 0 else f"it exits with {code}")

    def report(self):
        """What a sanitizer has found, with the stack, or None."""
        text = self.errors.read_text(errors="replace")
        found = REPORT.search(text)
        return text[found.start():found.start() + 4000] if found else None

    def access_lines(self):
        """The lines of its access log; ahead of them it says where it
        listens."""
        return self.log.read_text(errors="replace").splitlines()[1:]

    def resident(self):
        """KiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def descriptors(self):
        """What each of them is."""
        folder = pathlib.Path(f"/proc/{self.process.pid}/fd")
        return [f"{path.name}: {os.readlink(path)}"
                for path in folder.iterdir()]


ACCESS_LINE = re.compile(
    r'(?P<address>[0-9.]+) - - \[[^]]*\] "(?P<request>[^"]*)" '
    r'(?P<status>\d+) (?P<bytes>\d+) "(?P<reason>[^"]*)"')
