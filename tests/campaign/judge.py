"""Says what is wrong with how a case ended; each finding a sentence."""

import json
import signal
import subprocess

EXIT_CODES = {"passed": 0, "check_failed": 1, "deadlock": 3, "stalled": 3, "deadline": 3, "node_lost": 4, "interrupted": 130}
# What no process may say, whatever is done to it.
NEVER_SAID = ["terminate called", "Sanitizer", "Assertion", "Segmentation", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "pure virtual", "runtime error:"]


def allowed_verdicts(case):
    """The verdicts that what was done to the run explains; passing is always one of them but where it is asked for."""
    verdicts = {"check_failed"} if case.must_fail else {"passed"}
    if case.lost:
        verdicts.add("node_lost")
    if case.may_deadlock:
        verdicts.add("deadlock")
    if case.may_pass_deadline:
        verdicts.add("deadline")
    if case.may_be_interrupted:
        verdicts.add("interrupted")
    return verdicts


def judge_exit(case, seen, result, out):
    verdict = result["verdict"] if result else None
    if seen.code is None:
        out.append("the launcher did not end by itself")
    elif seen.code < 0:
        # Once the run is over, and its result kept, there is nothing to stop in order.
        came_too_late = case.may_be_interrupted and result is not None and -seen.code in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if not came_too_late and not (seen.launcher_was_killed and seen.code == -9):
            out.append(f"the launcher was ended by signal {-seen.code}")
    elif result:
        if EXIT_CODES.get(verdict) != seen.code:
            out.append(f"verdict {verdict}, but exit code {seen.code}")
        if verdict not in allowed_verdicts(case):
            out.append(f"verdict {verdict} ({result['reason']}); explained would be {', '.join(sorted(allowed_verdicts(case)))}")
    else:
        twice = sum(h.startswith("SIG") and h.endswith("launcher") for h in seen.happened) > 1
        explained = {2} if case.may_fail_to_join or case.lost else set()
        if case.may_be_interrupted:
            explained.add(130)
        if case.may_pass_deadline:
            explained.add(3)
        if seen.code not in explained and not (twice and seen.code == 130):
            out.append(f"exit code {seen.code} and no result.json")


def judge_nodes(case, seen, result, out):
    for node in result["nodes"]:
        name, ended = node["name"], node["ended"]
        if ended == "left" or result["verdict"] == "interrupted":
            continue
        if ended == "never joined" and result["verdict"] == "deadline":
            continue  # it passed while nodes were starting
        if name not in case.lost:
            out.append(f"node {name} ended: {ended}")
        elif ended.startswith("killed by") and ended != "killed by SIGKILL":
            out.append(f"node {name} ended: {ended}")


def judge_books(case, result, out):
    for check in result["checks"]:
        if check["name"] == "the books balance" and not check["passed"]:
            out.append(f"books: {check['detail']}")
        elif not check["passed"] and not check["name"].startswith("expect "):
            out.append(f"check failed: {check['name']}: {check['detail']}")
    if result["messages"]["lost"] and not case.lost and result["verdict"] != "interrupted":
        out.append(f"{result['messages']['lost']} messages lost in crashes, and no node crashed")


def trace_command(seen, troupe, environment, command, run_dir):
    done = subprocess.run([troupe, "trace", command, str(run_dir), "--json"], cwd=seen.directory, env=environment, capture_output=True, text=True, errors="replace", timeout=300)
    try:
        return done.returncode, json.loads(done.stdout), done.stderr
    except json.JSONDecodeError:
        return done.returncode, None, done.stderr or done.stdout[:300]


def judge_check(case, code, found, said, verdict, out):
    if found is None:
        out.append(f"trace check: exit code {code}, {said.strip()[:300]}")
        return
    faults = [f for f in found["findings"] if f["severity"] == "fault"]
    if case.may_deadlock:  # at whatever moment the run ended; as its verdict, or a moment before another one
        if verdict == "deadlock" and case.whole_trace and all(f["rule"] != "waits_in_circle" for f in faults):
            out.append("trace check does not find the deadlock")
        faults = [f for f in faults if f["rule"] != "waits_in_circle"]
    for f in faults:
        out.append(f"trace check: {f['rule']}: {f['text'][:300]}")
    if code not in (0, 1) or (code == 1) != (not found["ok"]):
        out.append(f"trace check: exit code {code} and ok = {found['ok']}")


