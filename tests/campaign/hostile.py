#!/usr/bin/python3
"""Hostile bytes at the ports of a run: what strangers, members and broken peers might send, drawn from a seed.
    hostile.py TROUPE [--seconds N] [--seed S] [--rounds R]
Each round is a run of its own, with a seed of its own. It must end by itself, passed, in time, with bounded memory, and
with each stranger told once. The round that does not is told with its seed, and its files are kept. Needs python3-zmq."""
import argparse, os, random, re, secrets, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time

try:
    import zmq
except ImportError:
    sys.exit(77)  # ctest's word for skipped

MEMORY_KIB_MAX = 512 << 10  # of the launcher, whatever comes; about 60 MiB of it are its own
PATIENCE_S = 90  # for a run that takes ten seconds when it is alone
HELLO, WELCOME, CONFIRM, REFUSE, DATA, GOODBYE, ACK, HEARTBEAT = 1, 2, 3, 4, 16, 17, 18, 19
KINDS = range(1, 13)
LINK, SIGNATURE, WATCH, ENDED, UNLINK, NODE, BOUNCE, PROBE, REPORT = 5, 2, 3, 4, 6, 7, 8, 9, 10
REFUSALS = {2: "malformed", 12: "not_allowed", 14: "name_taken", 15: "over_limit"}
GREETING = b"\x84\xa5agent\x01\xa3pid\x01\xa5types\x90\xa6codecs\x91\x01"


def varint(n):
    out = bytearray()
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def counted(octets):
    return varint(len(octets)) + octets


def envelope(kind, payload=b"", sender=0, receiver=0, request=0, type=0, flags=0):
    bits = kind | bool(sender) << 4 | bool(request) << 5 | bool(flags) << 7
    body = bytes([bits]) + (bytes([flags]) if flags else b"") + (varint(sender) if sender else b"")
    body += varint(receiver) + (varint(request) if request else b"") + varint(type) + payload
    return struct.pack("<I", len(body)) + body


class Peer:
    """One connection to a node's ROUTER, spoken in octets."""

    context = None

    def __init__(self, endpoint):
        if Peer.context is None:
            Peer.context = zmq.Context()
            Peer.context.max_sockets = 8000
        self.socket = Peer.context.socket(zmq.DEALER)
        self.socket.linger, self.socket.reconnect_ivl, self.socket.sndtimeo = 0, -1, 200
        self.socket.connect(endpoint)
        self.incarnation, self.number, self.received, self.credit, self.sent = secrets.randbits(64) | 1, 0, 0, 0, 0
        self.refused = None

    def hello(self, name, capabilities=0, greeting=GREETING, versions=(1, 1), limit=16 << 20, endpoint=b""):
        return (struct.pack("<B4sHHI", HELLO, b"TRUP", *versions, limit) + counted(name)
                + struct.pack("<QQ", self.incarnation, capabilities) + counted(endpoint) + counted(greeting) + bytes(9))

    def send(self, frame):
        try:
            self.socket.send(frame)
            return True
        except zmq.ZMQError:
            return False

    def receive(self, seconds=2.0):
        try:
            return self.socket.recv() if self.socket.poll(int(seconds * 1000)) else None
        except zmq.ZMQError:
            return None

    def join(self, name, capabilities=0):
        """True: it has a session. Else `refused` says why not."""
        self.send(self.hello(name, capabilities))
        answer = self.receive(5)
        if not answer or answer[0] != WELCOME:
            if answer and answer[0] == REFUSE: self.refused = answer[1]
            return False
        epoch, _, generation, _, self.credit = struct.unpack("<IIIQQ", answer[-28:])
        self.send(struct.pack("<BIIIQQ", CONFIRM, 1, epoch, generation + 1, 0, 32 << 20))
        return True

    def listen(self):
        """Takes what has come; False: the session is over."""
        while True:
            frame = self.receive(0)
            if frame is None: return True
            if frame[0] == DATA: self.received = max(self.received, struct.unpack_from("<Q", frame, 1)[0])
            if frame[0] in (ACK, HEARTBEAT): self.credit = max(self.credit, struct.unpack_from("<Q", frame, 9)[0])
            if frame[0] == REFUSE: self.refused = frame[1]
            if frame[0] in (REFUSE, GOODBYE): return False

    def data(self, envelopes):
        self.number += 1
        frame = struct.pack("<BQQ", DATA, self.number, self.received) + envelopes
        self.sent += len(frame)
        return self.send(frame)

    def heartbeat(self):
        return self.send(struct.pack("<B6Q", HEARTBEAT, self.received, 1 << 40, self.number, time.monotonic_ns(), 0, 0))

    def close(self):
        self.socket.close(0)


