import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/**
 * What ld.so(8) reads of an ELF file: for which machine it is, which loader it asks for, which libraries it needs and
 * where it wants them searched. elf(5).
 */
export interface Elf {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
  /** e_machine: 62 is x86-64, 183 is arm64. */
  readonly machine: number;
  /** PT_INTERP. Undefined for a library, and for a program that is linked statically. */
  readonly interpreter: string | undefined;
  /** DT_NEEDED, in order. */
  readonly needed: readonly string[];
  readonly soname: string | undefined;
  /** DT_RPATH and DT_RUNPATH, split at the colons; the first is empty where the second is there: ld.so ignores it then. */
  readonly rpath: readonly string[];
  readonly runpath: readonly string[] | undefined;
  /** DF_1_NODEFLIB: the directories that the loader searches by default are left out. */
  readonly noDefaultDirectories: boolean;
  /** The names of the symbol versions it defines, DT_VERDEF. */
  readonly versions: readonly string[];
}

/** Bytes by their place, wherever they come from. */
export interface ByteSource {
  readonly size: number;
  read(offset: number, length: number): Buffer;
}

/** A file that begins like ELF, and is none. */
export class ElfError extends Error {
  override readonly name = 'ElfError';
}

const MAGIC = Buffer.from('\x7fELF', 'latin1');
const PT = { PT_LOAD: 1, PT_DYNAMIC: 2, PT_INTERP: 3 } as const;
const DT = {
  DT_NULL: 0,
  DT_NEEDED: 1,
  DT_STRTAB: 5,
  DT_STRSZ: 10,
  DT_SONAME: 14,
  DT_RPATH: 15,
  DT_RUNPATH: 29,
  DT_FLAGS_1: 0x6ffffffb,
  DT_VERDEF: 0x6ffffffc,
  DT_VERDEFNUM: 0x6ffffffd,
} as const;
const DF_1_NODEFLIB = 0x800;

/** Nothing real comes near; what lies about its sizes is not read into memory. */
const MOST = { headers: 1 << 20, dynamic: 1 << 20, string: 4096 } as const;

/** @returns undefined for a file that is not ELF at all. @throws ElfError for one that is malformed. */
export function readElfFile(path: string): Elf | undefined {
  // O_NONBLOCK: a FIFO that has taken the place of the file would otherwise wait for somebody to write to it.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return undefined;
    return readElf({
      size: stat.size,
      read(offset, length) {
        const bytes = Buffer.alloc(length);
        return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
      },
    });
  } finally {
    closeSync(descriptor);
  }
}

