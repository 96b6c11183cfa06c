"""docs/architecture.md says of rooms, namespaces, libraries, files and functions what is so in the tree."""

import importlib.util
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
spec = importlib.util.spec_from_file_location("check_rooms", ROOT / "scripts" / "check_rooms.py")
check_rooms = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_rooms)

FOLDERS = check_rooms.read_table(ROOT / "cmake" / "rooms.txt", [])
ROOMS = list(dict.fromkeys(name.split("/")[0] for name in FOLDERS))
SOURCES = {str(p.relative_to(ROOT)): p.read_text() for room in ROOMS for p in sorted((ROOT / room).rglob("*.[ch]pp"))}


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)[1]


def cells(text, first):
    """The rows of the table whose first heading that is, as lists of cells."""
    table = re.search(rf"^\| {first}(?: ?\|| \|).*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)[1]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines()]


def defines(text, function):
    """Whether that text declares or defines `Class::member` or `function`."""
    *owner, name = function.split("::")
    if not owner or owner[-1] == "tracing":  # whose functions are static
        return re.search(rf"^[^\s/#].*\b{name}\(", text, re.M) or owner and re.search(rf"^  static .*\b{name}\(", text, re.M)
    inside = re.search(rf"\b(?:class|struct) {owner[-1]}\b.* \{{", text) and re.search(rf"^ +\S.*(?<![.>])\b{name}\(", text, re.M)
    return inside or re.search(rf"\b{owner[-1]}::{name}\(", text)


class Architecture(unittest.TestCase):
    def test_the_picture_has_the_rooms_and_their_folders_in_order(self):
        picture = re.search(r"```\n(cli/.*?)```", PAGE, re.S)[1]
        shown = {line.split("/")[0]: re.findall(r"(\w+)/", line.split("/", 1)[1]) for line in picture.splitlines()}
        self.assertEqual(list(shown), ROOMS[::-1])
        for room, folders in shown.items():
            table = [name.split("/")[1] for name in FOLDERS if name.startswith(room + "/")]
            if room == "scenarios":
                self.assertEqual(sorted(folders), sorted(table))
            else:
                self.assertEqual(sorted(folders), sorted(table), room)
                self.check_arrows(room, next(line for line in picture.splitlines() if line.startswith(room + "/")))

    def check_arrows(self, room, line):
        """Who stands left of an arrow may include from the right, and never the other way."""
        groups = [re.findall(r"(\w+)/", part) for part in re.sub(r"^\w+/", "", line).split("→")]
        for i, group in enumerate(groups):
            for lower in (name for later in groups[i + 1 :] for name in later):
                for upper in group:
                    self.assertNotIn(f"{room}/{upper}", FOLDERS[f"{room}/{lower}"].includes)

    def test_what_each_room_stands_on(self):
        for row in cells(section("Rooms"), "room"):
            room = row[0].strip("`/")
            included = {x.split("/")[0] for name, folder in FOLDERS.items() if name.split("/")[0] == room for x in folder.includes}
            self.assertEqual(row[1].split(), [x for x in ROOMS if x in included - {room}] or ["-"], room)
        self.assertEqual([row[0].strip("`/") for row in cells(section("Rooms"), "room")], ROOMS)

    def test_namespaces(self):
        table = {row[0].strip("`"): re.findall(r"`([\w:]+)`", row[1]) for row in cells(section("Rooms"), "folder")}
        for name, text in SOURCES.items():
            allowed = table[max((folder for folder in table if name.startswith(folder)), key=len)]
            opened = re.findall(r"^namespace (troupe[\w:]*) \{", text, re.M)
            if opened:
                self.assertTrue(any(x == y or x.startswith(y + "::") for x in opened for y in allowed), f"{name} is in {opened}, not in {allowed}")

    def test_who_may_know_what(self):
        told = {}
        for row in cells(section("Who may know what"), ""):
            known_by = {y for x in re.findall(r"`([\w/*]+)`", row[2]) for y in ([z for z in FOLDERS if z.startswith(x[:-1])] if x.endswith("/*") else [x])}
            for word in re.findall(r"`(\w+)`", row[0]):
                told[word] = known_by
        words = {word for folder in FOLDERS.values() for word in folder.knows}
        self.assertEqual(told, {word: {name for name, folder in FOLDERS.items() if word in folder.knows} for word in words})

    def test_files(self):
        tops = "|".join([*ROOMS, "cmake", "config", "docs", "examples", "bench", "scripts", "tests"])
        for path in re.findall(rf"`((?:{tops})/[\w./]*)`", PAGE):
            self.assertTrue((ROOT / path).exists(), f"there is no {path}")
        for path in re.findall(r"\]\(([^)#:]+)(?:#[\w-]*)?\)", PAGE):
            self.assertTrue((ROOT / "docs" / path).exists(), f"there is no {path}")

    def test_functions_of_the_walks(self):
        for title in "The walk of a message", "The walk of a parameter":
            steps = re.findall(r"^\d+\. (.*?)(?=^\d+\. |^\S|\Z)", section(title), re.M | re.S)
            self.assertGreaterEqual(len(steps), 10)
            for step in steps:
                files = re.findall(r"`([\w/]+\.[ch]pp)`", step)
                for function in re.findall(r"`([\w:]+)\(\)`", step):
                    self.assertTrue(any(defines(SOURCES[x], function) for x in files), f"{function}() is not in {files}")

    def test_other_functions_and_members(self):
        everything = "\n".join(SOURCES.values())
        for function in re.findall(r"`([\w:]+)\(\)`", PAGE):
            self.assertTrue(defines(everything, function), f"there is no {function}()")
        for name in re.findall(r"`([a-z]\w*(?:::\w+)+)`", PAGE):
            self.assertTrue(name.startswith("troupe") or all(re.search(rf"\b{part}\b", everything) for part in name.split("::")), f"there is no {name}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
