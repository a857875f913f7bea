"""Do the tests notice a small error in src/?

Makes mutants (mutants.py) of a copy of the library, in a folder that goes away,
and runs the tests on each until one fails. See run.sh for its use.

The library is built as a shared one, so that a mutant is one file compiled and
one link; a test that never comes by the mutant's line is not run for it, as a
first run with gcov has told. A mutant for which the compiler makes the same
code is none.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import mutants

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
KEPT = pathlib.Path(__file__).resolve().parent / "equivalent.txt"
FLAGS = ["-std=c11", "-O2", "-fPIC", "-w", "-Iinclude"]
LIBRARY = "libfcgi-client.so"
GOAL = 95
NOT_RUN = 3
ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

# The tests that run, which end with this program, and whether it ends.
running_groups = set()
ended = threading.Event()


def cc(*arguments, cwd):
    return subprocess.run(["cc", *map(str, arguments)], cwd=cwd,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)


def must(done):
    if done.returncode != 0:
        print("mutation: it does not build:\n" + done.stderr, file=sys.stderr)
        sys.exit(NOT_RUN)


def kill_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def end(*_):
    """At a signal: the folder goes away when nobody works in it any more."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    ended.set()
    for pid in list(running_groups):
        kill_group(pid)
    sys.exit(1)


def sources_in(folder):
    """Those of the library. No two have the same name."""
    return sorted((folder / "src").glob("*/*.c"))


def source_named(folder, name):
    return next((p for p in sources_in(folder) if p.name == name), None)


