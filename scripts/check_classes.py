#!/usr/bin/env python3
"""scripts/check_classes.py [ROOT]: a class stands in one source, and its name is its own. Prints a sentence for each
class whose member functions are defined in more than one source, and for each that is declared in two places: of two
classes with one name the linker takes one, and who means the other crashes."""

import re
import sys
from pathlib import Path

ROOMS = ("base", "trace", "transport", "actors", "runner", "scenarios", "cli")
# What a member's definition begins with, at the start of a line: perhaps a type, then CLASS::MEMBER(.
MEMBER = re.compile(r"^(?![#/ }])(?:[\w:<>,&*\[\]() ]*[ &*>])?((?:\w+(?:<[\w:, ]*>)?::)+)(?:~?\w+|operator *[^\s(]+|operator\(\))\(")
# Where the class begins; neither a friend, nor announced, nor a specialisation.
DECLARATION = re.compile(r"^(?:struct|class|enum class) (?:\[\[\w+\]\] )?(\w+)(?: final)?(?: : [^;]*)?(?: \{.*)?$")
NAMESPACE = re.compile(r"^(?:inline )?namespace ([\w:]+) \{")


def classes_of(text, begins, name_of):
    """The classes, with their namespace, of the lines that `begins` matches outside of namespaces without a name."""
    spaces, found = [], set()
    for line in text.splitlines():
        if line.startswith("namespace {"):
            spaces.append("")  # what is declared in it stands in this source alone
        elif opened := NAMESPACE.match(line):
            spaces.append(opened[1])
        elif line.startswith("} // namespace"):
            spaces.pop()
        elif match := begins.match(line):
            if "" not in spaces:
                found.add("::".join([*spaces, name_of(match)]))
    return found


def places(texts, begins, name_of):
    """By class, those of the files with such a line."""
    found = {}
    for file, text in texts.items():
        for name in classes_of(text, begins, name_of):
            found.setdefault(name, []).append(file)
    return sorted((name, files) for name, files in found.items() if len(files) > 1)


def check(root):
    texts = {str(p.relative_to(root)): p.read_text() for p in sorted(p for room in ROOMS for p in (root / room).rglob("*.[ch]pp"))}
    sources = {file: text for file, text in texts.items() if file.endswith(".cpp")}
    in_sources = places(sources, MEMBER, lambda m: re.sub(r"<[^>]*>", "", m[1])[:-2])
    declared = places(texts, DECLARATION, lambda m: m[1])
    return [
        f"{files[1]}: {name} stands in {files[0]}{''.join(f', {x}' for x in files[1:-1])} and {files[-1]}; a class stands in one source"
        for name, files in in_sources
    ] + [
        f"{files[1]}: another {name} is declared in {files[0]}; two classes of one name are one to the linker: give them a namespace each"
        for name, files in declared
    ]


if __name__ == "__main__":
    sentences = check(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    sys.exit(1 if sentences else 0)
