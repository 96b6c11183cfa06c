// The launcher goes away, and the session of a worker is over before it has heard of that: what it wrote last is
// never sent, and it ends all the same.  session_test.mjs FOLDER-OF-THE-EXAMPLE

import { createRequire } from 'node:module'

const folder = process.argv[2]
const { Session } = await import(`${folder}/session.mjs`)
const { Writer } = await import(`${folder}/octets.mjs`)
const { Router } = createRequire(`${folder}/`)('zeromq')

const endpoint = 'ipc://launcher'
const standStill = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
const welcome = new Writer()
  .u8(2).octets('TRUP').u16(1).u32(1 << 20).counted('main').u64(5).u64(0).counted('').counted('')
  .u32(1).u32(0).u32(0).u64(0).u64(1 << 20)
  .done()

const router = new Router()
await router.bind(endpoint)
const session = new Session({ endpoint, name: 'js1', incarnation: 1n, greeting: Buffer.alloc(0), keys: null, on: {} })
const [worker] = await router.receive()
await router.send([worker, welcome])
await router.receive() // that it is up
router.close()
standStill(300)
const left = session.leave(0)
standStill(5) // so that its time is up before anything else happens
await left
console.log('left')
process.exit(0)