export function readElf(source: ByteSource): Elf | undefined {
  const identity = source.read(0, Math.min(16, source.size));
  if (!identity.subarray(0, 4).equals(MAGIC)) return undefined;
  return new ElfReader(source, identity).read();
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

class ElfReader {
  readonly #source: ByteSource;
  readonly #bits: 32 | 64;
  readonly #littleEndian: boolean;

  constructor(source: ByteSource, identity: Buffer) {
    this.#source = source;
    const [fileClass, data] = [identity[4], identity[5]];
    if (fileClass !== 1 && fileClass !== 2) throw new ElfError('its class (EI_CLASS) is neither 32 nor 64 bits');
    if (data !== 1 && data !== 2) throw new ElfError('its byte order (EI_DATA) is unknown');
    this.#bits = fileClass === 2 ? 64 : 32;
    this.#littleEndian = data === 1;
  }

  read(): Elf {
    const header = this.#bytes(0, this.#bits === 64 ? 64 : 52, 'its header');
    const segments = this.#segments(header);
    const interpreter = segments.find(({ type }) => type === PT.PT_INTERP);
    const entries = this.#dynamicEntries(segments.find(({ type }) => type === PT.PT_DYNAMIC));
    const all = (tag: number) => entries.filter(entry => entry.tag === tag).map(({ value }) => value);
    // Of a tag given twice, ld.so keeps the last.
    const last = (tag: number) => all(tag).at(-1);
    const strings = this.#stringTable(segments, last(DT.DT_STRTAB), last(DT.DT_STRSZ));
    const text = (tag: number) => all(tag).slice(-1).map(strings)[0];
    const runpath = text(DT.DT_RUNPATH)?.split(':');
    return {
      bits: this.#bits,
      littleEndian: this.#littleEndian,
      machine: this.#half(header, 18),
      interpreter: interpreter && this.#string(interpreter.offset, interpreter.fileSize, 'PT_INTERP'),
      needed: all(DT.DT_NEEDED).map(strings),
      soname: text(DT.DT_SONAME),
      rpath: runpath === undefined ? (text(DT.DT_RPATH)?.split(':') ?? []) : [],
      runpath,
      noDefaultDirectories: ((last(DT.DT_FLAGS_1) ?? 0) & DF_1_NODEFLIB) !== 0,
      versions: this.#versions(segments, last(DT.DT_VERDEF), last(DT.DT_VERDEFNUM) ?? 0, strings),
    };
  }

  #segments(header: Buffer): readonly Segment[] {
    const wide = this.#bits === 64;
    const start = this.#address(header, wide ? 32 : 28);
    const entrySize = this.#half(header, wide ? 54 : 42);
    const count = this.#half(header, wide ? 56 : 44);
    if (count === 0) return [];
    if (entrySize < (wide ? 56 : 32)) throw new ElfError('its program headers (e_phentsize) are too small');
    const table = this.#bytes(start, Math.min(entrySize * count, MOST.headers), 'its program headers');
    return Array.from({ length: Math.floor(table.length / entrySize) }, (_, index) => {
      const entry = table.subarray(index * entrySize, (index + 1) * entrySize);
      return {
        type: this.#word(entry, 0),
        offset: this.#address(entry, wide ? 8 : 4),
        address: this.#address(entry, wide ? 16 : 8),
        fileSize: this.#address(entry, wide ? 32 : 16),
      };
    });
  }

  #dynamicEntries(segment: Segment | undefined): readonly { tag: number; value: number }[] {
    if (segment === undefined) return [];
    const size = this.#bits / 4;
    const bytes = this.#bytes(segment.offset, Math.min(segment.fileSize, MOST.dynamic), 'its dynamic section');
    const entries: { tag: number; value: number }[] = [];
    for (let place = 0; place + size <= bytes.length; place += size) {
      const tag = this.#tolerantAddress(bytes, place);
      if (tag === DT.DT_NULL) break;
      entries.push({ tag, value: this.#tolerantAddress(bytes, place + size / 2) });
    }
    return entries;
  }

  /** @returns what finds the string at a place of the table. */
  #stringTable(segments: readonly Segment[], address: number | undefined, size = 0): (place: number) => string {
    if (address === undefined) {
      return () => {
        throw new ElfError('it has no table of strings (DT_STRTAB)');
      };
    }
    const start = offsetOf(segments, address, 'DT_STRTAB');
    return place => {
      if (place >= size) throw new ElfError('a name lies outside of its table of strings');
      return this.#string(start + place, size - place, 'its table of strings');
    };
  }

  #versions(
    segments: readonly Segment[],
    address: number | undefined,
    count: number,
    strings: (place: number) => string,
  ): readonly string[] {
    if (address === undefined) return [];
    const names: string[] = [];
    let place = offsetOf(segments, address, 'DT_VERDEF');
    for (let index = 0; index < Math.min(count, 4096); index++) {
      const definition = this.#bytes(place, 20, 'its symbol versions');
      const auxiliary = this.#bytes(place + this.#word(definition, 12), 8, 'its symbol versions');
      names.push(strings(this.#word(auxiliary, 0)));
      const next = this.#word(definition, 16);
      if (next === 0) break;
      place += next;
    }
    return names;
  }

  #bytes(offset: number, length: number, what: string): Buffer {
    if (offset + length > this.#source.size) throw new ElfError(`it ends before ${what}`);
    const bytes = this.#source.read(offset, length);
    if (bytes.length < length) throw new ElfError(`it ends before ${what}`);
    return bytes;
  }

  /** Up to a NUL, which must be there. */
  #string(offset: number, length: number, what: string): string {
    const room = Math.min(length, MOST.string, Math.max(0, this.#source.size - offset));
    const bytes = this.#bytes(offset, room, what);
    const end = bytes.indexOf(0);
    if (end < 0) throw new ElfError(`a string in ${what} has no end`);
    return bytes.toString('utf8', 0, end);
  }

  #half = (bytes: Buffer, offset: number) =>
    this.#littleEndian ? bytes.readUInt16LE(offset) : bytes.readUInt16BE(offset);

  #word = (bytes: Buffer, offset: number) =>
    this.#littleEndian ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);

  #address(bytes: Buffer, offset: number): number {
    const value = this.#tolerantAddress(bytes, offset);
    if (!Number.isSafeInteger(value)) throw new ElfError('an address in it is out of range');
    return value;
  }

  /** Values of tags that nobody reads may be anything. */
  #tolerantAddress(bytes: Buffer, offset: number): number {
    if (this.#bits === 32) return this.#word(bytes, offset);
    return Number(this.#littleEndian ? bytes.readBigUInt64LE(offset) : bytes.readBigUInt64BE(offset));
  }
}

/** Where in the file something is that the dynamic section names by its address in memory. */
function offsetOf(segments: readonly Segment[], address: number, what: string): number {
  const segment = segments.find(
    ({ type, address: start, fileSize }) => type === PT.PT_LOAD && address >= start && address < start + fileSize,
  );
  if (segment === undefined) throw new ElfError(`${what} lies in none of its segments`);
  return segment.offset + address - segment.address;
}
