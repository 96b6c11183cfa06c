"""The packages that the README and docs/licences.md name are those that the scripts install."""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def installed(array="packages_build"):
    text = re.search(array + r"=\(([^)]*)\)", (ROOT / "scripts" / "common.sh").read_text())[1]
    return set(text.split())


def libraries_of_tests():
    return {package for package in installed("packages_test") if package.startswith("lib")}


class Packages(unittest.TestCase):
    def test_readme(self):
        text = re.search(r"by Debian's names ([^;]*);", (ROOT / "README.md").read_text())[1]
        named = set(re.sub(r"\([^)]*\)|,|\band\b", " ", text).split())
        self.assertEqual(named, installed())

    def test_licences(self):
        named = set(re.findall(r"^\| (\S+) \|", (ROOT / "docs" / "licences.md").read_text(), re.M)) - {"package"}
        self.assertEqual(named, installed() - {"g++", "cmake", "ninja-build", "ccache", "git"} | libraries_of_tests())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
