// One session with the launcher of a run, over as many connections as it takes: docs/wire.md.

import { Dealer } from 'zeromq'
import { Reader, Writer } from './octets.mjs'

const frame = { hello: 1, welcome: 2, confirm: 3, refuse: 4, data: 16, goodbye: 17, ack: 18, heartbeat: 19 }
const refusal = { stale: 9, crossed: 10, unconfirmed: 11, reset: 13 }
const tryAgain = new Set(Object.values(refusal))
const version = 1
const frameLimit = 16 << 20
const window = 32n << 20n // octets that may be under way to us
const heartbeatNs = 500_000_000n
const livenessMs = 5000
const connectMs = 10_000
const ackFrames = 16n
const lingerMs = 200 // for what is written when the session is over

const clock = () => process.hrtime.bigint()

/**
 * Calls `on.envelopes(octets)` with what a frame of data holds, in order, and `on.lost(why)` once when the
 * session is over although leave() was not called. `keys`: { server, publicKey, secretKey } in Z85, or null.
 */
export class Session {
  launcher = 0n // its incarnation, once known
  #on
  #hello
  #address
  #keys
  #socket = null
  #up = false
  #sending = Promise.resolve()
  #dialled = 0
  #heard = Date.now()
  #timer = setInterval(() => this.#tick(), 50)
  #closed = false
  #left = null // resolves when our goodbye has arrived

  // What we send: numbered frames that are not acknowledged, and how far the other side lets us go.
  #frames = []
  #number = 0n
  #octets = 0n
  #sent = 0n
  #acked = 0n
  #credit = 0n
  // What we received, and how far we let the other side go.
  #received = 0n
  #told = 0n
  #granted = window
  // Of the two sides' positions.
  #epoch = 0
  #generation = 0
  // Of heartbeats.
  #beat = 0n
  #echo = 0n
  #echoAt = 0n