class Bench:
    """The copy, what is built of it, and which test reaches which line."""

    def __init__(self, folder, jobs):
        self.folder = folder
        self.jobs = jobs
        self.seconds = {}
        self.reach = collections.defaultdict(set)
        self.caught = collections.Counter()
        for name in ("src", "include", "examples", "tests"):
            shutil.copytree(ROOT / name, folder / name)
        self.sources = sources_in(folder)
        self.build()
        self.measure()

    def each(self, function, things):
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(function, things))

    def build(self):
        (self.folder / "plain").mkdir()
        (self.folder / "counted").mkdir()
        self.each(self.compile, [(kind, source) for source in self.sources
                                 for kind in ("plain", "counted")])
        for kind in ("plain", "counted"):
            must(self.link(self.folder / kind / LIBRARY,
                           (self.folder / kind).glob("*.o"),
                           ["--coverage"] if kind == "counted" else []))
        self.build_tests()

    def compile(self, what):
        kind, source = what
        extra = ["-O0", "--coverage"] if kind == "counted" else []
        must(cc(*FLAGS, *extra, "-c", source.relative_to(self.folder), "-o",
                f"{kind}/{source.stem}.o", cwd=self.folder))

    def link(self, library, objects, extra=()):
        return cc("-shared", "-pthread", *extra, "-o", library, *objects,
                  cwd=self.folder)

    def build_tests(self):
        support = sorted((self.folder / "tests/support").glob("*.c"))
        faults = [p for p in support if p.name == "faults.c"]
        self.each(self.compile_test, support)
        archive = [p.with_suffix(".o") for p in support if p not in faults]
        subprocess.run(["ar", "crs", "support.a", *archive], cwd=self.folder,
                       check=True)
        self.tests = [p for label in ("unit", "split", "fault")
                      for p in sorted((self.folder / "tests" / label)
                                      .glob("test_*.c"))]
        self.each(self.link_test, self.tests)

    def compile_test(self, source):
        must(cc("-std=c11", "-O1", "-w", "-Iinclude", "-Itests/support", "-c",
                source, "-o", source.with_suffix(".o"), cwd=self.folder))

    def link_test(self, source):
        faults = "test_faults" in source.name
        must(cc("-std=c11", "-O1", "-w", "-Iinclude", "-Itests/support",
                source, *(["tests/support/faults.o"] if faults else []),
                "support.a", "-Lplain", "-lfcgi-client", "-lcmocka",
                "-pthread", "-ldl", "-o", source.with_suffix(""),
                cwd=self.folder))

    def run(self, test, library, limit, **environment):
        """None if it passes; else how it failed."""
        if ended.is_set():
            return "ended"
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            with subprocess.Popen(
                    ["sh", "-c", 'ulimit -v 8000000; exec "$0"',
                     test.with_suffix("")],
                    cwd=place, stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    env={**os.environ, "LD_LIBRARY_PATH": str(library),
                         "TMPDIR": place, **environment}) as running:
                running_groups.add(running.pid)
                try:
                    code = running.wait(0 if ended.is_set() else limit)
                except subprocess.TimeoutExpired:
                    code = "too long"
                kill_group(running.pid)  # with all that it has started
                running_groups.discard(running.pid)
        return None if code == 0 else code

    def measure(self):
        """Which lines each test reaches, and how long it takes."""
        self.each(self.measure_test, self.tests)
        # What fails without a mutant tells nothing about one.
        for test in self.tests:
            if test not in self.seconds:
                print(f"{test.stem} fails without a mutant: left out")
        self.tests = [t for t in self.tests if t in self.seconds]

    def measure_test(self, test):
        place = self.folder / "reached" / test.stem
        begun = time.monotonic()
        code = self.run(test, self.folder / "counted", 300,
                        GCOV_PREFIX=str(place))
        if code is not None:
            return
        self.seconds[test] = time.monotonic() - begun
        counted = place / (self.folder / "counted").relative_to("/")
        for notes in (self.folder / "counted").glob("*.gcno"):
            if counted.exists():
                shutil.copy(notes, counted)
        for line in self.gcov(counted):
            for file in json.loads(line)["files"]:
                name = pathlib.Path(file["file"]).name
                for each in file["lines"]:
                    if each["count"] > 0:
                        self.reach[name, each["line_number"]].add(test)

    @staticmethod
    def gcov(folder):
        data = [p.name for p in folder.glob("*.gcda")]
        if not data:
            return []
        return subprocess.run(["gcov", "--json-format", "--stdout", *data],
                              cwd=folder, capture_output=True, text=True,
                              check=True).stdout.splitlines()

    def judge(self, mutant):
        """"same", "broken", the test that noticed, or None if none has."""
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            place = pathlib.Path(place)
            source = source_named(self.folder, mutant.file)
            # Beside the headers by -iquote, and with the same name.
            (place / mutant.file).write_text(
                mutants.apply(source.read_text(), mutant))
            made = place / "mutant.o"
            layer = source.parent.relative_to(self.folder)
            if cc(*FLAGS, "-iquote", layer,
                  f"-fmacro-prefix-map={place}={layer}", "-c", place / mutant.file, "-o", made,
                  cwd=self.folder).returncode != 0:
                return "broken"
            own = self.folder / "plain" / (mutant.file[:-2] + ".o")
            if code_of(made) == code_of(own):
                return "same"
            must(self.link(place / LIBRARY, [made] + [
                p for p in (self.folder / "plain").glob("*.o") if p != own]))
            return self.first_to_notice(mutant, place)

    def first_to_notice(self, mutant, library):
        reached = set()
        for line in range(mutant.line, mutant.line + 1 +
                          mutant.text.count("\n")):
            reached |= self.reach[mutant.file, line]
        tests = [t for t in self.tests if not reached or t in reached]
        # Those first that have noticed much of this file in little time.
        tests.sort(key=lambda t: self.seconds[t] /
                   (1 + self.caught[mutant.file, t]))
        for test in tests:
            if self.run(test, library, 10 + 5 * self.seconds[test]) is not None:
                self.caught[mutant.file, test] += 1
                return test.stem
        return None


def code_of(path):
    """The instructions and data of an object, without the file's name."""
    return subprocess.run(["objdump", "-drs", "-j", ".text", "-j", ".rodata",
                           "-j", ".data.rel.ro.local", "-j", ".data",
                           "-j", ".rodata.str1.1", "-j", ".rodata.str1.8",
                           "-j", ".text.unlikely", path],
                          capture_output=True).stdout.split(b"\n", 3)[-1]


def kept_equivalents():
    """What equivalent.txt lists, each with the reason above it."""
    reasons, reason, fresh = {}, "", True
    for line in KEPT.read_text().splitlines():
        if line.startswith("#"):
            reason = (reason + " " if not fresh else "") + line[1:].strip()
            fresh = False
        elif line.strip():
            reasons[line.strip()] = reason
            fresh = True
    return reasons


