"""The suite again and again, beside a load, while all of its processes stand still at random: see scripts/soak.sh."""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from processes import processes_of, state_of

MARK = "TROUPE_SOAK"


def arguments():
    p = argparse.ArgumentParser(prog="soak.sh", description="Runs all tests again and again, under conditions that are worse than usual.")
    p.add_argument("times", type=int, metavar="TIMES", help="how often")
    p.add_argument("--load", type=int, default=0, metavar="N", help="beside N processes that do nothing but compute")
    p.add_argument("--pause", type=float, default=0, metavar="SECONDS", help="now and then all processes of the tests stand still together for up to so long, as on a machine that was paused")
    p.add_argument("--seed", type=int, help="of the pauses")
    p.add_argument("--build", default="build/dev", help="the build whose tests run")
    p.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1, help="tests at a time")
    p.add_argument("--tests", default="", metavar="REGEX", help="only tests of such names")
    return p.parse_args()


def send(pids, what):
    for pid in pids:
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            pass


def is_stopped(pid):
    try:
        return state_of(pid) == "T"
    except OSError:
        return False


def stop_all(mark):
    """One that is about to start others may slip through: until a look finds nobody new. Those that a test
    has stopped are left to it."""
    stopped = set()
    left_alone = set()
    while new := set(processes_of(mark, MARK)) - stopped - left_alone:
        left_alone |= {pid for pid in new if is_stopped(pid)}
        send(new - left_alone, signal.SIGSTOP)
        stopped |= new - left_alone
    return stopped


class Pauses(threading.Thread):
    """Lets all processes of the tests stand still together, and go on together."""

    def __init__(self, mark, longest, seed):
        super().__init__()
        self.mark, self.longest, self.random = mark, longest, random.Random(seed)
        self.over = threading.Event()
        self.count = 0

    def run(self):
        while not self.over.wait(self.random.uniform(3, 30)):
            stopped = stop_all(self.mark)
            if stopped:
                time.sleep(self.random.uniform(0.1, self.longest))
                self.count += 1
            send(stopped, signal.SIGCONT)


def run_once(args, number, seed):
    mark = f"{os.getpid()}-{number}"
    environment = {**os.environ, MARK: mark}
    command = ["ctest", "--test-dir", args.build, "--no-tests=error", "--output-on-failure", "-j", str(args.jobs)]
    # Tests that never end would be found by nobody; pauses count, since ctest's clock goes on.
    command += ["--timeout", "3000"] + (["-R", args.tests] if args.tests else [])
    pauses = Pauses(mark, args.pause, seed) if args.pause else None
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        suite = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment)
        if pauses:
            pauses.start()
        code = suite.wait()
        if pauses:
            pauses.over.set()
            pauses.join()
        output.seek(0)
        text = output.read()
    left = processes_of(mark, MARK)
    send(left, signal.SIGCONT)
    wrong = re.findall(r"^\s*\d+ - (\S+) \(", text, re.M)
    took = time.monotonic() - began
    told = f"soak: {number} of {args.times}: {'failed: ' + ', '.join(wrong) if code else 'passed'}, {took:.0f} s"
    told += f", {pauses.count} pauses, seed {seed}" if pauses else ""
    told += f", still there: {left}" if left else ""
    print(told, flush=True)
    if code:
        kept = Path(tempfile.gettempdir()) / f"troupe-soak-{os.getpid()}-{number}.txt"
        kept.write_text(text)
        print(f"soak: its output is in {kept}", flush=True)
    return code == 0 and not left


def main():
    args = arguments()
    first = args.seed if args.seed is not None else random.SystemRandom().randrange(2**32)
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(args.load)]
    try:
        passed = sum(run_once(args, i + 1, first + i) for i in range(args.times))
    finally:
        for each in load:
            each.kill()
            each.wait()
    print(f"soak: {passed} of {args.times} passed")
    return 0 if passed == args.times else 1


if __name__ == "__main__":
    sys.exit(main())