def tcp(address, octets, hold):
    """A client of plain TCP; says whether the other side closed."""
    try:
        with socket.create_connection(address, 5) as s:
            s.settimeout(hold)
            s.sendall(octets)
            while s.recv(65536): pass
            return True
    except OSError:
        return False


# -- a run that is attacked ---------------------------------------------------------------------------


class Run:
    def __init__(self, program, directory, text):
        self.directory = directory
        with open(os.path.join(directory, "run.toml"), "w") as file: file.write(text)
        self.errors = open(os.path.join(directory, "errors"), "w+")
        self.output = open(os.path.join(directory, "output"), "w+")
        environment = dict(os.environ, TMPDIR=directory, NO_COLOR="1")
        self.process = subprocess.Popen([program, "run", "run.toml", "--out", "runs"], cwd=directory, stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=self.errors, env=environment)
        self.peak_kib = 0

    def said(self):
        with open(self.errors.name, errors="replace") as file: return file.read()

    def printed(self):
        with open(self.output.name, errors="replace") as file: return file.read()

    def waits_for(self, pattern, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(pattern, self.said() + self.printed())
            if found: return found
            time.sleep(0.02)
        return None

    def look(self):
        try:
            with open(f"/proc/{self.process.pid}/status") as file:
                self.peak_kib = max(self.peak_kib, int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)))
        except (OSError, AttributeError):
            pass

    def ends(self):
        until = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < until:
            self.look()
            time.sleep(0.05)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            return None
        return self.process.returncode


class Finding(Exception):
    pass


def demand(holds, sentence):
    if not holds: raise Finding(sentence)


def check_end(run, codes):
    code = run.ends()
    said = run.said()
    demand(code is not None, f"the run did not end within {PATIENCE_S} s")
    demand(code in codes, f"the run ended with {code}")
    demand(run.peak_kib < MEMORY_KIB_MAX, f"the launcher took {run.peak_kib} KiB")
    lines = [line for line in said.splitlines() if " is not let in: " in line or ": refused " in line]
    demand(len(lines) == len(set(lines)), "a stranger was told twice")
    demand(len(lines) <= 40, f"{len(lines)} lines about strangers")
    places = re.findall(r": (\S+ \S+(?: of user \d+)?) is not let in: ", said)
    demand(len(places) == len(set(places)), "a stranger without a name was told twice")
    demand(len(said) < 100_000, f"the run said {len(said)} octets")
    demand(not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ufffd]", said), "raw controls in what was said")
    left = [name for name in os.listdir(run.directory) if name.startswith("troupe-")]
    demand(not left, f"left behind: {left}")
    result = run.printed()
    demand("the books balance" in result and "do not balance" not in result, "the books do not balance")


# -- what strangers send ------------------------------------------------------------------------------


def hostile_names(draw):
    fixed = [b"", b"a" * 65, b"n" * 300, b"../../x", b"/etc/x", b".x", b"a b", b"a\x1b[31mb", b"a\nb", b"a\0b", b"\xff\xfe",
             "a\u009b31m".encode(), "\u202egnp.exe".encode(), "a\u200bb".encode(), b"<img src=x>", b"=1+1", b"main", b"w1",
             b"w2", b"passer-by", b"visitor-1"]
    return draw.sample(fixed, 8) + [draw.randbytes(draw.randrange(1, 80)) for _ in range(8)]


def strange_hellos(endpoint, draw):
    for name in hostile_names(draw):
        peer = Peer(endpoint)
        joined = peer.join(name, draw.choice([0, 0, 1, 4]))
        peer.close()
        demand(not joined, f"a stranger got a session as {name!r}")


def corrupt_hellos(endpoint, draw):
    for _ in range(80):
        peer = Peer(endpoint)
        octets = bytearray(peer.hello(b"passer-by", endpoint=b"tcp://127.0.0.1:1"))
        for _ in range(draw.randrange(1, 4)): octets[draw.randrange(len(octets))] = draw.randrange(256)
        peer.send(bytes(octets[: draw.randrange(1, len(octets) + 1)]))
        peer.receive(0.02)
        peer.close()


def long_hellos(endpoint, draw):
    for greeting in (b"\xdf\xff\xff\xff\xff", b"\x81\xa5types\xdd\xff\xff\xff\xff", b"\x91" * 100_000, draw.randbytes(1 << 20),
                     draw.randbytes((1 << 20) + 1)):
        peer = Peer(endpoint)
        peer.send(peer.hello(draw.choice([b"passer-by", b"m2"]), greeting=greeting))
        peer.receive(0.5)
        peer.close()