def chosen_mutants(options):
    found = []
    for path in sources_in(ROOT):
        if not options.files or path.name in options.files:
            found += mutants.mutants_of(path.name, path.read_text())
    kept = kept_equivalents()
    asked = drawn((m for m in found if key(m) not in kept), options.seed)
    count = len(asked) if options.all else min(options.count, len(asked))
    return asked[:count], len(found), len(found) - len(asked)


def drawn(found, seed):
    """In an order that the seed draws. A change of src/ leaves the others
    where they are, so that a sample stays mostly what it was."""
    same = collections.Counter()
    order = {}
    for mutant in found:
        text = f"{seed} {key(mutant)} {same[key(mutant)]}"
        same[key(mutant)] += 1
        order[mutant] = hashlib.sha256(text.encode()).digest()
    return sorted(order, key=order.get)


def key(mutant):
    return f"{mutant.file}: {mutant.change}"


def try_all(bench, chosen, deadline):
    """The verdict on each mutant that there was time for."""
    verdicts = {}
    lock = threading.Lock()

    def one(mutant):
        if time.monotonic() > deadline:
            return
        verdict = bench.judge(mutant)
        with lock:
            verdicts[mutant] = verdict
            if verdict is None:
                path = source_named(ROOT, mutant.file).relative_to(ROOT)
                print(f"{path}:{mutant.line}: nobody noticed\n"
                      f"    {key(mutant)}", flush=True)

    bench.each(one, chosen)
    return verdicts


def report(verdicts, total, equivalent):
    count = collections.Counter(
        "survived" if v is None else v if v in ("same", "broken")
        else "noticed" for v in verdicts.values())
    tried = count["noticed"] + count["survived"]
    score = 100 * count["noticed"] / tried if tried else 0
    print(f"mutation: {count['noticed']} of {tried} mutants noticed, "
          f"{score:.1f} %; {count['same']} more are the same code, "
          f"{count['broken']} do not build; of {total} in all, of which "
          f"{equivalent} are known to be equivalent")
    return score


class Parser(argparse.ArgumentParser):
    """One line for what is wrong, and the code that run.sh tells of."""

    def error(self, message):
        self.exit(NOT_RUN, f"{self.prog}: {message}\n")


def number(least):
    def read(text):
        if not (text.isascii() and text.isdigit()) or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"not a number from {least} on: '{text}'")
        return int(text)
    return read


def source(name):
    if not (name.endswith(".c") and source_named(ROOT, name)):
        raise argparse.ArgumentTypeError(f"no file of src/ is named {name}")
    return name


def read_arguments():
    parser = Parser(
        prog="tests/mutation/run.sh", allow_abbrev=False,
        description="Do the tests notice a small error in src/?")
    parser.add_argument("--all", action="store_true",
                        help="try all mutants, however long it takes")
    parser.add_argument("--seed", type=number(0), default=1, metavar="N",
                        help="which mutants are drawn; %(default)s")
    parser.add_argument("--count", type=number(1), default=200, metavar="N",
                        help="how many are drawn; %(default)s")
    parser.add_argument("--minutes", type=number(1), default=30, metavar="N",
                        help="begin no more of them after these; %(default)s")
    parser.add_argument("--jobs", type=number(1), default=2, metavar="N",
                        help="how many are tried at a time; %(default)s")
    parser.add_argument("files", type=source, nargs="*", metavar="FILE",
                        help="mutants of these alone, such as buffer.c")
    return parser.parse_args()


def main():
    options = read_arguments()
    for each in ENDING:
        signal.signal(each, end)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    chosen, total, equivalent = chosen_mutants(options)
    with tempfile.TemporaryDirectory(prefix="fcgi-mutation.") as folder:
        bench = Bench(pathlib.Path(folder), options.jobs)
        limit = float("inf") if options.all else 60 * options.minutes
        verdicts = try_all(bench, chosen, time.monotonic() + limit)
    return 0 if report(verdicts, total, equivalent) >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
