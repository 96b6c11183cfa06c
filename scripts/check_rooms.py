#!/usr/bin/env python3
"""scripts/check_rooms.py [ROOT]: holds every #include against cmake/rooms.txt, which says what each folder
may include and know, and in which order the folders stand. Prints a sentence for each that it refuses."""

import re
import sys
from pathlib import Path

# What the words of the table's third column stand for: headers, and text of a source.
HEADERS = {
    "caf": r"caf/",
    "cli11": r"CLI/",
    "fmt": r"fmt/",
    "gmp": r"gmp",
    "json": r"nlohmann/",
    "msgpack": r"msgpack",
    "processes": r"(spawn|sys/wait|sys/prctl)\.h$",
    "prometheus": r"prometheus/",
    "sockets": r"(sys/socket|sys/un|arpa/inet|netinet/.*|netdb|net/if|linux/sockios)\.h$",
    "sodium": r"sodium",
    "sqlite": r"sqlite3\.h$",
    "terminal": r"termios\.h$",
    "toml": r"toml\+\+/",
    "utfcpp": r"utf8(\.h$|/)",
    "zlib": r"zlib\.h$",
    "zmq": r"zmq",
}
TEXTS = {
    "main": (r"^int main\(", "has a main()"),
    "wall_clock": (r"\bsystem_clock\b|\bCLOCK_REALTIME\b|\bgettimeofday\(", "reads the wall clock"),
}


class Folder:
    def __init__(self, line):
        self.name, includes, knows = (cell.strip() for cell in line.split("|"))
        self.includes = {x for x in includes.split() if x != "-"}
        self.knows = {x for x in knows.split() if x != "-"}


def read_table(path, wrong):
    """Folders by name, in order; a '*' is resolved. `wrong` takes what is refused of the table itself."""
    folders = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.count("|") != 2:
            wrong.append(f"{path}:{number}: three cells are wanted: folder | may include | knows")
            continue
        folder = Folder(line)
        folder.includes = {y for x in folder.includes for y in ([z for z in folders if z.startswith(x[:-1])] if x.endswith("/*") else [x])}
        for other in sorted(folder.includes - set(folders)):
            wrong.append(f"{path}:{number}: {folder.name} may not include {other}, which does not stand above it")
        for word in sorted(folder.knows - set(HEADERS) - set(TEXTS)):
            wrong.append(f"{path}:{number}: nobody knows what {word} is; words are {', '.join(sorted({*HEADERS, *TEXTS}))}")
        folders[folder.name] = folder
    return folders


def is_demo(folder):
    return folder.startswith("scenarios/")


def refuse_include(folder, other, folders):
    """Why `folder` may not include from `other`, or nothing."""
    if other == folder.name or other in folder.includes:
        return None
    if is_demo(folder.name) and is_demo(other):
        return "a demo includes no other demo; what both need belongs into actors/patterns or runner/"
    order = list(folders)
    if order.index(other) > order.index(folder.name):
        return f"{other}/ stands above {folder.name}/; arrows point down only"
    return f"{folder.name}/ does not include from {other}/; if it should, say so in cmake/rooms.txt"


def check_file(path, root, folder, folders):
    text = path.read_text()
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{path.relative_to(root)}:{number}"
        if found := re.match(r'#include ["<](?:troupe/)?([\w/.]+)\.hpp[">]', line):
            other = str(Path(found[1]).parent)
            if other in folders:
                if why := refuse_include(folder, other, folders):
                    yield f"{where}: {why}"
                continue
            if line.startswith('#include "') and other.split("/")[0] in {x.split("/")[0] for x in folders}:
                yield f"{where}: there is no folder {other}/ in cmake/rooms.txt"
                continue
        if found := re.match(r"#include <([^>]+)>", line):
            for word, pattern in HEADERS.items():
                if re.match(pattern, found[1]) and word not in folder.knows:
                    yield f"{where}: {folder.name}/ knows no {word}; <{found[1]}> belongs elsewhere, or cmake/rooms.txt has to say so"
        for word, (pattern, what) in TEXTS.items():
            if word not in folder.knows and re.search(pattern, line.split("//")[0]):
                yield f"{where}: {what}, which {folder.name}/ must not"


def check(root):
    wrong = []
    folders = read_table(root / "cmake" / "rooms.txt", wrong)
    rooms = sorted({name.split("/")[0] for name in folders})
    for path in sorted(p for room in rooms for p in (root / room).rglob("*.[ch]pp")):
        name = str(path.parent.relative_to(root))
        if name not in folders:
            wrong.append(f"{path.relative_to(root)}: {name}/ does not stand in cmake/rooms.txt")
            continue
        wrong.extend(check_file(path, root, folders[name], folders))
    return wrong


if __name__ == "__main__":
    sentences = check(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    sys.exit(1 if sentences else 0)
