#!/usr/bin/env node
// A worker node of a troupe run, in JavaScript: joins a worker pool and computes its tasks.
//
//   troupe_worker.mjs ENDPOINT NAME [KEY-FILE]
//
// NAME must be one of the run's [topology] external nodes. Over tcp with keys, KEY-FILE is what `troupe keygen`
// wrote. Exit code: 0 told to leave, 2 wrong arguments, 4 launcher lost, 130 by a signal.

import { readFileSync } from 'node:fs'
import { Node } from './node.mjs'

const yieldEvery = 1 << 14

// Tasks are generators: they yield now and then, so that one thread does heartbeats and several tasks at once.
// Their input is a number where that is exact, else a BigInt.

/** Every whole number from `from` on of which the square is not above n; now and then null, to yield. */
function* upToRoot(n, from) {
  const [first, one] = typeof n === 'bigint' ? [BigInt(from), 1n] : [from, 1]
  let turns = 0
  for (let d = first; d * d <= n; d += one) {
    yield d
    if (++turns % yieldEvery === 0) yield null
  }
}

function* isPrime(n) {
  for (const d of upToRoot(n, 2)) {
    if (d === null) yield
    else if (!(n % d)) return false
  }
  return n > 1
}

function* factors(n) {
  if (n < 1) throw new Error('the input must be a whole number of at least 1')
  const low = []
  for (const d of upToRoot(n, 1)) {
    if (d === null) yield
    else if (!(n % d)) low.push(d)
  }
  return [...low, ...low.map((d) => n / d).filter((d) => d * d > n).reverse()]
}

const tasks = { is_prime: isPrime, factors }

function begin(kind, input) {
  const task = tasks[kind]
  if (!task) throw new Error(`this worker knows no ${kind}`)
  if (!/^-?\d+$/.test(input)) throw new Error(`${input} is no whole number`)
  return task(Number.isSafeInteger(Number(input)) ? Number(input) : BigInt(input))
}

/** As JSON, which has no BigInts of its own. */
const toJson = (x) => (Array.isArray(x) ? `[${x.map(String).join(',')}]` : String(x))

class Worker {
  #node
  #id
  #tasks = []
  #done = 0
  #refused = 0
  #pill = false
  #running = false

  constructor(node, id, coordinator) {
    this.#node = node
    this.#id = id
    this.coordinator = coordinator.id
    node.watch(this.coordinator)
    node.send(this.coordinator, id, 'worker_ready', [node.name])
  }

  isBusy() { return this.#tasks.length > 0 || this.#pill }

  handle(type, fields) {
    if (type === 'exit') return this.#node.endActor(this.#id, fields[1])
    if (type === 'poison_pill') this.#pill = true
    else if (type !== 'assign_task') throw new Error(`a worker takes no ${type}`)
    else if (this.#pill) ++this.#refused
    else this.#tasks.push({ number: fields[0], kind: fields[1], input: fields[2], steps: null, busy: 0n })
    if (!this.#running) this.#later()
  }

  #later() {
    this.#running = true
    setImmediate(() => { this.#running = false; this.#step() })
  }

  /** A turn of the first task; then it is the next one's. */
  #step() {
    if (this.#node.isLeaving) return
    const task = this.#tasks.shift()
    if (!task) return this.#pill ? this.#exit() : undefined
    const from = process.hrtime.bigint()
    let output = null
    let error = ''
    try {
      if (!task.steps) {
        this.#node.log(`task ${task.number}: ${task.kind} of ${task.input}`)
        task.steps = begin(task.kind, task.input)
      }
      const turn = task.steps.next()
      if (turn.done) output = toJson(turn.value)
    } catch (what) {
      output = ''
      error = what.message
    }
    task.busy += process.hrtime.bigint() - from
    if (output === null) {
      this.#tasks.push(task)
    } else {
      ++this.#done
      this.#node.send(this.coordinator, this.#id, 'task_done', [task.number, output, error, task.busy])
    }
    this.#later()
  }

  #exit() {
    this.#node.send(this.coordinator, this.#id, 'worker_exiting', [this.#done, this.#refused])
    this.#node.endActor(this.#id)
  }
}

function makeWorker(node, id, [coordinator]) {
  if (coordinator?.incarnation !== node.launcher)
    throw new Error("only workers of the launching node's pool live here")
  return new Worker(node, id, coordinator)
}

function keysOf(endpoint, file) {
  const server = endpoint.split('|')[1]
  if (!server && !file) return null
  if (!server) throw new Error('the endpoint has no key: ENDPOINT|KEY is what the launcher shows')
  if (!file) throw new Error('this run has keys: give the key file of this node')
  const text = readFileSync(file, 'utf8')
  const key = (name) => {
    const found = new RegExp(`^${name} = "(.{40})"$`, 'm').exec(text)
    if (!found) throw new Error(`${file} has no ${name}`)
    return found[1]
  }
  return { server, publicKey: key('public-key'), secretKey: key('secret-key') }
}

const [endpoint, name, keyFile, ...more] = process.argv.slice(2)
if (!name || more.length) {
  console.error('usage: troupe_worker.mjs ENDPOINT NAME [KEY-FILE]')
  process.exit(2)
}
let keys
try {
  keys = keysOf(endpoint, keyFile)
} catch (error) {
  console.error(`troupe_worker.mjs: ${error.message}`)
  process.exit(2)
}
const node = new Node({
  endpoint, name, keys,
  roles: { 'worker_pool/worker': makeWorker },
  types: ['assign_task', 'poison_pill'],
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => node.leave(130, 'interrupted'))
process.exit(await node.done)
