"""Random runs on real processes, for a time: see scripts/campaign.sh."""

import argparse
import concurrent.futures
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import cases
import judge
import processes


def arguments():
    p = argparse.ArgumentParser(prog="campaign.sh", description="Random runs on real processes; each must end in time, with a verdict that fits what was done to it, and with books and a trace that agree.")
    p.add_argument("seconds", type=float, metavar="SECONDS", help="no case is begun after that")
    p.add_argument("--seed", type=int, help="of the first case; one of a finding replays that case alone")
    p.add_argument("--runs", type=int, help="at most so many cases")
    p.add_argument("--jobs", type=int, default=3, help="cases at a time (3)")
    p.add_argument("--troupe", default="build/dev/cli/troupe", help="the program")
    p.add_argument("--keep", default="", help="where the files of failing cases are kept; a new directory by default")
    p.add_argument("--show", action="store_true", help="print the cases' files and run nothing")
    a = p.parse_args()
    if a.seed is not None and a.runs is None:
        a.runs = 1
    return a


class Campaign:
    def __init__(self, args):
        self.args = args
        self.troupe = str(Path(args.troupe).resolve())
        self.work = Path(tempfile.mkdtemp(prefix="troupe-campaign-"))
        self.keep = Path(args.keep) if args.keep else self.work / "kept"
        self.first = args.seed if args.seed is not None else random.SystemRandom().randrange(2**32)
        self.lock = threading.Lock()
        self.next = 0
        self.failed = 0
        self.ends = Counter()
        self.until = time.monotonic() + args.seconds

    def take(self):
        with self.lock:
            over = time.monotonic() >= self.until or (self.args.runs is not None and self.next >= self.args.runs)
            self.next += not over
            return None if over else self.first + self.next - 1

    def one(self, seed):
        case = cases.make_case(seed)
        directory = self.work / str(seed)
        attempt = processes.Attempt(case, self.troupe, directory)
        seen = attempt.run()
        findings = judge.judge(case, seen, self.troupe, attempt.environment)
        with self.lock:
            self.ends[seen.code] += 1
            if findings:
                self.tell(case, seen, findings)
            elif self.next % 50 == 0:
                print(f"campaign: {self.next} cases begun, {self.failed} with findings", file=sys.stderr, flush=True)
        if not findings:
            shutil.rmtree(directory, ignore_errors=True)
        return findings

    def tell(self, case, seen, findings):
        self.failed += 1
        kept = self.keep / str(case.seed)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.move(seen.directory, kept)
        text = [f"seed {case.seed}: {case.scenario}, exit code {seen.code} after {seen.took_s:.1f} s; {', '.join(seen.happened) or 'nothing done to it from outside'}"]
        text += [f"  {finding}" for finding in findings[:12]]
        text += [f"  kept in {kept}; again: scripts/campaign.sh 60 --seed {case.seed}"]
        (kept / "findings.txt").write_text("\n".join(text) + "\n")
        print("\n".join(text), flush=True)

    def worker(self):
        while (seed := self.take()) is not None:
            self.one(seed)

    def run(self):
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(self.args.jobs) as pool:
            for done in [pool.submit(self.worker) for _ in range(self.args.jobs)]:
                done.result()
        ends = ", ".join(f"{n} with {'no exit code' if code is None else code}" for code, n in sorted(self.ends.items(), key=str))
        print(f"campaign: {self.next} cases from seed {self.first} in {time.monotonic() - began:.0f} s, {self.failed} with findings; exit codes: {ends}", flush=True)
        if not self.failed or self.args.keep:
            shutil.rmtree(self.work, ignore_errors=True)
        return 1 if self.failed else 0


def main():
    args = arguments()
    if args.show:
        case = cases.make_case(args.seed or 0)
        print(case.toml)
        print(*case.happenings, sep="\n")
        return 0
    if not os.access(args.troupe, os.X_OK):
        print(f"campaign.sh: there is no program {args.troupe}; build it, or name it with --troupe", file=sys.stderr)
        return 2
    return Campaign(args).run()


if __name__ == "__main__":
    sys.exit(main())
