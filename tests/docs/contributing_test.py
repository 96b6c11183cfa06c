"""CONTRIBUTING.md: its commands are there with their options, its files are there, and its recipes are enough: in a
scratch copy of the tree each adds what it says, to its files and no others, and what changed still compiles.

contributing_test.py BUILD COMPILER: a build directory of this tree, for the names of its targets."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD, COMPILER = (Path(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 2 else (ROOT / "build" / "dev", "clang++")
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
COMMANDS = re.findall(r"^\| `((?:scripts/|build/|cmake )[^`]*)`", PAGE, re.M)
NAME = "lottery"


def run(*command, **how):
    return subprocess.run([str(x) for x in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL, **how)


def recipe(title):
    """The files of a recipe, in order."""
    text = re.search(rf"^### {title}\n(.*?)(?=^##)", PAGE, re.M | re.S)[1]
    return [path.replace("NAME", NAME) for path in re.findall(r"^\| `([\w./-]+)` \|", text, re.M)]


def after(text, add):
    """An edit: `add` behind the only place where `text` stands."""

    def edit(before):
        assert before.count(text) == 1, f"{text!r} stands {before.count(text)} times"
        return before.replace(text, text + add)

    return edit


def both(*edits):
    def edit(text):
        for each in edits:
            text = each(text)
        return text

    return edit


def replaced(text, by):
    return lambda before: re.sub(text, by, before, count=1)


def written(text):
    def edit(before):
        assert before is None, "it is there already"
        return text

    return edit


def appended(text):
    return lambda before: before + text


DEMO = """#include "scenarios/lottery/lottery.hpp"

