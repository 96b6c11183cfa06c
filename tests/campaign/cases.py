"""Random cases: a scenario file, what happens to its processes, and which ends that explains."""

import json
import random
from dataclasses import dataclass, field

# A node that says nothing for so long may be called lost (transport/hub/hub.hpp, liveness), less a margin.
SILENCE_MIN_S = 4.0


@dataclass
class Happening:
    """Something that the campaign does to a process itself, at a time after the run began."""

    at_s: float
    whom: str  # "launcher", or an external node
    what: str  # a signal's name, or "start"


@dataclass
class Case:
    seed: int
    scenario: str = ""
    toml: str = ""
    arguments: list = field(default_factory=list)
    nodes: int = 0
    external: list = field(default_factory=list)
    keys: bool = False
    keeps_trace: set = field(default_factory=set)  # external nodes that write elsewhere, as on another host
    endpoint: str = "ipc"
    level: str = "headers"
    whole_trace: bool = True  # neither sampled nor cut at a size
    happenings: list = field(default_factory=list)
    # What explains an end that is not "passed".
    lost: set = field(default_factory=set)  # nodes that may be lost, by a kill or by silence
    killed: set = field(default_factory=set)  # of those, the ones that may be killed
    may_fail_to_join: bool = False
    may_deadlock: bool = False
    may_pass_deadline: bool = False
    may_be_interrupted: bool = False
    launcher_dies: bool = False
    must_fail: bool = False  # an expectation that no run keeps


def ms(seconds):
    return f"{round(seconds * 1000)}ms"


def toml_value(value):
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(x) for x in value) + "]"
    return json.dumps(value)


def table(name, values, many=False):
    head = f"[[{name}]]" if many else f"[{name}]"
    return "\n".join([head] + [f"{k} = {toml_value(v)}" for k, v in values.items()]) + "\n"


# -- parameters of the five scenarios: short runs of many kinds ---------------------------------


def worker_pool(r, case):
    kind = r.choice(["primes", "many", "sleep", "iterate", "scrypt"])
    p = {"workers": r.choice([1, 2, 3, 8, 40]), "prefetch": r.choice([1, 2, 5, 100])}
    p["dispatch"] = r.choice(["pull", "pull", "round_robin"])
    if kind == "primes":
        p.update(first=r.choice([0, 100, 10**12]), count=r.choice([1, 30, 400]))
    elif kind == "many":
        p.update(first=1, count=r.choice([3000, 15000]), workers=r.choice([2, 4]))
    elif kind == "sleep":
        p.update(task="sleep", inputs=[r.randint(0, 5) for _ in range(r.randint(1, 40))], unit=ms(r.choice([0.002, 0.01])))
    elif kind == "iterate":
        p.update(task="iterate", inputs=[r.randint(2, 99) for _ in range(r.randint(1, 30))], times=r.choice([5, 300]), modulo=r.choice([97, 10**9 + 7]))
    else:
        p.update(task="scrypt", texts=[f"word {i}" for i in range(r.randint(1, 20))], scrypt_n=r.choice([2, 1024]))
    return p


def dining_philosophers(r, case):
    strategy = r.choice(["ordered", "ordered", "waiter", "chandy_misra", "backoff", "naive"])
    case.may_deadlock = strategy == "naive"
    return {
        "philosophers": r.choice([2, 3, 7, 30]),
        "meals": r.choice([1, 20, 100]),
        "strategy": strategy,
        "backoff": "1ms",
        "waiter_rule": r.choice(["seats", "both"]),
        "thinking": ms(r.choice([0, 0.001, 0.004])),
        "eating": ms(r.choice([0, 0.001, 0.003])),
        "pause": ms(r.choice([0, 0, 0.002, 0.05 if strategy == "naive" else 0])),
        "jitter": r.choice([0.0, 0.5, 1.0]),
    }


