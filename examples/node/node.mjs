// A node: its agent, its actors, and what they say in payloads of codec 1: docs/wire-payloads.md.

import { randomBytes } from 'node:crypto'
import { ExtensionCodec, ExtData, decodeMulti, encode } from '@msgpack/msgpack'
import { Reader, Writer } from './octets.mjs'
import { Session } from './session.mjs'

const kinds = { message: 1, signature: 2, watch: 3, ended: 4, bounce: 8, probe: 9, report: 10 }
const has = { sender: 0x10, request: 0x20, trace: 0x40, flags: 0x80 }
const flag = { sender: 2, msgpack: 4 }
const agent = 1n
const normalPriority = 1n << 60n
const isResponse = 1n << 63n
const requestNumber = normalPriority - 1n
const goodbyeMs = 2000
const malformed = 7 // its place among the reasons of what is dropped
const reasons = 10

// Errors, as [code, category, text].
const hasEnded = [2, 'exit', 'it has ended']
const wasShutDown = [4, 'exit', 'user_shutdown']
const noSuchRole = (why) => [5, 'troupe', why]
const unexpected = (why) => [1, 'troupe', String(why)]

/** Where an actor lives: its node's incarnation and its own number there. */
export class Handle {
  constructor(incarnation, id) { this.incarnation = incarnation; this.id = id }
}
const extensions = new ExtensionCodec()
extensions.register({
  type: 1,
  encode: (x) => (x instanceof Handle ? new Writer().u64(x.incarnation).u64(x.id).done() : null),
  decode: (octets) => {
    const in_ = new Reader(Buffer.from(octets))
    return new Handle(in_.u64(), in_.u64())
  },
})
const options = { extensionCodec: extensions, useBigInt64: true }
const pack = (x) => encode(x, options)
/** The sign in the lowest bit. */
const fromZigzag = (x) => (x >> 1n) ^ -(x & 1n)
const toZigzag = (x) => (x >= 0n ? 2n * x : -2n * x - 1n)

/**
 * `roles`: by "SCENARIO/ROLE", functions of (node, own handle, arguments) that make an actor:
 * { handle(type, fields), coordinator }, of which handle() throws on what it does not understand.
 * `types`: the message types that they read. Exit codes as those of `troupe node`.
 */
