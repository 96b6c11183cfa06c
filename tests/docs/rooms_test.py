"""Each way of breaking cmake/rooms.txt is refused with a sentence: in a scratch house of three folders."""

import importlib.util
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
spec = importlib.util.spec_from_file_location("check_rooms", ROOT / "scripts" / "check_rooms.py")
check_rooms = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_rooms)

TABLE = """# a house
base | - | fmt
transport/zmq | base | zmq
scenarios/bank | base | -
scenarios/chat | base | -
cli | base scenarios/* | main
"""


class Rooms(unittest.TestCase):
    def refused(self, files, table=TABLE):
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            for name, text in {"cmake/rooms.txt": table, "base/text.hpp": "", "scenarios/chat/chat.hpp": "", **files}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return [sentence.replace(scratch + "/", "") for sentence in check_rooms.check(root)]

    def test_what_is_allowed(self):
        self.assertEqual(self.refused({"transport/zmq/socket.cpp": '#include "base/text.hpp"\n#include <zmq.h>\n', "cli/main.cpp": '#include "scenarios/chat/chat.hpp"\nint main() {}\n'}), [])

    def test_an_arrow_up(self):
        self.assertEqual(self.refused({"base/text.cpp": '\n#include "scenarios/chat/chat.hpp"\n'}), ["base/text.cpp:2: scenarios/chat/ stands above base/; arrows point down only"])

    def test_an_arrow_that_the_table_does_not_know(self):
        self.assertEqual(self.refused({"scenarios/bank/bank.cpp": '#include <troupe/transport/zmq/socket.hpp>\n'}), ["scenarios/bank/bank.cpp:1: scenarios/bank/ does not include from transport/zmq/; if it should, say so in cmake/rooms.txt"])

    def test_a_demo_that_includes_another(self):
        self.assertIn("a demo includes no other demo", self.refused({"scenarios/bank/bank.cpp": '#include "scenarios/chat/chat.hpp"\n'})[0])

    def test_a_library_that_a_room_must_not_know(self):
        for header, word in {"caf/all.hpp": "caf", "zmq.h": "zmq", "sys/socket.h": "sockets", "toml++/toml.h": "toml", "sqlite3.h": "sqlite"}.items():
            self.assertIn(f"base/ knows no {word}; <{header}> belongs elsewhere", self.refused({"base/text.cpp": f"#include <{header}>\n"})[0])

    def test_the_wall_clock_and_a_second_main(self):
        self.assertEqual(self.refused({"base/text.cpp": "auto x = std::chrono::system_clock::now();\nint main() {}\n"}), ["base/text.cpp:1: reads the wall clock, which base/ must not", "base/text.cpp:2: has a main(), which base/ must not"])

    def test_a_folder_that_does_not_stand_in_the_table(self):
        self.assertEqual(self.refused({"base/more/x.cpp": ""}), ["base/more/x.cpp: base/more/ does not stand in cmake/rooms.txt"])
        self.assertEqual(self.refused({"cli/x.cpp": '#include "base/more/x.hpp"\n'}), ["cli/x.cpp:1: there is no folder base/more/ in cmake/rooms.txt"])

    def test_the_table_itself(self):
        self.assertEqual(self.refused({}, TABLE + "more | later | -\n"), ["cmake/rooms.txt:7: more may not include later, which does not stand above it"])
        self.assertIn("nobody knows what boost is", self.refused({}, TABLE + "more | base | boost\n")[0])
        self.assertIn("three cells are wanted", self.refused({}, TABLE + "more\n")[0])

    def test_this_house(self):
        self.assertEqual(check_rooms.check(ROOT), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