namespace troupe::scenarios {
namespace {

struct draw {
  std::uint64_t tickets = 0;
};
TROUPE_MESSAGE(draw, tickets)

struct drawn {
  std::uint64_t won = 0;
};
TROUPE_FIELDS(drawn, won)

struct drum_state {
  static inline const char* name = "drum";
};

caf::behavior drum(actor_of<drum_state>* self, const caf::actor& collector) {
  return {[=](const draw& x) { finish(self, collector, drawn{self->id() % x.tickets}); }};
}

void wire(run& r) {
  troupe::anon_send(r.spawn("drum", r.collector()), draw{static_cast<std::uint64_t>(r.values().integer("tickets"))});
}

} // namespace

scenario lottery() {
  scenario s{"lottery", "One of many wins"};
  s.integer("tickets", 10).range(1, 1'000).help("how many are in the drum");
  s.message<draw>();
  s.role("drum", drum, placement::workers);
  s.start(wire);
  s.check<drawn>("one wins", [](const drawn& x, const parameters& values) {
    return check_outcome{x.won < static_cast<std::uint64_t>(values.integer("tickets")), ""};
  });
  return s;
}

} // namespace troupe::scenarios
"""
MESSAGE = """/// Coordinator -> worker: how many tickets it has.
struct lottery {
  std::uint64_t tickets = 0;
};
TROUPE_MESSAGE(lottery, tickets)

"""
FINDING = """void check_lottery(const model& m, std::vector<finding>& out) {
  if (m.events.size() == 4711)
    out.push_back({.what = rule::lottery, .sentence = "it has won", .events = {0}, .messages = {}});
}

"""
COMMAND = """// `troupe lottery`: draws one of the scenarios.
#include "cli/commands/commands.hpp"

namespace troupe::cli {

int lottery(const context& who, const lottery_arguments& arguments) {
  print(who, say("{}\\n", who.declarations.at(arguments.ticket % who.declarations.size())->name));
  return 0;
}

} // namespace troupe::cli
"""
ADD_COMMAND = """  void add_lottery() {
    auto* added = command("lottery", "Draw one of the scenarios", "lottery --ticket 7");
    added->add_option("--ticket", to_draw.ticket, "Which one")->type_name("N");
    added->callback([this] { action = [this] { return lottery(who, to_draw); }; });
  }

"""
RECIPES = {
    "A demo": {
        "cmake/rooms.txt": after("scenarios/worker_pool | base transport/session actors/patterns runner/plan runner/api | fmt json caf sodium gmp\n", "scenarios/lottery | base runner/plan runner/api | fmt caf\n"),
        "scenarios/lottery/lottery.hpp": written('#pragma once\n\n#include "runner/api/scenario.hpp"\n\nnamespace troupe::scenarios {\n\nscenario lottery();\n\n} // namespace troupe::scenarios\n'),
        "scenarios/lottery/lottery.cpp": written(DEMO),
        "tests/scenarios/lottery/lottery_test.cpp": written('#include "tests/support/catch.hpp"\n'),
        "config/lottery.toml": written('scenario = "lottery"\n'),
        "config/README.md": appended("\n## Lottery\n\n| file | shows |\n|---|---|\n| [lottery.toml](lottery.toml) | one of ten wins |\n"),
        "docs/scenarios/lottery.md": written("# Lottery\n"),
        "docs/scenarios/README.md": after("in one sentence |\n|---|---|---|\n", "| [lottery](lottery.md) | luck | one wins |\n"),
        "docs/architecture.md": after("dining_philosophers/ echo_server/", " lottery/"),
    },
    "A message of a demo": {
        "scenarios/worker_pool/actors.hpp": after("namespace troupe::scenarios {\n\n", MESSAGE),
        "scenarios/worker_pool/actors.cpp": after("  add_pool_messages(catalog);\n", '  catalog.add<lottery>();\n'),
    },
    "An event of the trace": {
        "trace/record/format.hpp": both(after("up to now\n", "  lottery = 29,       ///< word 1: the ticket\n"), replaced(r"record_kind_count = \d+", "record_kind_count = 30")),
        "trace/record/recorder.hpp": after("  void stood_still(std::chrono::nanoseconds);\n", "  void lottery(std::uint64_t ticket);\n"),
        "trace/record/recorder.cpp": after("namespace troupe::trace {\n", "\nvoid recorder::lottery(std::uint64_t ticket) {\n  if (on()) record(here(), format::record_kind::lottery, now(), ticket, 0, 0);\n}\n"),
        "trace/merge/model.hpp": both(after("  stood_still,\n", "  lottery,\n"), replaced(r"event_kind_count = \d+", "event_kind_count = 21")),
        "trace/merge/model.cpp": after('"told_to_end", "stood_still"', ', "lottery"'),
        "trace/merge/merge.cpp": after("  switch (static_cast<record_kind>(kind)) {\n  case record_kind::sent:\n    return emit_sent(n, r, time, 0);\n", "  case record_kind::lottery:\n    out_.events.value[push_event(n, event_kind::lottery, time)] = static_cast<std::int64_t>(r.word1);\n    return;\n"),
        "trace/query/show.cpp": replaced(r"  case event_kind::noted:\n    return fmt::format", '  case event_kind::lottery:\n    return fmt::format("ticket {} has won", e.value[i]);\n  case event_kind::noted:\n    return fmt::format'),
        "tests/trace/builder.hpp": after("  node_builder& stood_still(std::int64_t us, std::int64_t for_us) {\n", "    // lottery\n"),
        "docs/trace.md": after("told_to_end stood_still", " lottery"),
    },
    "A finding of `troupe trace check`": {
        "trace/check/check.hpp": both(after("ended an actor\n", "  lottery,      ///< a run of which nobody expected it\n"), replaced(r"rule_count = \d+", "rule_count = 9")),
        "trace/check/check.cpp": both(after('"actor_failed"', ', "lottery"'), after("  check_failures(m, out);\n", "  check_lottery(m, out);\n"), replaced(r"bool is_sampled\(", FINDING + "bool is_sampled(")),
        "tests/trace/check/check_test.cpp": appended("// lottery\n"),
        "docs/trace.md": replaced(r"(\| `actor_failed` \| .*\n)", r"\1| `lottery` | it has won |\n"),
    },
    "A command": {
        "cli/commands/lottery.cpp": written(COMMAND),
        "cli/commands/commands.hpp": after("class full_screen;\n", "struct lottery_arguments {\n  std::size_t ticket = 0;\n};\nint lottery(const context&, const lottery_arguments&);\n\n"),
        "cli/program.cpp": both(after("    add_keygen();\n", "    add_lottery();\n"), after("  keygen_arguments to_make;\n", "  lottery_arguments to_draw;\n"), replaced(r"  void add_keygen\(\)", ADD_COMMAND + "  void add_keygen()")),
        "docs/command-line.md": replaced(r"(\| `keygen .*\n)", r"\1| `lottery` | draws one of the scenarios |\n"),
    },
}


def untold(root):
    """What is in the program of that tree, and not on the page where a user looks for it."""

    def text(path):
        return (root / path).read_text()

    def words(path, begin):
        return re.findall(r'"(\w+)"', re.search(rf"{re.escape(begin)}.*?names\[\] = \{{(.*?)\}};", text(path), re.S)[1])

    missing = [x for x in words("trace/merge/model.cpp", "to_string(event_kind") if x not in re.search(r"^\| `kind` \| `([^`]*)`", text("docs/trace.md"), re.M)[1].split()]
    missing += [x for x in words("trace/check/check.cpp", "to_string(rule") if f"| `{x}` |" not in text("docs/trace.md")]
    missing += [x for x in re.findall(r'command\("(\w+)", "[^"]', text("cli/program.cpp")) if not re.search(rf"^\| `{x}\b", text("docs/command-line.md"), re.M)]
    missing += [x.name for x in (root / "config").glob("*.toml") if f"({x.name})" not in text("config/README.md")]
    missing += [x.name for x in (root / "scenarios").glob("*/") if x.is_dir() and not (f"({x.name}.md)" in text("docs/scenarios/README.md") and (root / "docs" / "scenarios" / f"{x.name}.md").exists())]
    return missing


class Page(unittest.TestCase):
    def test_scripts_have_these_options(self):
        self.assertGreater(len(COMMANDS), 12)
        for command in COMMANDS:
            words = shlex.split(command)
            if not words[0].startswith("scripts/"):
                continue
            told = (ROOT / words[0]).read_text()
            if words[0] == "scripts/soak.sh":
                told += (ROOT / "tests/campaign/soak.py").read_text()
            if words[0] != "scripts/check_style.sh" and words[0] != "scripts/run.sh":
                self.assertEqual(run(ROOT / words[0], "--help").returncode, 0, command)
            ctest = run("ctest", "--help").stdout if words[0] == "scripts/test.sh" else ""
            for option in (x for x in words[1:] if x.startswith("-")):
                self.assertTrue(re.search(rf"(?<![\w-]){option}(?![\w-])", told + ctest), f"{words[0]} has no {option}")
            for path in (x for x in words[1:] if "/" in x):
                self.assertTrue((ROOT / path).exists(), path)

    def test_presets_and_targets(self):
        presets = json.loads((ROOT / "CMakePresets.json").read_text())
        known = {x["name"] for x in presets["buildPresets"]}
        targets = set(re.findall(r"^([\w-]+): ", run("ninja", "-C", BUILD, "-t", "targets").stdout, re.M)) | {path.stem for path in (ROOT / "bench").glob("bench_*.cpp")}
        for command in COMMANDS:
            self.assertLessEqual(set(re.findall(r"--preset (\S+)", command)), known)
            self.assertLessEqual(set(re.findall(r"--target (\S+)", command)), targets)
            for program in re.findall(r"build/(?:dev|release)/\w+/(\w+)", command):
                self.assertIn(program, targets)

    def test_tests_and_fuzzers(self):
        tests = re.findall(r"Test +#\d+: (\S+)", run("ctest", "--test-dir", BUILD, "-N").stdout)
        for command in COMMANDS:
            for pattern in re.findall(r"(?:-R|--tests) '([^']*)'", command):
                self.assertTrue(any(re.search(pattern, test) for test in tests), f"no test is called {pattern}")
        for name in re.findall(r"scripts/fuzz.sh \d+ (\w+)", " ".join(COMMANDS)):
            self.assertTrue((ROOT / "tests" / "fuzz" / "corpus" / name).is_dir(), name)

    def test_what_continuous_integration_runs(self):
        ci = (ROOT / ".ci" / "run").read_text()
        for script in "test.sh", "run.sh", "campaign.sh", "hostile.sh", "fuzz.sh":
            self.assertIn(script, ci)

    def test_files(self):
        for path in re.findall(r"`((?:[\w.]+/)+[\w.]*)`", PAGE) + re.findall(r"\]\(([^)]+)\)", PAGE):
            if "NAME" not in path and not path.startswith("build/"):
                self.assertTrue((ROOT / path).exists(), path)

    def test_the_pages_for_users_name_everything(self):
        self.assertEqual(untold(ROOT), [])


class Recipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.root = Path(directory.name) / "tree"
        outside = shutil.ignore_patterns(".git", "build", "runs", "node_modules", "__pycache__", "corpus")
        shutil.copytree(ROOT, cls.root, symlinks=True, ignore=lambda at, names: set(outside(at, names)) | ({"troupe"} & set(names) if Path(at) == ROOT else set()))
        (cls.root / "tests" / "fuzz" / "corpus").mkdir()
        for edits in RECIPES.values():
            for path, edit in edits.items():
                file = cls.root / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(edit(file.read_text() if file.exists() else None))
        # As --tidy does it: each source has its own command, without precompiled headers.
        cls.configured = run("cmake", "-S", cls.root, "-B", cls.root / "build", "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={COMPILER}", "-DCMAKE_BUILD_TYPE=Debug")

    def setUp(self):
        self.assertEqual(self.configured.returncode, 0, self.configured.stdout)

    def compile(self, *sources):
        """In one go, as a unity build does."""
        commands = {x["file"]: x["command"] for x in json.loads((self.root / "build" / "compile_commands.json").read_text())}
        first = shlex.split(commands[str(self.root / sources[0])])
        first = first[first.index(next(x for x in first if x.endswith("ccache"))) + 1 :] if any(x.endswith("ccache") for x in first) else first
        flags = first[: first.index("-o")]
        units = "".join(f'#include "{self.root / source}"\n' for source in sources)
        result = subprocess.run([*flags, "-Wno-subobject-linkage", "-Wno-unknown-warning-option", "-fsyntax-only", "-x", "c++", "-"], input=units, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_the_files_of_the_page_are_those_that_were_needed(self):
        for title, edits in RECIPES.items():
            self.assertEqual(recipe(title), list(edits), title)

    def test_a_demo(self):
        self.assertIn("lottery(), ", (self.root / "build" / "demos.cpp").read_text())
        self.assertIn("scenario_lottery", run("ctest", "--test-dir", self.root / "build", "-N").stdout)
        self.compile("build/demos.cpp", "scenarios/lottery/lottery.cpp")
        for check in "check_rooms.py", "../tests/docs/architecture_test.py":
            told = run(sys.executable, "-B", self.root / "scripts" / check)
            self.assertEqual(told.returncode, 0, told.stdout)

    def test_a_message(self):
        self.compile("scenarios/worker_pool/actors.cpp")

    def test_an_event(self):
        self.compile("trace/record/recorder.cpp")
        # Every source that tells kinds of events or records apart.
        for folder in "merge", "query", "export", "live":
            sources = [str(path.relative_to(self.root)) for path in sorted((self.root / "trace" / folder).glob("*.cpp")) if re.search(r"case (event|record)_kind::", path.read_text())]
            self.assertTrue(sources, folder)
            self.compile(*sources)

    def test_a_finding(self):
        self.compile("trace/check/check.cpp")

    def test_a_command(self):
        self.compile("cli/program.cpp", "cli/commands/lottery.cpp")

    def test_the_pages_for_users_name_it(self):
        self.assertEqual(untold(self.root), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