def judge_ledger(case, summary, result, out):
    """What the trace tells is what the books tell; where a process was killed, as far as its last moment goes."""
    if any(node["missing"] for node in summary["nodes"]):
        return  # of a node that was killed on another host
    ledger, books = summary["ledger"], result["messages"]
    crashed = any(n["ended"] != "left" for n in result["nodes"])
    traced = {"sent": ledger["sent"], "handled": ledger["handled"], "dead_lettered": ledger["dead_lettered"]}
    pairs = [(k, traced[k], books[k]) for k in traced]
    by_reason = ledger["dropped_by_reason"]
    for reason in {**by_reason, **books["dropped"]}:
        pairs.append((f"dropped.{reason}", by_reason.get(reason, 0), books["dropped"].get(reason, 0)))
    pairs.append(("lost", ledger["lost"] + ledger["in_handler"] + ledger["unrecorded"], books["lost"]))
    if ledger["vanished"]:
        out.append(f"trace summary: {ledger['vanished']} messages vanished")
    for name, trace, book in pairs:
        if abs(trace - book) > (16 if crashed else 0):
            out.append(f"{name}: {trace} by the trace, {book} by the books")


def not_waited_for(case, seen):
    """Who keeps its trace on a disk of its own, brings it at the end, and was told not to: a launcher that is interrupted twice waits no more."""
    told = seen.text("stderr.txt")
    if "again: killing what is left" not in told:
        return set()
    return {name for name in case.keeps_trace if f"the trace of node {name} is not in the run directory" in told}


def judge_trace(case, seen, troupe, environment, result, out):
    run_dir = seen.run_dir()
    if run_dir is None or not list(run_dir.glob("*.trace")):
        if case.level != "off" and result:
            out.append("there is no trace")
        return
    verdict = result["verdict"] if result else None
    code, found, said = trace_command(seen, troupe, environment, "check", run_dir)
    if result:
        judge_check(case, code, found, said, verdict, out)
    elif found is None or code not in (0, 1):
        out.append(f"trace check after a killed launcher: exit code {code}, {said.strip()[:300]}")
    code, summary, said = trace_command(seen, troupe, environment, "summary", run_dir)
    if summary and result:
        # Of a node that was killed and started again, either may be called NAME#2.
        missing = {node["name"].partition("#")[0] for node in summary["nodes"] if node["missing"]}
        out += [f"the trace of {name} is missing" for name in missing - case.lost - not_waited_for(case, seen)]
    if summary is None or code != 0:
        out.append(f"trace summary: exit code {code}, {said.strip()[:300]}")
    elif result and case.whole_trace:
        judge_ledger(case, summary, result, out)


def judge_words(seen, out):
    said = {path.name: path.read_text(errors="replace") for path in seen.directory.glob("*.txt")}
    if run_dir := seen.run_dir():
        said.update({path.name: path.read_text(errors="replace") for path in run_dir.glob("*.log")})
    for name, text in said.items():
        for words in NEVER_SAID:
            if words in text:
                line = next(line for line in text.splitlines() if words in line)
                out.append(f"{name}: {line.strip()[:200]}")


def judge(case, seen, troupe, environment):
    out = []
    result = None
    run_dir = seen.run_dir()
    if run_dir and (run_dir / "result.json").exists():
        try:
            result = json.loads((run_dir / "result.json").read_text())
        except json.JSONDecodeError as e:
            out.append(f"result.json: {e}")
    judge_exit(case, seen, result, out)
    if result:
        judge_nodes(case, seen, result, out)
        judge_books(case, result, out)
    if seen.code is not None:
        judge_trace(case, seen, troupe, environment, result, out)
    judge_words(seen, out)
    out += [f"still running: {each}" for each in seen.orphans]
    out += [f"left in TMPDIR: {each}" for each in seen.left_files]
    for name, codes in seen.external_codes.items():
        expected = {0, 2, 4, 130, -9} | ({-2} if name in seen.interrupted_early else set())
        out += [f"external node {name} ended with exit code {c}" for c in codes if c not in expected]
    return out