def noise(endpoint, draw):
    for _ in range(200):
        peer = Peer(endpoint)
        kind = draw.choice([HELLO, WELCOME, CONFIRM, REFUSE, DATA, GOODBYE, ACK, HEARTBEAT, draw.randrange(256)])
        for _ in range(3): peer.send(bytes([kind]) + draw.randbytes(draw.randrange(200)))
        peer.close()


def parts(endpoint, draw):
    peer = Peer(endpoint)
    for _ in range(20):
        try: peer.socket.send_multipart([draw.randbytes(1000) for _ in range(draw.randrange(2, 50))])
        except zmq.ZMQError: break
    peer.close()


def half_handshakes(endpoint, draw):
    peers = []
    for i in range(400):
        peer = Peer(endpoint)
        peer.send(peer.hello(b"m2"))
        peers.append(peer)
    time.sleep(0.5)
    for peer in peers: peer.close()


def visits(endpoint, draw):
    """Visitors may come, and bring what nobody promised."""
    peers = []
    for i in range(300):
        peer = Peer(endpoint)
        if peer.join(b"visitor-%d" % i, 2):
            peer.data(envelope(11, draw.choice([b"\x01\x02w1" + bytes(8) + b"\x01" + bytes(8), draw.randbytes(100), b"\x03x"])))
            peer.data(envelope(draw.choice(list(KINDS)), draw.randbytes(50), sender=2, receiver=1, type=1))
        peers.append(peer)
    for peer in peers: peer.close()