export class Node {
  constructor({ endpoint, name, keys, roles, types }) {
    this.name = name
    this.incarnation = randomBytes(8).readBigUInt64LE() | 1n
    this.done = new Promise((resolve) => { this.#finish = resolve })
    this.#roles = roles
    const known = ['troupe.spawn_role', 'troupe.leave_node', 'exit', ...types]
    const greeting = pack({ agent: Number(agent), pid: process.pid, types: known, codecs: [1], run: {} })
    this.#session = new Session({
      endpoint, name, incarnation: this.incarnation, greeting, keys,
      on: { envelopes: (octets) => this.#takeEnvelopes(new Reader(octets)), lost: (why) => this.leave(4, why) },
    })
  }

  log(text) { console.log(`${this.name}: ${text}`) }

  /** A message to an actor of the launching node. */
  send(receiver, sender, type, fields) { this.#message(receiver, sender, type, fields, normalPriority) }

  /** To be told when it ends; what it asked of this node's actors ends then. */
  watch(receiver) { this.#envelope(kinds.watch, { receiver }) }

  /** `why`: an error, or null for an actor that is through. */
  endActor(id, why = null) {
    this.#actors.delete(id)
    this.#envelope(kinds.ended, { sender: id, payload: pack(why) })
  }

  /** In order: tells everybody who watches, then the final books, then goodbye. */
  async leave(code, why) {
    if (this.#leaving) return
    this.#leaving = true
    this.log(why)
    for (const id of [...this.#actors.keys(), agent]) this.endActor(id, wasShutDown)
    this.#report(0n)
    await this.#session.leave(code === 4 ? 0 : goodbyeMs)
    this.#finish(code)
  }

  get isLeaving() { return this.#leaving }

  #session
  #roles
  #finish
  #leaving = false
  #actors = new Map()
  #lastActor = agent
  #typesIn = new Map() // by the numbers that the launcher gave them
  #typesOut = new Map()
  #clock = 0n
  // The books.
  #sent = 0
  #arrived = 0
  #handled = 0
  #deadLettered = 0
  #dropped = Array(reasons).fill(0)

  // -- envelopes -----------------------------------------------------------------------------------

  #envelope(kind, { sender = 0n, receiver = 0n, request = 0n, type = 0, trace = null, payload = Buffer.alloc(0) }) {
    const flags = payload.length && kind !== kinds.signature ? flag.msgpack : 0
    const out = new Writer().u8(kind | (sender ? has.sender : 0) | (request ? has.request : 0) |
      (trace ? has.trace : 0) | (flags ? has.flags : 0))
    if (flags) out.u8(flags)
    if (sender) out.varint(sender)
    out.varint(receiver)
    if (request) out.varint(request)
    out.varint(type)
    if (trace) out.varint(toZigzag(trace.number)).varint(toZigzag(trace.time))
    this.#session.send(out.octets(payload).done())
  }

  #message(receiver, sender, type, element, request) {
    if (!this.#typesOut.has(type)) {
      this.#typesOut.set(type, this.#typesOut.size + 1)
      this.#envelope(kinds.signature, { type: this.#typesOut.get(type), payload: Buffer.from(type) })
    }
    const now = process.hrtime.bigint()
    this.#clock = this.#clock >= now ? this.#clock + 1n : now
    this.#envelope(kinds.message, {
      receiver, sender, request, type: this.#typesOut.get(type), payload: pack([element]),
      trace: { number: BigInt(++this.#sent), time: this.#clock },
    })
  }

  #takeEnvelopes(in_) {
    let time = 0n
    while (in_.left) {
      const envelope = new Reader(in_.octets(in_.u32()))
      const bits = envelope.u8()
      const e = {
        kind: bits & 15,
        flags: bits & has.flags ? envelope.u8() : 0,
        sender: bits & has.sender ? envelope.varint() : 0n,
        receiver: envelope.varint(),
        request: bits & has.request ? envelope.varint() : 0n,
        type: Number(envelope.varint()),
      }
      if (bits & has.trace) {
        envelope.varint() // its number in the sender's trace, which we keep none of
        time += fromZigzag(envelope.varint())
        if (time > this.#clock) this.#clock = time
      }
      this.#takeEnvelope(e, envelope.rest())
    }
  }

  #takeEnvelope(e, payload) {
    switch (e.kind) {
      case kinds.message: return this.#takeMessage(e, payload)
      case kinds.signature: return this.#typesIn.set(e.type, payload.toString())
      case kinds.probe: return this.#report(e.request)
      case kinds.watch:
        if (e.receiver !== agent && !this.#actors.has(e.receiver)) this.endActor(e.receiver, hasEnded)
        return
      case kinds.ended:
        for (const [id, actor] of this.#actors) if (actor.coordinator === e.sender) this.endActor(id)
    }
  }

  #takeMessage(e, payload) {
    ++this.#arrived
    const asks = e.sender && !(e.flags & flag.sender) && !(e.request & isResponse) && e.request & requestNumber
    const receiver = e.receiver === agent ? { handle: (...xs) => this.#handle(...xs) } : this.#actors.get(e.receiver)
    let why = hasEnded
    if (receiver) {
      try {
        // Before the elements there may be handles of others.
        const elements = [...decodeMulti(payload, options)].at(-1)
        receiver.handle(this.#typesIn.get(e.type), elements[0], asks ? { asker: e.sender, request: e.request } : null)
        ++this.#handled
        return
      } catch (error) {
        why = unexpected(error)
        ++this.#dropped[malformed]
      }
    } else {
      ++this.#deadLettered
    }
    if (asks) this.#envelope(kinds.bounce, { receiver: e.sender, request: e.request, payload: pack(why) })
  }

  // -- the agent -------------------------------------------------------------------------------------

  #handle(type, fields, question) {
    // Once what came together with it is booked.
    if (type === 'troupe.leave_node') return void setImmediate(() => this.leave(0, 'told to leave'))
    if (type !== 'troupe.spawn_role') throw new Error(`the agent takes no ${type}`)
    const [role, [, args]] = fields
    const [answer, content] = this.#spawn(role, args)
    if (question) this.#message(question.asker, agent, answer, content, question.request | isResponse)
  }

  #spawn(role, args) {
    const make = this.#roles[role]
    const id = this.#lastActor + 1n
    try {
      if (!make) throw new Error('this node has no such role')
      this.#actors.set(id, make(this, id, args))
    } catch (error) {
      return ['error', noSuchRole(`${role}: ${error.message}`)]
    }
    this.#lastActor = id
    return ['troupe.role_spawned', [new Handle(this.incarnation, id)]]
  }

  get launcher() { return this.#session.launcher }

  #report(round) {
    const busy = [...this.#actors.values()].filter((actor) => actor.isBusy?.()).length
    const activity = [this.#sent, this.#sent, this.#arrived, this.#handled, this.#deadLettered, this.#dropped,
      0, 0, busy, 0, 0, 0, false, 0, 0]
    this.#envelope(kinds.report, { request: round, payload: pack([activity, []]) })
  }
}
