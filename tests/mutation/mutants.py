"""The small errors that a C source could have: each is a mutant.

A mutant replaces a few characters of the source by others on the same line, so
that lines keep their numbers. Comments, strings, preprocessor lines and
assert() are left as they are: nothing that runs in a release depends on them.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    file: str
    start: int
    end: int
    text: str
    line: int
    kind: str
    change: str


# What a token may turn into. Two relations: one that is off by one, one that is
# the opposite.
RELATIONS = {
    "==": ["!="],
    "!=": ["=="],
    "<": ["<=", ">="],
    "<=": ["<", ">"],
    ">": [">=", "<="],
    ">=": [">", "<"],
    "&&": ["||"],
    "||": ["&&"],
    "+": ["-"],
    "-": ["+"],
    "*": ["/"],
    "/": ["*"],
    "%": ["*"],
    "+=": ["-=", "="],
    "-=": ["+=", "="],
    "++": ["--"],
    "--": ["++"],
    "&": ["|"],
    "|": ["&"],
    "<<": [">>"],
    ">>": ["<<"],
    "true": ["false"],
    "false": ["true"],
}

HIDDEN = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
    r"""|^[ \t]*\#(?:\\\n|[^\n])*""",
    re.S | re.M,
)
BINARY = re.compile(
    r"(?<= )(==|!=|<=|>=|<<|>>|&&|\|\||\+=|-=|<|>|\+|-|\*|/|%|&|\|)(?= )"
    r"|(?<=[\w\])])(==|!=|<=|>=|<<|>>|&&|\|\||\+=|-=|<|>|\+|-|%|&|\|)(?=\n)"
)
STEP = re.compile(r"\+\+|--")
NUMBER = re.compile(r"(?<![\w.])(0x[0-9a-fA-F]+|\d+)([uUlL]*)(?![\w.])")
WORD = re.compile(r"\b(true|false)\b")
CODE = re.compile(r"\b(FCGI_(?:ERR_\w+|OK|WAIT)|FCGI_STATUS_\w+)\b")
NEGATION = re.compile(r"!(?=[\w(])")
CONDITION = re.compile(r"\b(?:if|while) \(")
STATEMENT = re.compile(
    r"(?<=[;{}:)\n])\s*\n[ \t]+((?:\(void\))?\*?[A-Za-z_][^;{}]*;)", re.S
)
NO_STATEMENT = re.compile(r"(return|case|default|goto|typedef|else|do|for|if"
                          r"|while|switch|static|const|struct|enum|union)\b")
CALL_OR_ASSIGNMENT = re.compile(
    r"(\(void\))?\*?[\w.\->\[\]\*\(\) +]+?\s*([-+|&]?=[^=]|\+\+|--|\()"
)
DECLARATION = re.compile(r"[A-Za-z_]\w*\s+\**[A-Za-z_]\w*(\[[^\]]*\])?\s*[=;,]")


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def visible(source):
    """The source with all that no mutant touches blanked out."""
    source = HIDDEN.sub(lambda m: blank(m.group()), source)
    for found in list(re.finditer(r"\b(static_)?assert\(|_Static_assert\(",
                                  source)):
        end = closing(source, found.end() - 1)
        source = (source[:found.start()] +
                  blank(source[found.start():end]) + source[end:])
    return source


def closing(source, start):
    """Behind the parenthesis that closes the one at `start`."""
    depth = 0
    for i in range(start, len(source)):
        depth += {"(": 1, ")": -1}.get(source[i], 0)
        if depth == 0:
            return i + 1
    return len(source)


def replaced_tokens(code):
    for found in BINARY.finditer(code):
        for text in RELATIONS[found.group()]:
            yield found.start(), found.end(), text, "operator"
    for found in STEP.finditer(code):
        yield found.start(), found.end(), RELATIONS[found.group()][0], "step"
    for found in WORD.finditer(code):
        yield found.start(), found.end(), RELATIONS[found.group()][0], "truth"
    for found in NEGATION.finditer(code):
        yield found.start(), found.end(), "", "negation"


def changed_numbers(code):
    for found in NUMBER.finditer(code):
        value = int(found.group(1), 0)
        for other in (value + 1, value - 1):
            if other >= 0:
                yield (found.start(), found.end(),
                       str(other) + found.group(2), "number")


def swapped_codes(code):
    """Each code turns into the next one that the file has."""
    names = sorted(set(CODE.findall(code)))
    for found in CODE.finditer(code):
        if len(names) > 1:
            other = names[(names.index(found.group()) + 1) % len(names)]
            yield found.start(), found.end(), other, "code"


def flipped_conditions(code):
    for found in CONDITION.finditer(code):
        start = found.end() - 1
        end = closing(code, start)
        yield start, end, "(!" + code[start:end] + ")", "condition"


def dropped_statements(code):
    for found in STATEMENT.finditer(code):
        text = found.group(1)
        if re.match(r"(break|continue);", text):
            yield found.start(1), found.end(1), ";", "statement"
        elif (not NO_STATEMENT.match(text) and not DECLARATION.match(text)
              and CALL_OR_ASSIGNMENT.match(text)):
            yield found.start(1), found.end(1), ";", "statement"


def squeeze(text):
    return " ".join(text.split())


def describe(source, start, end, text):
    """The lines concerned, before and after."""
    first = source.rfind("\n", 0, start) + 1
    last = source.find("\n", end)
    before = squeeze(source[first:last])
    after = squeeze(source[first:start] + text + source[end:last])
    return before + "  ->  " + after


def mutants_of(file, source):
    code = visible(source)
    # Only the bodies of functions and of tables: what is indented.
    found = set()
    for finder in (replaced_tokens, changed_numbers, swapped_codes,
                   flipped_conditions, dropped_statements):
        for start, end, text, kind in finder(code):
            if code[code.rfind("\n", 0, start) + 1] not in " \t":
                continue
            if kind == "condition":
                text = "(!" + source[start:end] + ")"
            lost = code.count("\n", start, end) - text.count("\n")
            found.add(Mutant(file, start, end, text + "\n" * lost,
                             code.count("\n", 0, start) + 1, kind,
                             describe(source, start, end, text)))
    return sorted(found, key=lambda m: (m.start, m.end, m.text))


def apply(source, mutant):
    return source[:mutant.start] + mutant.text + source[mutant.end:]
