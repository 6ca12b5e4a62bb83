import { readFileSync } from 'node:fs';

/** /etc/ld.so.cache: where ldconfig(8) found which library. Its layout is glibc's sysdeps/generic/dl-cache.h. */
export type LdSoCache = ReadonlyMap<string, readonly CachedLibrary[]>;

export interface CachedLibrary {
  readonly path: string;
  /** The subdirectory of glibc-hwcaps that it was found in, `x86-64-v3`; undefined for one that every processor can run. */
  readonly hwcaps: string | undefined;
}

/** A cache that is none, or broken: ld.so(8) goes on without it, and so does this. */
const NOTHING: LdSoCache = new Map();

const OLD_MAGIC = Buffer.from('ld.so-1.7.0', 'latin1');
const MAGIC = Buffer.from('glibc-ld.so.cache1.1', 'latin1');
const OLD_HEADER_SIZE = 16;
const OLD_ENTRY_SIZE = 12;
const HEADER_SIZE = 48;
const ENTRY_SIZE = 24;
const EXTENSION_MAGIC = 0xeaa42174;
const TAG_GLIBC_HWCAPS = 1;
/** Bit 62 of an entry's hwcap: the low half is an index into the names. Bits 32 to 41 are a level that x86 had in 2.33. */
const HWCAP_EXTENSION = 1 << 30;
const ISA_LEVEL_BITS = 0x3ff;

export function readLdSoCacheFile(path: string): LdSoCache {
  try {
    return readLdSoCache(readFileSync(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error) return NOTHING;
    throw error;
  }
}

export function readLdSoCache(file: Buffer): LdSoCache {
  const start = startOf(file);
  if (start === undefined) return NOTHING;
  const cache = file.subarray(start);
  const littleEndian = isLittleEndian(cache);
  if (littleEndian === undefined) return NOTHING;
  const word = (offset: number) => (littleEndian ? cache.readUInt32LE(offset) : cache.readUInt32BE(offset));
  const count = word(20);
  if (HEADER_SIZE + count * ENTRY_SIZE > cache.length) return NOTHING;
  const names = hwcapsNames(cache, word);
  const libraries = new Map<string, CachedLibrary[]>();
  for (let index = 0; index < count; index++) {
    const entry = HEADER_SIZE + index * ENTRY_SIZE;
    const name = stringAt(cache, word(entry + 4));
    const path = stringAt(cache, word(entry + 8));
    const [low, high] = littleEndian ? [word(entry + 16), word(entry + 20)] : [word(entry + 20), word(entry + 16)];
    const extended = (high & ~ISA_LEVEL_BITS) === HWCAP_EXTENSION;
    // Anything else in there is the hardware capabilities of before 2.33, which 2.37 has stopped to look at.
    if (name === undefined || path === undefined || (!extended && (low !== 0 || high !== 0))) continue;
    const hwcaps = extended ? names[low] : undefined;
    if (extended && hwcaps === undefined) continue;
    const known = libraries.get(name);
    if (known === undefined) libraries.set(name, [{ path, hwcaps }]);
    else known.push({ path, hwcaps });
  }
  return libraries;
}

/** The new format may stand behind one of before glibc 2.2, for programs of then. */
function startOf(file: Buffer): number | undefined {
  if (file.subarray(0, MAGIC.length).equals(MAGIC)) return file.length < HEADER_SIZE ? undefined : 0;
  if (!file.subarray(0, OLD_MAGIC.length).equals(OLD_MAGIC) || file.length < OLD_HEADER_SIZE) return undefined;
  // It has no mark of its byte order; only one of the two ends where the other format begins.
  for (const count of [file.readUInt32LE(12), file.readUInt32BE(12)]) {
    const end = OLD_HEADER_SIZE + count * OLD_ENTRY_SIZE;
    for (const start of [Math.ceil(end / 8) * 8, Math.ceil(end / 4) * 4]) {
      const fits = start + HEADER_SIZE <= file.length;
      if (fits && file.subarray(start, start + MAGIC.length).equals(MAGIC)) return start;
    }
  }
  return undefined;
}

/** The flags, since 2.33: 2 little, 3 big, 0 from a ldconfig that set none; then it is the order of this machine. */
function isLittleEndian(cache: Buffer): boolean | undefined {
  switch ((cache[28] ?? 0) & 3) {
    case 0:
    case 2:
      return true;
    case 3:
      return false;
    default:
      return undefined;
  }
}

function hwcapsNames(cache: Buffer, word: (offset: number) => number): readonly (string | undefined)[] {
  const extension = word(32);
  if (extension === 0 || extension + 8 > cache.length || word(extension) !== EXTENSION_MAGIC) return [];
  const sections = Math.min(word(extension + 4), Math.floor((cache.length - extension - 8) / 16));
  for (let index = 0; index < sections; index++) {
    const section = extension + 8 + index * 16;
    if (word(section) !== TAG_GLIBC_HWCAPS) continue;
    const [offset, size] = [word(section + 8), word(section + 12)];
    if (offset + size > cache.length) return [];
    return Array.from({ length: Math.floor(size / 4) }, (_, place) => stringAt(cache, word(offset + place * 4)));
  }
  return [];
}

function stringAt(cache: Buffer, offset: number): string | undefined {
  if (offset < HEADER_SIZE || offset >= cache.length) return undefined;
  const end = cache.indexOf(0, offset);
  return end < 0 ? undefined : cache.toString('utf8', offset, end);
}