  constructor({ endpoint, name, incarnation, greeting, keys, on }) {
    this.#on = on
    ;[this.#address] = endpoint.split('|')
    this.#keys = keys
    this.#hello = new Writer()
      .u8(frame.hello).octets('TRUP').u16(version).u16(version).u32(frameLimit)
      .counted(name).u64(incarnation).u64(0) // no capabilities
      .counted('').counted(greeting) // reachable nowhere
      .counted('').u64(0) // wanted: whoever is there
      .done()
    this.#dial()
  }

  /** Queues a frame with one envelope, of which the size is still to be put before it. */
  send(envelope) {
    this.#append(frame.data, new Writer().u32(envelope.length).octets(envelope).done())
    this.#flush()
  }

  /** The last frame. Resolves when it is acknowledged, or nobody acknowledges it within `patienceMs`. */
  leave(patienceMs) {
    return new Promise((resolve) => {
      this.#left = resolve
      this.#append(frame.goodbye, Buffer.alloc(0))
      this.#flush()
      setTimeout(() => this.#end(), patienceMs)
    })
  }

  // -- the connection ----------------------------------------------------------------------------

  #dial() {
    this.#socket?.close()
    this.#up = false
    this.#dialled = Date.now()
    // A socket is for one connection: after a cut a new one is made.
    const socket = (this.#socket = new Dealer({ reconnectInterval: -1, sendHighWaterMark: 0, linger: lingerMs }))
    this.#sending = Promise.resolve() // whatever becomes of what was being written to the last one
    if (this.#keys) {
      socket.curveServerKey = this.#keys.server
      socket.curvePublicKey = this.#keys.publicKey
      socket.curveSecretKey = this.#keys.secretKey
    }
    socket.events.on('disconnect', () => { if (socket === this.#socket) this.#up = null })
    socket.connect(this.#address)
    this.#write(this.#hello)
    this.#read(socket)
  }

  async #read(socket) {
    try {
      for await (const parts of socket) {
        if (socket !== this.#socket) return
        if (parts.length !== 1) this.#up = null
        else this.#take(parts[0])
      }
    } catch (error) {
      if (socket === this.#socket && !this.#closed) this.#up = null // and #tick() dials again
    }
  }

  /** One after the other, as zeromq wants it. */
  #write(octets) {
    const socket = this.#socket
    this.#sending = this.#sending
      .then(() => (socket === this.#socket && !socket.closed ? socket.send(octets) : undefined))
      .catch(() => { if (socket === this.#socket) this.#up = null })
  }

  #tick() {
    const now = Date.now()
    const patience = this.launcher ? livenessMs : connectMs
    if (now - this.#heard > patience) return this.#lose('nothing heard of the launcher')
    if (this.#up) this.#flush()
    const silent = now - Math.max(this.#heard, this.#dialled) > livenessMs / 2
    if (silent || (this.#up === null && now - this.#dialled > 100)) this.#dial()
  }

  #lose(why) {
    if (this.#left) return this.#end()
    if (!this.#closed) this.#on.lost(why)
  }

  #end() {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    // What was written last is still to go out; where the other side has gone, it never does.
    const patience = new Promise((resolve) => setTimeout(resolve, lingerMs))
    Promise.race([this.#sending, patience]).then(() => { this.#socket.close(); this.#left?.() })
  }

  // -- frames --------------------------------------------------------------------------------------

  #append(kind, content) {
    const octets = new Writer().u8(kind).u64(++this.#number).u64(this.#received).octets(content).done()
    this.#frames.push({ number: this.#number, offset: this.#octets, octets })
    this.#octets += BigInt(octets.length)
  }

  #flush() {
    if (!this.#up || this.#closed) return
    for (const each of this.#frames)
      if (each.number > this.#sent && each.offset < this.#credit) {
        this.#write(each.octets)
        this.#sent = each.number
      }
    const now = clock()
    if (now >= this.#beat) this.#sendHeartbeat(now)
    else if (this.#received > this.#told) this.#sendAck()
  }

  #sendAck() {
    this.#told = this.#received
    this.#write(new Writer().u8(frame.ack).u64(this.#received).u64(this.#granted).done())
  }

  #sendHeartbeat(now) {
    this.#beat = now + heartbeatNs
    this.#told = this.#received
    this.#write(new Writer().u8(frame.heartbeat).u64(this.#received).u64(this.#granted).u64(this.#sent)
      .u64(now).u64(this.#echo).u64(this.#echo ? now - this.#echoAt : 0n).done())
  }

  #take(octets) {
    if (this.#closed) return
    this.#heard = Date.now()
    const in_ = new Reader(octets)
    const kind = in_.u8()
    if (kind === frame.welcome) this.#takeWelcome(in_)
    else if (kind === frame.refuse) this.#takeRefusal(in_)
    else if (this.#up) this.#takeSessionFrame(kind, in_, octets.length)
  }

  #takeWelcome(in_) {
    in_.octets(4) // the magic number
    const spoken = in_.u16()
    in_.u32()
    in_.text()
    const incarnation = in_.u64()
    in_.u64()
    in_.text()
    in_.counted()
    const position = { epoch: in_.u32(), seen: in_.u32(), generation: in_.u32(), received: in_.u64(), credit: in_.u64() }
    // Our own epoch is 1: there is one session, and when it is over we are.
    const isOurs = (this.launcher === 0n || this.launcher === incarnation) &&
      (this.#epoch === 0 || this.#epoch === position.epoch) && position.seen <= 1 &&
      position.received >= this.#acked && position.received <= this.#number
    if (spoken !== version || !isOurs) {
      this.#write(new Writer().u8(frame.refuse).u8(refusal.stale).counted('').done())
      return this.#lose('this is not the launcher, or not the session, that was joined')
    }
    this.launcher = incarnation
    this.#epoch = position.epoch
    this.#generation = Math.max(this.#generation, position.generation) + 1
    this.#write(new Writer().u8(frame.confirm).u32(1).u32(this.#epoch).u32(this.#generation)
      .u64(this.#received).u64(this.#granted).done())
    this.#up = true
    this.#sent = position.received
    this.#acknowledge(position.received)
    this.#raiseCredit(position.credit)
    this.#beat = 0n // the first heartbeat at once
    this.#flush()
  }

  #takeRefusal(in_) {
    this.#up = null
    const reason = in_.u8()
    if (!tryAgain.has(reason)) this.#lose(`refused, reason ${reason}: ${in_.text()}`)
  }

  #takeSessionFrame(kind, in_, size) {
    if (kind === frame.ack || kind === frame.heartbeat) {
      this.#acknowledge(in_.u64())
      this.#raiseCredit(in_.u64())
      if (kind === frame.ack) return
      if (in_.u64() > this.#received) return this.#reset()
      this.#echo = in_.u64()
      this.#echoAt = clock()
      return this.#flush()
    }
    const number = in_.u64()
    this.#acknowledge(in_.u64())
    // Once we have said goodbye, what we have acknowledged in it is final.
    if (this.#left || number <= this.#received) return
    if (number > this.#received + 1n) return this.#reset()
    this.#received = number
    this.#granted += BigInt(size)
    if (kind === frame.goodbye) {
      this.#sendAck()
      return this.#lose('the launcher has left')
    }
    this.#on.envelopes(in_.rest())
    if (this.#received - this.#told >= ackFrames) this.#sendAck()
  }

  /** A frame is missing. */
  #reset() {
    this.#write(new Writer().u8(frame.refuse).u8(refusal.reset).counted('').done())
    this.#up = null
  }

  #acknowledge(number) {
    if (number <= this.#acked) return
    this.#acked = number
    while (this.#frames.length && this.#frames[0].number <= number) this.#frames.shift()
    if (this.#left && this.#acked === this.#number) this.#end()
  }

  #raiseCredit(credit) {
    if (credit <= this.#credit) return
    this.#credit = credit
    this.#flush()
  }
}
