import { libc, type Mapping } from './libc.js';

/** Memory handed out from its start, for one program: addresses in it are those that the program will see. */
export class Memory {
  readonly #mapping: Mapping;
  readonly #words: Uint32Array;
  #used = 0;

  constructor(mapping: Mapping) {
    this.#mapping = mapping;
    const { buffer } = mapping;
    this.#words = new Uint32Array(buffer.buffer, buffer.byteOffset, buffer.length / 4);
  }

  /** Bytes that have been handed out. */
  get used(): number {
    return this.#used;
  }

  /** @returns the address of `length` bytes, aligned as any struct needs it. */
  allocate(length: number): number {
    const start = this.#used;
    this.#used = (start + length + 15) & ~15;
    if (this.#used > this.#mapping.buffer.length)
      throw new RangeError(`program memory exhausted at ${this.#used} bytes`);
    return this.#mapping.address + start;
  }

  /** @returns the address of the string as execve(2) and open(2) want it: UTF-8, ended by a NUL. */
  writeString(value: string): number {
    const address = this.allocate(Buffer.byteLength(value) + 1);
    this.rewriteString(address, value, Number.POSITIVE_INFINITY);
    return address;
  }

  /** Writes a string where room was allocated for one of so many bytes. @throws RangeError when it is longer. */
  rewriteString(address: number, value: string, room: number): void {
    const start = address - this.#mapping.address;
    const length = this.#mapping.buffer.write(value, start, Math.min(room + 1, this.#mapping.buffer.length - start));
    if (length > room) throw new RangeError(`a string of more than ${room} bytes: ${JSON.stringify(value)}`);
    this.#mapping.buffer[start + length] = 0;
  }

  writeBytes(value: Uint8Array): number {
    const address = this.allocate(value.length);
    this.#mapping.buffer.set(value, address - this.#mapping.address);
    return address;
  }

  readBytes(address: number, length: number): Buffer {
    const start = address - this.#mapping.address;
    return Buffer.from(this.#mapping.buffer.subarray(start, start + length));
  }

  /** Writes a 64-bit word: any integer that a double holds, negative ones as two's complement. */
  writeWord(address: number, value: number): void {
    const index = (address - this.#mapping.address) / 4;
    this.#words[index] = value;
    this.#words[index + 1] = Math.floor(value / 2 ** 32);
  }

  /** Writes a 64-bit mask with these bits set. */
  writeBits(address: number, bits: readonly number[]): void {
    const index = (address - this.#mapping.address) / 4;
    const halves = [0, 0];
    for (const bit of bits) {
      if (bit >= 64) throw new RangeError(`bit ${bit} of a 64-bit mask`);
      const half = bit >> 5;
      halves[half] = (halves[half] ?? 0) | (1 << (bit & 31));
    }
    this.#words.set(halves, index);
  }

  /** Reads a signed 64-bit word. Addresses and results of calls are below 2^53. */
  readWord(address: number): number {
    const index = (address - this.#mapping.address) / 4;
    return (this.#words[index] ?? 0) + ((this.#words[index + 1] ?? 0) | 0) * 2 ** 32;
  }
}

/**
 * Where programs are laid out, one after the other: nothing in it outlives the program, since clone(2) with CLONE_VFORK
 * returns only when the child no longer reads it.
 */
export class ProgramMemory {
  #mapping: Mapping | undefined;

  /** Begins a program that needs so many bytes. A larger mapping replaces one that is too small. */
  begin(size: number): Memory {
    if (this.#mapping === undefined || size > this.#mapping.buffer.length)
      this.#mapping = libc().mapShared(Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(size))));
    return new Memory(this.#mapping);
  }
}

const SMALLEST = 1 << 18;
