"""Runs one case on real processes and keeps what there is to be judged."""

import os
import re
import shlex
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

MARK = "TROUPE_CAMPAIGN_CASE"
# A run that has not ended by itself after that long hangs; no stall of a busy machine takes so long.
RUN_PATIENCE_S = 400.0
# The guard, and nodes whose launcher was killed, may end a moment after the launcher.
ORPHAN_PATIENCE_S = 20.0


@dataclass
class Observation:
    directory: Path
    code: int | None = None  # of the launcher; negative: by a signal; None: it did not end
    took_s: float = 0.0
    orphans: list = field(default_factory=list)
    left_files: list = field(default_factory=list)
    external_codes: dict = field(default_factory=dict)  # name -> exit codes in turn
    interrupted_early: set = field(default_factory=set)  # names: the signal came before the program could take any, and ended it
    launcher_was_killed: bool = False
    happened: list = field(default_factory=list)

    def text(self, name):
        path = self.directory / name
        return path.read_text(errors="replace") if path.exists() else ""

    def run_dir(self):
        found = [p for p in (self.directory / "runs").glob("*") if not p.is_symlink()]
        return found[0] if found else None


def state_of(pid):
    """As in ps: T is stopped. OSError if there is no such process."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def processes_of(mark, variable=MARK):
    """Every living process that was started, directly or not, under this mark."""
    wanted = f"{variable}={mark}".encode()
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            with open(f"/proc/{entry.name}/environ", "rb") as file:
                if wanted in file.read().split(b"\0"):
                    found.append(int(entry.name))
        except OSError:
            continue
    return found


class Reader(threading.Thread):
    """Keeps what the launcher says, and when it said that the run goes on."""

    def __init__(self, stream, path):
        super().__init__(daemon=True)
        self.stream, self.path = stream, path
        self.begun = threading.Event()
        self.join_words = None

    def run(self):
        with open(self.path, "wb") as file:
            for line in self.stream:
                file.write(line)
                file.flush()
                text = line.decode(errors="replace")
                if found := re.search(r"join by hand: \S+ (node .*)", text):
                    self.join_words = shlex.split(found[1])
                    self.begun.set()
                elif text.strip().endswith(": running"):
                    self.begun.set()


def takes(pid, number):
    """Whether the process has a handler for that signal by now."""
    try:
        mask = re.search(r"^SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text(), re.M)
    except OSError:
        return False
    return mask is not None and int(mask[1], 16) >> (number - 1) & 1 == 1


class Attempt:
    def __init__(self, case, troupe, directory):
        self.case, self.troupe = case, troupe
        self.seen = Observation(directory)
        self.mark = f"{os.getpid()}-{case.seed}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(directory / "tmp"),
            MARK: self.mark,
        }
        self.external = {}

    def command(self, words, stderr, **more):
        return subprocess.Popen(
            [self.troupe, *words], cwd=self.seen.directory, env=self.environment, stdin=subprocess.DEVNULL, stderr=stderr, start_new_session=True, **more
        )

    def prepare(self):
        directory = self.seen.directory
        (directory / "tmp").mkdir(parents=True)
        toml = self.case.toml
        if self.case.keys:
            for name in ["main", *self.case.external]:
                made = subprocess.run([self.troupe, "keygen", "-o", f"{name}.key"], cwd=directory, env=self.environment, capture_output=True, text=True, check=True)
                toml = toml.replace(f"@{name}@", made.stdout.strip())
        (directory / "case.toml").write_text(toml)

    def start_external(self, name):
        if self.reader.join_words is None:
            return
        words = list(self.reader.join_words)
        words[words.index("--name") + 1] = name
        if "--key" in words:
            words[words.index("--key") + 1] = f"{name}.key"
        if name in self.case.keeps_trace:
            words += ["--trace-dir", f"far-{name}"]
        log = open(self.seen.directory / f"external-{name}.txt", "ab")
        self.external.setdefault(name, []).append(self.command(words, log, stdout=log))

    def do(self, happening):
        self.seen.happened.append(f"{happening.what} {happening.whom}")
        if happening.what == "start":
            return self.start_external(happening.whom)
        number = getattr(signal, happening.what)
        whom = [self.launcher] if happening.whom == "launcher" else self.external.get(happening.whom, [])[-1:]
        for process in whom:
            if process.poll() is None:
                if happening.whom != "launcher" and number == signal.SIGINT and not takes(process.pid, number):
                    self.seen.interrupted_early.add(happening.whom)
                process.send_signal(number)
                if happening.whom == "launcher" and number == signal.SIGKILL:
                    self.seen.launcher_was_killed = True

    def let_happen(self, until):
        pending = list(self.case.happenings)
        while not self.reader.begun.wait(0.01):
            if self.launcher.poll() is not None or time.monotonic() > until:
                return
        began = time.monotonic()
        while pending:
            wait = pending[0].at_s - (time.monotonic() - began)
            if wait > 0:
                try:
                    self.launcher.wait(wait)
                    return
                except subprocess.TimeoutExpired:
                    pass
            self.do(pending.pop(0))

    def end_all(self):
        """Nothing of a case outlives it, whatever went wrong; True if something had to be ended."""
        until = time.monotonic() + ORPHAN_PATIENCE_S
        while left := processes_of(self.mark):
            for each in sum(self.external.values(), []):
                each.poll()
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        for pid in left:
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                self.seen.orphans.append(f"{pid} {state_of(pid)} {words.strip()}")
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue

    def run(self):
        self.prepare()
        began = time.monotonic()
        with open(self.seen.directory / "stdout.txt", "wb") as out:
            self.launcher = self.command(["run", "case.toml", "--out", "runs", *self.case.arguments], subprocess.PIPE, stdout=out)
        self.reader = Reader(self.launcher.stderr, self.seen.directory / "stderr.txt")
        self.reader.start()
        self.let_happen(began + RUN_PATIENCE_S)
        try:
            self.seen.code = self.launcher.wait(max(1.0, began + RUN_PATIENCE_S - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        self.seen.took_s = time.monotonic() - began
        for each in sum(self.external.values(), []):  # who is halted could not end
            if each.poll() is None:
                each.send_signal(signal.SIGCONT)
        self.end_all()
        self.reader.join(10)
        for name, started in self.external.items():
            self.seen.external_codes[name] = [p.wait() for p in started]
        self.seen.left_files = sorted(str(p.relative_to(self.seen.directory)) for p in (self.seen.directory / "tmp").rglob("*"))
        return self.seen
