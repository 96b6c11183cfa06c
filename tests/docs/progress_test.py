"""scripts/common.sh tells how far a build is, nothing where there is nothing to make, and ends with what it started:
on a scratch project whose steps wait for this test."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

PRESETS = """{"version": 3,
  "configurePresets": [{"name": "dev", "generator": "Ninja", "binaryDir": "${sourceDir}/build/dev"}],
  "buildPresets": [{"name": "dev", "configurePreset": "dev"}]}"""
PROJECT = """cmake_minimum_required(VERSION 3.22)
project(scratch NONE)
foreach(step 1 2 3)
  add_custom_command(OUTPUT made_${step} DEPENDS ${PROJECT_SOURCE_DIR}/changed
    COMMAND ${CMAKE_COMMAND} -E touch made_${step} COMMAND sh ${PROJECT_SOURCE_DIR}/step.sh ${step})
endforeach()
add_custom_target(all_steps ALL DEPENDS made_1 made_2 made_3)
"""
SCRIPT = """#!/usr/bin/env bash
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
progress_s=$1
build dev
say ready
"""


class Progress(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        (self.root / "scripts").mkdir()
        shutil.copy(ROOT / "scripts" / "common.sh", self.root / "scripts")
        for name, text in {"CMakePresets.json": PRESETS, "CMakeLists.txt": PROJECT, "scripts/go.sh": SCRIPT, "changed": ""}.items():
            (self.root / name).write_text(text)
        os.mkfifo(self.root / "go_on")
        self.step("true")

    def step(self, does):
        (self.root / "step.sh").write_text(does + "\n")

    def start(self, progress_s=1):
        return subprocess.Popen(["bash", self.root / "scripts" / "go.sh", str(progress_s)], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)

    def run_it(self, code=0):
        script = self.start(progress_s=3600)
        told = script.communicate()[1]
        self.assertEqual(script.returncode, code, told)
        return told.splitlines()

    def test_what_is_made_already_is_not_told(self):
        self.assertIn("go.sh: configuring (dev)", self.run_it())
        self.assertEqual(self.run_it(), ["go.sh: ready"])

    def test_how_far_it_is_and_how_long_it_took_last_time(self):
        self.step(f"[ $1 != 3 ] || cat {self.root}/go_on")
        for last in "", "; 3 steps took \\d+ s last time":
            os.utime(self.root / "changed")
            script = self.start()
            told = []
            while not told or not re.fullmatch(r"go.sh: building \(dev\): (?:[0-2] of 3 steps, )?\d+ s", told[-1]):
                told.append(script.stderr.readline().rstrip())
                self.assertIsNone(script.poll(), told)
            self.assertTrue(any(re.fullmatch(rf"go.sh: building \(dev\){last}", line) for line in told), told)
            with open(self.root / "go_on", "w"):
                pass
            rest = script.communicate()[1]
            self.assertRegex(rest, r"go.sh: building \(dev\): ended after \d+ s\ngo.sh: ready\n")
            self.assertEqual(script.returncode, 0)

    def test_what_went_wrong_is_shown_without_the_steps(self):
        self.step("echo it cannot be made; exit 1")
        told = self.run_it(code=2)
        self.assertIn("it cannot be made", told)
        self.assertIn("go.sh: the build failed; all of it is in build/build-dev.log", told)
        self.assertFalse([line for line in told if re.match(r"\[\d+/\d+\]", line)])

    def test_an_interrupt_ends_all_of_it(self):
        self.step(f"cat {self.root}/go_on")
        for number, code in {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}.items():
            os.utime(self.root / "changed")
            script = self.start()
            while "building" not in script.stderr.readline():
                self.assertIsNone(script.poll())
            script.send_signal(number)
            self.assertEqual(script.communicate()[1].splitlines()[-1], "go.sh: the build was interrupted")
            self.assertEqual(script.returncode, code)
            here = [p for p in Path("/proc").glob("[0-9]*/cwd") if self.is_in_root(p)]
            self.assertEqual(here, [])

    def is_in_root(self, cwd):
        try:
            return os.readlink(cwd).startswith(str(self.root))
        except OSError:
            return False  # of another user, or gone


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
