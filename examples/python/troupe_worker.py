#!/usr/bin/python3
"""One worker node of a troupe run, in Python: joins a worker pool and computes its tasks.
    troupe_worker.py ENDPOINT NAME
NAME must be one of the run's [topology] external nodes. Needs Debian's python3-zmq and python3-msgpack. What is
spoken here: docs/wire.md and docs/wire-payloads.md. Exit code: 0 told to leave, 4 launcher lost, 130 by signal."""
import collections, io, json, math, os, secrets, signal, struct, sys, time, msgpack, zmq

HELLO, WELCOME, CONFIRM, REFUSE, DATA, GOODBYE, ACK, HEARTBEAT = 1, 2, 3, 4, 16, 17, 18, 19
MESSAGE, SIGNATURE, WATCH, ENDED, BOUNCE, PROBE, REPORT = 1, 2, 3, 4, 8, 9, 10
AGAIN, RESPONSE, NORMAL, WINDOW, AGENT, HAS_SENDER, IS_MSGPACK = (9, 10, 11, 13), 1 << 63, 1 << 60, 32 << 20, 1, 2, 4
TYPES = ["troupe.spawn_role", "troupe.leave_node", "assign_task", "poison_pill", "exit"]
GONE, SHUTDOWN, ROLE_UNKNOWN = [2, "exit", "it has ended"], [4, "exit", "user_shutdown"], 5
def to_varint(n): return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + to_varint(n >> 7)
def to_counted(octets): return to_varint(len(octets)) + octets
def fixed(stream, form): return struct.unpack("<" + form, stream.read(struct.calcsize("<" + form)))
def counted(stream): return stream.read(varint(stream))
def varint(stream):
    octet = stream.read(1)[0]
    return octet if octet < 128 else octet & 127 | varint(stream) << 7
def is_prime(n):  # tasks yield now and then, so that heartbeats go out in between
    for d in range(2, math.isqrt(n) + 1):
        if n % d == 0: return False
        if d % 16384 == 0: yield
    return n > 1
