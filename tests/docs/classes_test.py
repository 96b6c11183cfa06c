"""A class whose member functions are defined in several sources is refused with a sentence: in a scratch tree."""

import importlib.util
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
spec = importlib.util.spec_from_file_location("check_classes", ROOT / "scripts" / "check_classes.py")
check_classes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_classes)


def source(text, space="troupe::transport"):
    return f"namespace {space} {{\n{text}\n}} // namespace {space}\n"


class Classes(unittest.TestCase):
    def refused(self, **files):
        with tempfile.TemporaryDirectory() as scratch:
            for name, text in files.items():
                path = Path(scratch) / "transport" / "hub" / f"{name}.cpp"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return check_classes.check(Path(scratch))

    def test_one_source(self):
        self.assertEqual(self.refused(hub=source("hub::hub() {}\nvoid hub::stop() {}"), board=source("void board::stop() {}")), [])

    def test_two_sources(self):
        sentence = "transport/hub/hub_stop.cpp: troupe::transport::hub stands in transport/hub/hub.cpp and transport/hub/hub_stop.cpp; a class stands in one source"
        for member in "void hub::stop() {", "hub::~hub() = default;", "std::optional<int> hub::stop(int x) const {", "const hub::state&\nhub::now() const {", "bool hub::operator==(const hub& x) const {", "template <class T>\nvoid hub<T>::stop() {":
            self.assertEqual(self.refused(hub=source("hub::hub() {}"), hub_stop=source(member)), [sentence], member)

    def test_three_sources(self):
        self.assertIn("stands in transport/hub/a.cpp, transport/hub/b.cpp and transport/hub/c.cpp;", self.refused(**{x: source(f"void hub::{x}() {{}}") for x in "abc"})[0])

    def test_other_classes_of_the_name(self):
        self.assertEqual(self.refused(a=source("void hub::stop() {}"), b=source("void hub::stop() {}", "troupe::trace")), [])
        nobody = "namespace {\nvoid hub::stop() {}\n} // namespace"
        self.assertEqual(self.refused(a=source(nobody), b=source(nobody)), [])
        self.assertEqual(self.refused(a=source("void hub::impl::stop() {}"), b=source("void hub::stop() {}")), [])

    def test_what_only_looks_like_one(self):
        self.assertEqual(self.refused(a=source("void stop() {\n  hub::stop();\n}"), b=source("void hub::stop() {}"), c=source("std::string text() { return fmt::format({}); }"), d=source("// hub::stop() is elsewhere")), [])

    def test_two_classes_of_one_name(self):
        sentence = "transport/hub/b.cpp: another troupe::transport::hub is declared in transport/hub/a.cpp; two classes of one name are one to the linker: give them a namespace each"
        for begin in ("struct hub {", "class hub final : public board {", "struct hub {};", "class [[nodiscard]] hub {", "struct hub final"):
            self.assertEqual(self.refused(a=source("struct hub {\n};"), b=source(begin + "\n};")), [sentence], begin)
        for other in ("struct hub;", "friend class hub;", "  struct hub {", "struct hub_state {", "template <>\nstruct hub<int> {", "enum hub_kind {"):
            self.assertEqual(self.refused(a=source("struct hub {\n};"), b=source(other)), [], other)
        self.assertEqual(self.refused(a=source("struct hub {\n};"), b=source("struct hub {\n};", "troupe::trace")), [])
        nobody = "namespace {\nstruct hub {\n};\n} // namespace"
        self.assertEqual(self.refused(a=source("struct hub {\n};"), b=source(nobody)), [])

    def test_this_house(self):
        self.assertEqual(check_classes.check(ROOT), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