def reduction(r, case):
    operator = r.choice(["sum", "max", "min"])
    count = r.choice([0, 1, 1000, 100_000, 1_000_000])
    if operator != "sum":
        count = max(count, 1)
    p = {"operator": operator, "arity": r.choice([2, 3, 8, 16]), "reducers": r.choice([1, 4, 9])}
    p["verify"] = r.random() < 0.5
    p.update(first=r.choice([-5, 1]), count=count, chunk=max(1, count // r.choice([10, 1000, 5000])))
    return p


def producer_consumer(r, case):
    p = {
        "producers": r.choice([1, 2, 6]),
        "consumers": r.choice([1, 2, 6]),
        "items": r.choice([1, 50, 1000, 5000]),
        "capacity": r.choice([1, 10, 1000]),
        "batch": r.choice([1, 1, 7, 100]),
    }
    if p["items"] <= 50:
        p.update(produce_cost=[r.choice([0, 1])], consume_cost=[0, r.choice([0, 2])], unit=ms(0.003))
    if r.random() < 0.2:
        p.update(pull=True, items=min(p["items"], 50 * p["consumers"]))  # a dialogue an item: slow beside a load
    elif r.random() < 0.2:
        p["order"] = "priority"
    return p


def echo_server(r, case):
    over = r.choice(["actors", "actors", "tcp", "zeromq"])
    p = {
        "mode": r.choice(["echo", "echo", "close_after_reply", "presence"]),
        "clients": r.choice([1, 3, 20]),
        "messages": r.choice([1, 30, 300]),
        "message_bytes": r.choice([0, 32, 5000]),
        "over": over,
    }
    if over == "zeromq":
        p.update(zeromq="tcp://127.0.0.1:*", tcp="", mode="echo")
    if r.random() < 0.3:
        p.update(work=ms(0.001), messages=30)
    if r.random() < 0.1:
        # Serves until somebody ends it.
        p.update(clients=0, over="actors", tcp="127.0.0.1:*")
        p.pop("zeromq", None)
        case.may_be_interrupted = True
        case.happenings.append(Happening(r.uniform(0.1, 1.0), "launcher", "SIGINT"))
    return p


SCENARIOS = [worker_pool, dining_philosophers, reduction, producer_consumer, echo_server]


# -- where it runs, what goes wrong ----------------------------------------------------------------


def topology(r, case):
    t = {}
    case.nodes = r.choice([0, 1, 1, 2, 2, 3, 4])
    case.endpoint = r.choice(["ipc", "tcp"])
    if case.nodes or r.random() < 0.5:
        t["nodes"] = case.nodes
        t["endpoint"] = case.endpoint
    if r.random() < 0.2:
        case.external = ["gpu-1", "gpu.2"][: r.choice([1, 1, 2])]
        case.keys = case.endpoint == "tcp" and r.random() < 0.5
        t.update(nodes=case.nodes, endpoint=case.endpoint, external=case.external, join_timeout="20s")
    if r.random() < 0.4:
        t["threads"] = r.choice([1, 2, 3])
    if case.nodes == 0 and not case.external and r.random() < 0.4:
        t["scheduler"] = "seeded"
        t.pop("threads", None)
    elif r.random() < 0.2:
        t["scheduler"] = r.choice(["stealing", "sharing"])
    if r.random() < 0.1:
        t["cores"] = "split"
    return t


def tracing(r, case):
    t = {}
    case.level = r.choice(["off", "headers", "headers", "headers", "payloads", "payloads"])
    if case.level != "headers" or r.random() < 0.5:
        t["level"] = case.level
    if case.level != "off" and r.random() < 0.08:
        t["sample"] = r.choice([0.01, 0.5])
        case.whole_trace = False
    if case.level != "off" and r.random() < 0.05:
        t["bytes_max"] = "1MiB"
        case.whole_trace = False
    return t


def moment(r):
    """Most runs are over soon: half of what goes wrong does so at the beginning."""
    return r.choice([0.0, r.uniform(0, 0.02), r.uniform(0, 0.1), r.uniform(0, 0.5), r.uniform(0, 1.5)])


def fault(r, case, nodes):
    action = r.choice(["cut", "cut", "cut", "kill", "stop", "stop"])
    node = r.choice(nodes + case.external if action == "cut" else nodes)
    f = {"action": action, "node": node, "at": ms(moment(r))}
    if action == "stop":
        halted = r.choice([0.05, 0.3, 1.0]) if r.random() < 0.97 else 12.0
        f["lasting"] = ms(halted)
    return f


def silences(case, faults):
    """Halts of one node add up where they touch; who is halted for long enough counts as lost."""
    total = {}
    for f in faults:
        if f["action"] == "stop":
            total[f["node"]] = total.get(f["node"], 0) + int(f["lasting"][:-2]) / 1000
    case.lost |= {node for node, seconds in total.items() if seconds >= SILENCE_MIN_S}


def faults(r, case, deadline_s):
    """Those that would come after the deadline are mistakes in a file."""
    nodes = [f"w{i + 1}" for i in range(case.nodes)]
    if not nodes or r.random() < 0.35:
        return []
    kind = r.choice(["few", "few", "cuts"])
    if kind == "cuts":
        made = [{"action": "cut", "node": r.choice(nodes + case.external), "at": ms(moment(r))} for _ in range(r.randint(5, 30))]
    else:
        made = [fault(r, case, nodes) for _ in range(r.randint(1, 5))]
    made = [f for f in made if int(f["at"][:-2]) < round(deadline_s * 1000)]
    case.killed |= {f["node"] for f in made if f["action"] == "kill"}
    case.lost |= case.killed
    silences(case, made)
    return made


def external_nodes(r, case):
    for name in case.external:
        case.happenings.append(Happening(0.0, name, "start"))
        if r.random() < 0.3:
            case.keeps_trace.add(name)
        fate = r.choice(["stays", "stays", "killed", "told", "restarted", "halted"])
        at = moment(r) + r.choice([0.0, 0.3])
        if fate == "killed" or fate == "restarted":
            case.happenings.append(Happening(at, name, "SIGKILL"))
            case.lost.add(name)
            case.killed.add(name)
            if fate == "restarted":
                case.happenings.append(Happening(at + r.uniform(0, 0.3), name, "start"))
            else:
                case.may_fail_to_join = True
        elif fate == "told":
            case.happenings.append(Happening(at, name, "SIGINT"))
            case.lost.add(name)
            case.may_fail_to_join = True
        elif fate == "halted":
            case.happenings.append(Happening(at, name, "SIGSTOP"))
            case.happenings.append(Happening(at + r.uniform(0.05, 1.0), name, "SIGCONT"))


def launcher(r, case):
    what = r.random()
    if what < 0.08:
        case.may_be_interrupted = True
        at = moment(r)
        case.happenings.append(Happening(at, "launcher", r.choice(["SIGINT", "SIGTERM", "SIGHUP"])))
        if r.random() < 0.3:
            case.happenings.append(Happening(at + r.uniform(0, 0.3), "launcher", "SIGINT"))
    elif what < 0.12:
        case.happenings.append(Happening(moment(r), "launcher", "SIGKILL"))
        case.launcher_dies = True
    elif what < 0.17:
        at = moment(r)
        case.happenings.append(Happening(at, "launcher", "SIGSTOP"))
        case.happenings.append(Happening(at + r.choice([0.05, 0.5, 1.5]), "launcher", "SIGCONT"))


def make_case(seed):
    r = random.Random(seed)
    case = Case(seed=seed)
    make = r.choice(SCENARIOS)
    case.scenario = make.__name__
    parameters = make(r, case)
    parts = [f"scenario = {toml_value(case.scenario)}\n"]
    short = r.random() < 0.08
    deadline_s = r.uniform(0.02, 0.6) if short else 300.0
    parts.append(f"deadline = {toml_value(ms(deadline_s))}\n")
    case.may_pass_deadline = short
    if r.random() < 0.5:
        parts.append(f"seed = {r.randint(0, 2**53)}\n")
    parts.append(table("parameters", parameters))
    where = topology(r, case)
    if where:
        parts.append(table("topology", where))
    if case.keys:
        parts.append(table("topology.security", {"secret_key": "main.key", "allowed_clients": [f"@{n}@" for n in case.external]}))
    recording = tracing(r, case)
    if recording:
        parts.append(table("trace", recording))
    for f in faults(r, case, deadline_s):
        parts.append(table("faults", f, many=True))
    external_nodes(r, case)
    if not case.happenings or case.external:
        launcher(r, case)
    if r.random() < 0.03:
        case.must_fail = True
        parts.append(table("expect", {"messages.sent": 0}))
    case.toml = "".join(parts)
    case.happenings.sort(key=lambda h: h.at_s)
    return case