def other_protocols(endpoint, draw):
    address = ("127.0.0.1", int(endpoint.split("|")[0].rsplit(":", 1)[1])) if endpoint.startswith("tcp") else None
    if address is None: return
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
    said = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + draw.randbytes(200),
            b"\xff" + bytes(8) + b"\x7f", b"", greeting, greeting[:draw.randrange(1, 64)], draw.randbytes(5000),
            greeting + b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x06DEALER" + b"\x02" + struct.pack(">Q", 1 << 62) + b"x" * 5000,
            greeting + b"\x06" + struct.pack(">Q", 1 << 40) + b"\x05READY"]
    threads = [threading.Thread(target=tcp, args=(address, octets, 4)) for octets in said for _ in range(20)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()


STRANGERS = [strange_hellos, corrupt_hellos, long_hellos, noise, parts, half_handshakes, visits, other_protocols]

# -- what members send ----------------------------------------------------------------------------------


def flood(peer, make, seconds=8.0, frames=2000):
    """Sends frames as its credit lets it. True: it was cut off."""
    until, beat = time.monotonic() + seconds, 0.0
    while frames > 0 and time.monotonic() < until:
        if time.monotonic() - beat > 0.3:
            beat = time.monotonic()
            if not peer.heartbeat(): return True
        if peer.sent < peer.credit:
            frames -= 1
            if not peer.data(make()): return True
        else:
            peer.socket.poll(20)
        if not peer.listen(): return True
    return False


def member_flood(peer, draw):
    """More of one kind of record than a peer may have."""
    count = iter(range(2, 1 << 40))
    record = lambda text: b"\xd9" + bytes([len(text)]) + text
    kinds = {
        "links": lambda: b"".join(envelope(LINK, sender=next(count), receiver=1 << 40) for _ in range(500)),
        "unlinks": lambda: b"".join(envelope(UNLINK, sender=next(count), receiver=1 << 40) for _ in range(500)),
        "watches": lambda: b"".join(envelope(WATCH, receiver=next(count) + (1 << 40)) for _ in range(500)),
        "endings": lambda: b"".join(envelope(ENDED, b"\xc0", sender=next(count), flags=4) for _ in range(500)),
        "signatures": lambda: b"".join(envelope(SIGNATURE, b"x" * 4000, type=next(count) % 65535 + 1) for _ in range(20)),
        "nodes": lambda: b"".join(envelope(NODE, b"\x94\xcf" + struct.pack(">Q", next(count)) + record(b"w1")
                                           + record(b"tcp://127.0.0.1:1") + b"\x91\x01", flags=4) for _ in range(200)),
        "senders": lambda: envelope(SIGNATURE, b"u64", type=1) + b"".join(
            envelope(1, b"\x91\x07", sender=next(count), receiver=1 << 40, type=1, flags=4) for _ in range(500)),
        "bounces": lambda: b"".join(envelope(BOUNCE, b"\xc0", receiver=1, request=next(count), flags=4) for _ in range(500)),
        "probes": lambda: b"".join(envelope(PROBE, request=next(count), type=1) for _ in range(100)),
        "reports": lambda: b"".join(envelope(REPORT, draw.randbytes(50), request=next(count) << 30, type=1, flags=4)
                                    for _ in range(100)),
    }
    which = draw.choice(list(kinds))
    over = flood(peer, kinds[which])
    if which in ("signatures",): demand(over, f"a flood of {which} was not ended")
    return which


def member_noise(peer, draw):
    """Records that can be read, with what cannot be in them."""
    def make():
        out = b""
        for _ in range(50):
            kind = draw.choice([k for k in KINDS if k != REPORT])
            out += envelope(kind, draw.randbytes(draw.choice([0, 1, 9, 60])), sender=draw.randrange(1 << 40, 1 << 63),
                            receiver=draw.randrange(1 << 40, 1 << 63), request=draw.randrange(1 << 60),
                            type=draw.randrange(70_000), flags=draw.choice([0, 2, 4, 6, 255]))
        return out
    flood(peer, make, 3, 200)
    return "noise"


def member_garbage(peer, draw):
    """Frames that cannot be read."""
    octets = draw.choice([
        lambda: struct.pack("<BQQ", DATA, 1, 0) + draw.randbytes(100), lambda: struct.pack("<BQQ", DATA, 7, 0) + envelope(WATCH),
        lambda: struct.pack("<BQQ", DATA, 1, 1 << 50) + envelope(WATCH), lambda: struct.pack("<BQQ", ACK, 1 << 60, 1),
        lambda: struct.pack("<BQQ", DATA, 1, 0) + struct.pack("<I", 1 << 31) + b"x", lambda: b"",
        lambda: struct.pack("<BQQ", DATA, 0, 0) + envelope(WATCH), lambda: draw.randbytes(300),
        lambda: struct.pack("<B6Q", HEARTBEAT, 0, 0, 1 << 60, 0, 0, 0)])()
    peer.send(octets)
    peer.receive(1)
    return "garbage"


def member_deaf(peer, draw):
    """Asks, and takes no answer."""
    for i in range(300):
        if peer.sent >= peer.credit: break
        peer.data(b"".join(envelope(WATCH, receiver=(1 << 40) + i * 500 + j) for j in range(500)))
    time.sleep(1)
    return "deaf"


def as_member(endpoint, draw):
    """Under a name that is awaited, one start after the other. Never says goodbye: it is lost each time."""
    done = []
    for _ in range(3):
        peer = Peer(endpoint)
        joined = peer.join(b"m1")
        until = time.monotonic() + 20  # until the one before is known to have ended
        while not joined and peer.refused in (9, 14) and time.monotonic() < until:
            peer.close()
            time.sleep(0.2)
            peer = Peer(endpoint)
            joined = peer.join(b"m1")
        if not joined:
            peer.close()
            break
        done.append(draw.choice([member_flood, member_noise, member_garbage, member_deaf])(peer, draw))
        peer.close()
    demand(done, "the member never got a session")
    return done


# -- rounds -----------------------------------------------------------------------------------------------

POOL = """scenario = "worker_pool"
deadline = "3m"
[parameters]
task = "sleep"
unit = "100ms"
inputs = [%s]
workers = 2
prefetch = 1
[topology]
endpoint = "%s"
nodes = 2
external = ["m1", "m2"]
join_timeout = "60s"
[topology.place]
worker = ["w1", "w2"]
"""


def node_port(program, directory, draw):
    """Strangers and a member at the port of a launcher, while it works."""
    run = Run(program, directory, POOL % (",".join(["1"] * draw.randrange(120, 260)), draw.choice(["tcp", "ipc"])))
    found = run.waits_for(r"--join (\S+) --name")
    demand(found, "the run did not begin")
    endpoint = found.group(1)
    strangers = draw.sample(STRANGERS, 4)
    story = [each.__name__ for each in strangers]
    strangers[0](endpoint, draw)  # while it still waits
    for name in (b"m1", b"m2"):  # both are there once, so that it begins
        peer = Peer(endpoint)
        demand(peer.join(name), f"{name!r} was not let in, {peer.refused}")
        peer.heartbeat()
        peer.data(envelope(WATCH, receiver=1 << 40))
        if name == b"m1": first = peer
        else: second = peer
    demand(run.waits_for(r"troupe\S*: running"), "the run did not begin")
    first.close()
    second.close()
    problems = []

    def attack(what, seed):
        try:
            story.append(what(endpoint, random.Random(seed)) or what.__name__)
        except Finding as finding:
            if run.process.poll() is None: problems.append(finding)  # else it had ended, which is fine

    threads = [threading.Thread(target=attack, args=(what, draw.randrange(1 << 60))) for what in (as_member, *strangers[1:])]
    for thread in threads: thread.start()
    for thread in threads:
        while thread.is_alive():
            run.look()
            thread.join(0.05)
    check_end(run, [0])
    for problem in problems: raise problem
    return story, run.peak_kib


def echo_port(program, directory, draw):
    """Clients of the echo server that do not behave."""
    run = Run(program, directory, """scenario = "echo_server"
deadline = "3m"
[parameters]
zeromq = "tcp://127.0.0.1:*"
line_timeout = "2s"
line_bytes_max = 10000
queued_bytes_max = 100000
connections_max = 500
""")
    found = run.waits_for(r"(?s)127\.0\.0\.1:(\d+).*?tcp://127\.0\.0\.1:(\d+)")
    demand(found, "the server did not begin")
    address, endpoint = ("127.0.0.1", int(found.group(1))), f"tcp://127.0.0.1:{found.group(2)}"

    def without_reading():
        try:
            with socket.create_connection(address, 5) as s:
                s.settimeout(2)
                for _ in range(400): s.sendall(b"x" * 8000 + b"\n")
        except OSError: pass

    def through_zeromq():
        peer = Peer(endpoint)
        for _ in range(300):
            try: peer.socket.send_multipart([draw.randbytes(draw.choice([0, 1, 500])) for _ in range(draw.randrange(1, 6))])
            except zmq.ZMQError: break
        peer.close()

    deeds = [lambda: tcp(address, b"x" * 5_000_000, 3), lambda: tcp(address, draw.randbytes(100_000), 3), lambda: tcp(address, b"", 3),
             lambda: tcp(address, b"half a line", 4), lambda: tcp(address, b"\xff\xfe\n" * 100, 3), lambda: tcp(address, b"a\n" * 50_000, 1),
             lambda: tcp(address, b"boom\n", 3), lambda: tcp(("127.0.0.1", int(found.group(2))), draw.randbytes(300), 3),
             without_reading, through_zeromq, lambda: tcp(address, b"GET / HTTP/1.1\r\n\r\n", 3)]
    threads = [threading.Thread(target=draw.choice(deeds)) for _ in range(60)]
    for thread in threads: thread.start()
    for thread in threads:
        while thread.is_alive():
            run.look()
            thread.join(0.05)
    # Who behaves gets its echo, when the others are gone at the latest.
    with socket.create_connection(address, 5) as s:
        s.settimeout(30)
        s.sendall(b"Hello, World!\n")
        heard = b""
        while not heard.endswith(b"\n"):
            more = s.recv(4096)
            demand(more, f"an honest client heard {heard!r}")
            heard += more
        demand(heard == b"Echoed back: Hello, World!\n", f"an honest client heard {heard!r}")
    run.process.send_signal(signal.SIGINT)
    check_end(run, [0, 130])
    return ["echo"], run.peak_kib


def one_round(program, number, seed):
    draw = random.Random(seed)
    directory = tempfile.mkdtemp(prefix="hostile-")
    kind = echo_port if number % 3 == 1 else node_port
    begin = time.monotonic()
    try:
        story, peak = kind(program, directory, draw)
    except Exception as problem:  # of this script, too: its seed and its files are wanted
        print(f"round {number} ({kind.__name__}, seed {seed}): {problem}\n  its files are in {directory}", flush=True)
        with open(os.path.join(directory, "errors"), errors="replace") as file: print("".join("  | " + line for line in file.readlines()[-30:]), flush=True)
        if not isinstance(problem, Finding): raise
        return False
    print(f"round {number} ({kind.__name__}, seed {seed}): ok, {time.monotonic() - begin:.1f} s, {peak >> 10} MiB: {story}", flush=True)
    shutil.rmtree(directory)
    return True


def main():
    options = argparse.ArgumentParser(description="Hostile bytes at the ports of runs")
    options.add_argument("troupe")
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--rounds", type=int, default=1 << 30)
    options.add_argument("--seed", type=int, default=None)
    chosen = options.parse_args()
    seed = secrets.randbits(32) if chosen.seed is None else chosen.seed
    until, number, failed = time.monotonic() + chosen.seconds, 0, 0
    print(f"seed {seed}", flush=True)
    while number == 0 or (time.monotonic() < until and number < chosen.rounds):
        failed += not one_round(os.path.abspath(chosen.troupe), number, seed + number)
        number += 1
    print(f"{number} rounds from seed {seed}, {failed} with a finding")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
