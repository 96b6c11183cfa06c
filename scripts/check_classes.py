#!/usr/bin/env python3
"""scripts/check_classes.py [ROOT]: a class stands in one source. Prints a sentence for each class whose member
functions are defined in more than one."""

import re
import sys
from pathlib import Path

ROOMS = ("base", "trace", "transport", "actors", "runner", "scenarios", "cli")
# What a member's definition begins with, at the start of a line: perhaps a type, then CLASS::MEMBER(.
MEMBER = re.compile(r"^(?![#/ }])(?:[\w:<>,&*\[\]() ]*[ &*>])?((?:\w+(?:<[\w:, ]*>)?::)+)(?:~?\w+|operator *[^\s(]+|operator\(\))\(")
NAMESPACE = re.compile(r"^(?:inline )?namespace ([\w:]+) \{")


def classes_of(text):
    """The classes of which this source defines members, with their namespace."""
    spaces, found = [], set()
    for line in text.splitlines():
        if line.startswith("namespace {"):
            spaces.append("")  # what is declared in it stands in this source alone
        elif opened := NAMESPACE.match(line):
            spaces.append(opened[1])
        elif line.startswith("} // namespace"):
            spaces.pop()
        elif member := MEMBER.match(line):
            if "" not in spaces:
                found.add("::".join([*spaces, re.sub(r"<[^>]*>", "", member[1])[:-2]]))
    return found


def check(root):
    sources = {}
    for path in sorted(p for room in ROOMS for p in (root / room).rglob("*.cpp")):
        for name in classes_of(path.read_text()):
            sources.setdefault(name, []).append(str(path.relative_to(root)))
    return [
        f"{names[1]}: {name} stands in {names[0]}{''.join(f', {x}' for x in names[1:-1])} and {names[-1]}; a class stands in one source"
        for name, names in sorted(sources.items())
        if len(names) > 1
    ]


if __name__ == "__main__":
    sentences = check(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    sys.exit(1 if sentences else 0)
