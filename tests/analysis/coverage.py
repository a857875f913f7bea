"""Lines and branches that no test has reached, but for those that none can.

coverage.py REACHED UNREACHED: what gcovr has written as JSON, and the list of
what is not to be reached. See coverage.sh.
"""

import collections
import json
import pathlib
import sys


class Tally:
    """How many there are of a kind, and how many of them were reached."""

    def __init__(self):
        self.count = 0
        self.reached = 0

    def add(self, counts):
        self.count += len(counts)
        self.reached += sum(n > 0 for n in counts)

    def __str__(self):
        percent = 100 * self.reached / self.count if self.count else 0
        # 100 % is all of it, and not nearly all.
        percent = percent if self.reached == self.count else min(percent, 99.9)
        return f"{percent:.1f} % ({self.reached} of {self.count})"


def code_lines(file):
    return [line for line in file["lines"]
            if not line.get("gcovr/noncode") and
            not line.get("gcovr/excluded")]


def branch_counts(line):
    return [branch["count"] for branch in line["branches"]]


def is_reached(line):
    return line["count"] > 0 and all(branch_counts(line))


def listed_lines(path):
    """What stands in unreached.txt but the reasons, as often as it does."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    return collections.Counter(l for l in lines if l and not l.startswith("#"))


def main():
    reached, unreached = map(pathlib.Path, sys.argv[1:])
    listed = listed_lines(unreached)
    lines, branches = Tally(), Tally()
    for file in json.loads(reached.read_text())["files"]:
        source = pathlib.Path(file["file"])
        text = source.read_text().splitlines()
        for line in code_lines(file):
            number = line["line_number"]
            name = f"{source.name}: {text[number - 1].strip()}"
            if not is_reached(line) and listed[name] > 0:
                listed[name] -= 1
                continue
            lines.add([line["count"]])
            branches.add(branch_counts(line))
            if not is_reached(line):
                print(f"{source}:{number}: {text[number - 1].strip()}")
    wrong = list(listed.elements())
    for name in wrong:
        print(f"{unreached.name}: reached after all, or not there: {name}")
    print(f"reached: {lines} of lines")
    print(f"reached: {branches} of branches")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
