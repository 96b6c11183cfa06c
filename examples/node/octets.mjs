// Octets as docs/wire.md writes them: integers little-endian, lengths as varints.

/** Appends to a buffer that grows. Integers of 64 bits are BigInts. */
export class Writer {
  #parts = []

  u8(x) { return this.octets(Uint8Array.of(x)) }
  u16(x) { return this.#fixed(2, (b) => b.writeUInt16LE(x)) }
  u32(x) { return this.#fixed(4, (b) => b.writeUInt32LE(x)) }
  u64(x) { return this.#fixed(8, (b) => b.writeBigUInt64LE(BigInt(x))) }
  varint(x) {
    let rest = BigInt(x)
    for (; rest >= 128n; rest >>= 7n) this.u8(Number(rest & 127n) | 128)
    return this.u8(Number(rest))
  }
  octets(x) { this.#parts.push(Buffer.from(x)); return this }
  /** With its length before it. */
  counted(x) { return this.varint(Buffer.byteLength(x)).octets(x) }
  done() { return Buffer.concat(this.#parts) }

  #fixed(size, write) {
    const buffer = Buffer.alloc(size)
    write(buffer)
    return this.octets(buffer)
  }
}

/** Reads a buffer from its beginning; a RangeError where it ends too early. */
export class Reader {
  #from
  #at = 0
  constructor(buffer) { this.#from = buffer }

  u8() { return this.octets(1)[0] }
  u16() { return this.octets(2).readUInt16LE() }
  u32() { return this.octets(4).readUInt32LE() }
  u64() { return this.octets(8).readBigUInt64LE() }
  varint() {
    for (let x = 0n, shift = 0n; ; shift += 7n) {
      const octet = this.u8()
      x |= BigInt(octet & 127) << shift
      if (octet < 128) return x
      if (shift >= 63n) throw new RangeError('a varint of more than 64 bits')
    }
  }
  octets(count) {
    const end = this.#at + Number(count)
    if (end > this.#from.length) throw new RangeError('octets are missing')
    return this.#from.subarray(this.#at, (this.#at = end))
  }
  counted() { return this.octets(this.varint()) }
  text() { return this.counted().toString('utf8') }
  rest() { return this.octets(this.left) }
  get left() { return this.#from.length - this.#at }
}