def factors(n):
    if n < 1: raise ValueError("the input must be a whole number of at least 1")
    low = []
    for d in range(1, math.isqrt(n) + 1):
        if n % d == 0: low.append(d)
        if d % 16384 == 0: yield
    return low + [n // d for d in reversed(low) if d * d != n]

class Worker:
    def __init__(self, node, number, coordinator):
        self.node, self.number, self.coordinator = node, number, coordinator
        self.tasks, self.finished, self.refused, self.pill = collections.deque(), 0, 0, False
        node.envelope(WATCH, receiver=coordinator)
        node.message(coordinator, number, "worker_ready", [node.name])
    def handle(self, kind, fields, *_):
        if kind == "poison_pill": self.pill = True
        elif kind == "exit": self.node.end_actor(self.number, fields[1])
        elif kind == "assign_task" and self.pill: self.refused += 1
        elif kind == "assign_task" and len(fields) == 3: self.tasks.append([*fields, None, 0])
        else: raise ValueError(kind)
    def step(self):
        if self.tasks:
            task, kind, text, steps, busy = self.tasks.popleft()
            if steps is None: self.node.log(f"task {task}: {kind} of {text}")
            begin, output, error = time.monotonic_ns(), None, ""
            try: next(steps := steps or {"is_prime": is_prime, "factors": factors}[kind](int(text)))
            except StopIteration as end: output = json.dumps(end.value)
            except (KeyError, TypeError, ValueError) as e: output, error = "", repr(e)
            busy += time.monotonic_ns() - begin
            if output is None: return self.tasks.append([task, kind, text, steps, busy])  # the others get their turn
            self.finished += 1
            self.node.message(self.coordinator, self.number, "task_done", [task, output, error, busy])
        elif self.pill:
            self.node.message(self.coordinator, self.number, "worker_exiting", [self.finished, self.refused])
            self.node.end_actor(self.number, None)

class Node:
    def __init__(self, endpoint, name):
        self.endpoint, self.name, self.incarnation, self.launcher = endpoint, name, secrets.randbits(64) | 1, 0
        self.context, self.socket, self.up, self.code, self.deadline = zmq.Context(), None, False, None, 0
        self.frames, self.number, self.sent, self.acked, self.octets, self.credit = collections.deque(), 0, 0, 0, 0, 0
        self.received, self.granted, self.heard, self.told = 0, WINDOW, time.monotonic(), 0
        self.generation = self.epoch = self.beat = self.echo = self.echo_at = self.clock = self.last_actor = 0
        self.messages = self.arrived = self.handled = self.dead = 0
        self.drops, self.types_in, self.types_out, self.actors = [0] * 10, {}, {}, {}
    # -- the connection and its session: docs/wire.md -------------------------------------
    def dial(self):
        if self.socket: self.socket.close(0)
        self.socket, self.up, self.dialled = self.context.socket(zmq.DEALER), False, time.monotonic()
        self.socket.reconnect_ivl, self.socket.sndtimeo, self.socket.rcvtimeo = -1, 0, 0  # zmq.Again when it is cut
        self.socket.connect(self.endpoint)
        greeting = msgpack.packb({"agent": AGENT, "pid": os.getpid(), "types": TYPES, "codecs": [1], "run": {}})
        self.socket.send(struct.pack("<B4sHHI", HELLO, b"TRUP", 1, 1, 16 << 20) + to_counted(self.name.encode())
                         + struct.pack("<QQ", self.incarnation, 0) + to_counted(b"") + to_counted(greeting) + bytes(9))
    def take(self, frame):
        self.heard, kind, stream = time.monotonic(), frame[0], io.BytesIO(frame[1:])
        if kind == WELCOME: self.take_welcome(stream)
        elif kind == REFUSE:
            self.up, reason = None, fixed(stream, "B")[0]  # None: dial again
            if reason not in AGAIN: self.leave(4, f"refused, reason {reason}: {counted(stream).decode()}")
        elif self.up:
            first, second = fixed(stream, "QQ")
            self.acked = max(self.acked, first if kind in (ACK, HEARTBEAT) else second)
            if kind == HEARTBEAT: self.echo, self.echo_at = fixed(stream, "QQ")[1], time.monotonic_ns()
            if kind in (ACK, HEARTBEAT): self.credit = max(self.credit, second)
            elif first > self.received + 1: self.up = None  # a frame is missing
            elif first > self.received and self.code is None:
                self.received, self.granted = first, self.granted + len(frame)
                if kind == GOODBYE: self.leave(4, "the launcher has left")
                else: self.take_envelopes(stream)
    def take_welcome(self, stream):
        (version,), _name, (incarnation,) = fixed(stream, "4xH4x"), counted(stream), fixed(stream, "Q8x")
        _endpoint, _greeting, position = counted(stream), counted(stream), fixed(stream, "IIIQQ")
        epoch, seen, generation, received, credit = position
        if version != 1 or self.launcher not in (0, incarnation) or self.epoch not in (0, epoch) or seen > 1:
            return self.leave(4, "this is not the launcher, or not the session, that was joined")
        self.launcher, self.epoch, self.generation = incarnation, epoch, max(self.generation, generation) + 1
        self.socket.send(struct.pack("<BIIIQQ", CONFIRM, 1, epoch, self.generation, self.received, self.granted))
        self.up, self.sent, self.acked, self.credit = True, received, received, max(self.credit, credit)
    def numbered(self, kind, content=b""):
        frame = struct.pack("<BQQ", kind, self.number + 1, self.received) + content
        self.frames.append((self.number + 1, self.octets, frame))
        self.number, self.octets = self.number + 1, self.octets + len(frame)
    def flush(self):
        while self.frames and self.frames[0][0] <= self.acked: self.frames.popleft()
        for number, offset, frame in self.frames:
            if number > self.sent and offset < self.credit: self.sent = (self.socket.send(frame), number)[1]
        now = time.monotonic_ns()
        if now < self.beat and self.told == self.received: return
        self.beat, self.told, delay = now + 500_000_000, self.received, now - self.echo_at if self.echo else 0
        self.socket.send(struct.pack("<B6Q", HEARTBEAT, self.received, self.granted, self.sent, now, self.echo, delay))
    # -- envelopes, and what is in them: docs/wire-payloads.md ------------------------------
    def envelope(self, kind, payload=b"", sender=0, receiver=0, request=0, type=0, trace=b""):
        flags = IS_MSGPACK if payload and kind != SIGNATURE else 0
        bits = kind | bool(sender) << 4 | bool(request) << 5 | bool(trace) << 6 | bool(flags) << 7
        head = [flags or None, sender or None, receiver, request or None, type]  # what is 0 is mostly left out
        body = bytes([bits]) + b"".join(to_varint(n) for n in head if n is not None) + trace + payload
        self.numbered(DATA, struct.pack("<I", len(body)) + body)
    def message(self, receiver, sender, kind, *elements, request=NORMAL):
        if kind not in self.types_out:
            self.envelope(SIGNATURE, kind.encode(), type=self.types_out.setdefault(kind, len(self.types_out) + 1))
        self.messages, self.clock = self.messages + 1, max(self.clock + 1, time.monotonic_ns())
        self.envelope(MESSAGE, msgpack.packb(elements), sender, receiver, request, self.types_out[kind],
                      to_varint(self.messages << 1) + to_varint(self.clock << 1))
    def take_envelopes(self, frame, when=0):
        while size := frame.read(4):
            stream = io.BytesIO(frame.read(struct.unpack("<I", size)[0]))
            bits = stream.read(1)[0]
            flags, sender = stream.read(1)[0] if bits & 128 else 0, varint(stream) if bits & 16 else 0
            receiver, request, type = varint(stream), varint(stream) if bits & 32 else 0, varint(stream)
            step = (varint(stream), varint(stream))[1] if bits & 64 else 0  # of the number, of the time
            kind, payload, when = bits & 15, stream.read(), when + (step >> 1 ^ -(step & 1))
            self.clock = max(self.clock, when)
            if kind == MESSAGE: self.take_message(flags, sender, receiver, request, self.types_in[type], payload)
            elif kind == SIGNATURE: self.types_in[type] = payload.decode()
            elif kind == PROBE: self.report(request)
            elif kind == WATCH and receiver not in (AGENT, *self.actors): self.end_actor(receiver, GONE)
            elif kind == ENDED:
                for n in [n for n, w in self.actors.items() if w.coordinator == sender]: self.end_actor(n, None)
    def take_message(self, flags, sender, receiver, request, kind, payload):
        self.arrived += 1
        actor, why = self if receiver == AGENT else self.actors.get(receiver), GONE
        is_request = sender and not flags & HAS_SENDER and request < RESPONSE and request % NORMAL
        if actor is None: self.dead += 1
        else:
            try:  # the elements are the payload's last object; each of TYPES stands alone
                objects = msgpack.Unpacker(io.BytesIO(payload if flags & IS_MSGPACK else b""), strict_map_key=False)
                actor.handle(kind, list(objects)[-1][0], sender if is_request else 0, request)
                self.handled += 1
                return
            except Exception as e: why = [1, "troupe", repr(e)]  # malformed, or nothing that is handled here
            self.drops[7] += 1
        if is_request: self.envelope(BOUNCE, msgpack.packb(why), receiver=sender, request=request)
    # -- actors: the node itself is the agent ------------------------------------------------
    def handle(self, kind, fields, asker, request):
        if kind == "troupe.leave_node": return self.leave(0, "told to leave")
        if kind != "troupe.spawn_role": raise ValueError(kind)
        role, (types, args) = fields
        where, coordinator = struct.unpack("<QQ", args[0].data) if types == ["actor"] else (0, 0)
        if role == "worker_pool/worker" and where == self.launcher:
            number = self.last_actor = max(self.last_actor, AGENT) + 1
            self.actors[number] = Worker(self, number, coordinator)
            answer = "troupe.role_spawned", [msgpack.ExtType(1, struct.pack("<QQ", self.incarnation, number))]
        else: answer = "error", [ROLE_UNKNOWN, "troupe", f"{role}: only workers of the launching node's pool live here"]
        if asker: self.message(asker, AGENT, *answer, request=request | RESPONSE)
    def end_actor(self, number, reason):
        self.actors.pop(number, None), self.envelope(ENDED, msgpack.packb(reason), sender=number)
    def report(self, round):
        busy = sum(len(w.tasks) + w.pill for w in self.actors.values())  # not quiet: something will still be sent
        books = self.messages, self.messages, self.arrived, self.handled, self.dead, self.drops
        self.envelope(REPORT, msgpack.packb([[*books, 0, 0, 0, busy, 0, 0, False, 0, 0], []]), request=round)
    def leave(self, code, why):
        if self.code is None: self.code, _ = code, self.log(why)
    def log(self, text): print(f"{self.name}: {text}", flush=True)
    def say_goodbye(self):
        self.deadline = time.monotonic() + (0 if self.code == 4 else 2)
        for number in (*self.actors, AGENT): self.end_actor(number, SHUTDOWN)
        self.report(0), self.numbered(GOODBYE)  # round 0: the final books
    def run(self):
        self.dial()
        while not self.deadline or (self.acked < self.number and time.monotonic() < self.deadline):
            try:
                if self.socket.poll(50 * all(not w.tasks and not w.pill for w in self.actors.values())):
                    self.take(self.socket.recv())
                if self.up: self.flush()
            except zmq.Again: self.up = None
            now = time.monotonic()
            if now - self.heard > (5 if self.launcher else 10): self.leave(4, "nothing heard of the launcher")
            if self.code is not None and not self.deadline: self.say_goodbye()
            for worker in list(self.actors.values()): worker.step()
            if now - max(self.heard, self.dialled) > 1.5 or (self.up is None and now - self.dialled > 0.1): self.dial()
        return self.context.destroy(200) or self.code

main = Node(*sys.argv[1:]) if len(sys.argv) == 3 else sys.exit(__doc__)
for each in (signal.SIGINT, signal.SIGTERM): signal.signal(each, lambda *_: main.leave(130, "interrupted"))
sys.exit(main.run())
