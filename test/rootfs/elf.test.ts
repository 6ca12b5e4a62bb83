import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Elf, ElfError, readElf, readElfFile } from '../../src/rootfs/elf.js';
import { parseHashBang } from '../../src/rootfs/hash-bang.js';
import { readLdSoCache, readLdSoCacheFile } from '../../src/rootfs/ld-so-cache.js';
import { execute } from '../support/cli.js';
import { dynamicElf, MACHINE } from '../support/dynamic-elf.js';
import { howToRepeat, seed } from '../support/random.js';

const parse = (file: Buffer): Elf | undefined =>
  readElf({ size: file.length, read: (offset, length) => file.subarray(offset, offset + length) });

const GIVEN = {
  interpreter: '/lib64/ld.so',
  needed: ['libone.so.1', '/opt/two.so'],
  soname: 'self.so',
  rpath: '/a:$ORIGIN/b',
} as const;

describe('ELF files', () => {
  for (const bits of [32, 64] as const) {
    for (const bigEndian of [false, true]) {
      test(`${bits} bits, ${bigEndian ? 'big' : 'little'}-endian`, () => {
        assert.deepEqual(parse(dynamicElf({ ...GIVEN, bits, bigEndian, machine: 7 })), {
          bits,
          littleEndian: !bigEndian,
          machine: 7,
          interpreter: '/lib64/ld.so',
          needed: ['libone.so.1', '/opt/two.so'],
          soname: 'self.so',
          rpath: ['/a', '$ORIGIN/b'],
          runpath: undefined,
          noDefaultDirectories: false,
          versions: [],
        });
      });
    }
  }

  test('DT_RUNPATH makes DT_RPATH void, and DF_1_NODEFLIB is seen', () => {
    const elf = parse(dynamicElf({ rpath: '/a', runpath: '/b:', noDefaultDirectories: true }));
    assert.deepEqual([elf?.rpath, elf?.runpath, elf?.noDefaultDirectories], [[], ['/b', ''], true]);
  });

  test('other files are none', () => {
    for (const text of ['', '\x7f', '\x7fEL', '#!/bin/sh\n', '\0'.repeat(100)])
      assert.equal(parse(Buffer.from(text, 'latin1')), undefined);
  });

  test('of this Node, what objdump says', async () => {
    const { stdout } = await execute('objdump', ['-p', process.execPath]);
    const words = (name: string) =>
      [...stdout.matchAll(new RegExp(`^ +${name} +(\\S+)$`, 'gm'))].map(([, word]) => word);
    const elf = readElfFile(process.execPath);
    assert.deepEqual(elf?.needed, words('NEEDED'));
    assert.ok(elf.needed.length > 0);
    assert.equal(elf.machine, MACHINE);
  });

  test('a file that is cut short is malformed wherever it is cut', () => {
    const file = dynamicElf(GIVEN);
    for (let length = 4; length < file.length - 8; length++) {
      const reason = outcome(file.subarray(0, length));
      assert.ok(typeof reason === 'string' && reason !== '', `cut at ${length}: ${reason}`);
    }
  });

  const changed = (file: Buffer) =>
    fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 }).map(changes => {
      const copy = Buffer.from(file);
      for (const [place, byte] of changes) copy[place] = byte;
      return copy;
    });

  test(`of random bytes changed, and of random bytes, nothing else comes than an answer or a reason (${howToRepeat})`, () => {
    const outcomes = { read: 0, none: 0, malformed: 0 };
    const look = (file: Buffer) => {
      const result = outcome(file);
      if (result === undefined) outcomes.none++;
      else if (typeof result === 'string') outcomes.malformed++;
      else outcomes.read++;
    };
    for (const bits of [32, 64] as const)
      for (const bigEndian of [false, true])
        fc.sample(changed(dynamicElf({ ...GIVEN, bits, bigEndian })), { seed, numRuns: 2000 }).forEach(look);
    const noise = fc
      .uint8Array({ maxLength: 300 })
      .map(tail => Buffer.concat([Buffer.from('\x7fELF\x02\x01', 'latin1'), tail]));
    fc.sample(noise, { seed, numRuns: 1000 }).forEach(look);
    for (const [name, count] of Object.entries(outcomes)) assert.ok(count > 10, `${name}: ${count}`);
  });

  test('sizes and places beyond belief cost no memory', () => {
    const file = dynamicElf({ interpreter: '/x', needed: ['y'] });
    file.writeBigUInt64LE(2n ** 52n, 64 + 32); // p_filesz of PT_INTERP
    assert.equal(parse(file)?.interpreter, '/x');
    file.writeBigUInt64LE(2n ** 52n, 64 + 8); // p_offset
    assert.match(String(outcome(file)), /ends before PT_INTERP/);
    file.writeBigUInt64LE(2n ** 62n, 64 + 8);
    assert.match(String(outcome(file)), /out of range/);
    file.writeUInt16LE(0xffff, 56); // e_phnum
    assert.match(String(outcome(file)), /ends before its program headers/);
  });
});

function outcome(file: Buffer): Elf | string | undefined {
  try {
    return parse(file);
  } catch (error) {
    if (error instanceof ElfError) return error.message;
    throw error;
  }
}

interface CacheEntry {
  readonly name: string;
  readonly path: string;
  readonly hwcap?: bigint;
}

/** Its layout is that of glibc's dl-cache.h. */
function ldSoCache(entries: readonly CacheEntry[], hwcaps: readonly string[], bigEndian = false): Buffer {
  const strings = [...new Set([...entries.flatMap(({ name, path }) => [name, path]), ...hwcaps])];
  const start = 48 + entries.length * 24;
  const places = new Map<string, number>();
  let end = start;
  for (const text of strings) {
    places.set(text, end);
    end += Buffer.byteLength(text) + 1;
  }
  const extension = Math.ceil(end / 4) * 4;
  const file = Buffer.alloc(extension + 24 + hwcaps.length * 4);
  const word = (offset: number, value: number) =>
    bigEndian ? file.writeUInt32BE(value, offset) : file.writeUInt32LE(value, offset);
  file.write('glibc-ld.so.cache1.1', 'latin1');
  word(20, entries.length);
  word(24, end - start);
  file[28] = bigEndian ? 3 : 2;
  word(32, extension);
  entries.forEach(({ name, path, hwcap = 0n }, index) => {
    const place = 48 + index * 24;
    word(place, 0x303);
    word(place + 4, places.get(name) ?? 0);
    word(place + 8, places.get(path) ?? 0);
    if (bigEndian) file.writeBigUInt64BE(hwcap, place + 16);
    else file.writeBigUInt64LE(hwcap, place + 16);
  });
  for (const [text, place] of places) file.write(`${text}\0`, place);
  word(extension, 0xeaa42174);
  word(extension + 4, 1);
  word(extension + 8, 1);
  word(extension + 16, extension + 24);
  word(extension + 20, hwcaps.length * 4);
  hwcaps.forEach((name, index) => {
    word(extension + 24 + index * 4, places.get(name) ?? 0);
  });
  return file;
}

const CACHE: readonly CacheEntry[] = [
  { name: 'libc.so.6', path: '/lib/libc.so.6' },
  { name: 'libz.so.1', path: '/lib/glibc-hwcaps/x86-64-v3/libz.so.1', hwcap: (1n << 62n) | (3n << 32n) | 1n },
  { name: 'libz.so.1', path: '/lib/libz.so.1' },
  { name: 'libold.so.1', path: '/lib/haswell/libold.so.1', hwcap: 1n << 52n },
];

describe('/etc/ld.so.cache', () => {
  for (const bigEndian of [false, true]) {
    test(`${bigEndian ? 'big' : 'little'}-endian, with glibc-hwcaps and without the hardware capabilities of before`, () => {
      const libraries = readLdSoCache(ldSoCache(CACHE, ['x86-64-v2', 'x86-64-v3'], bigEndian));
      assert.deepEqual(Object.fromEntries(libraries), {
        'libc.so.6': [{ path: '/lib/libc.so.6', hwcaps: undefined }],
        'libz.so.1': [
          { path: '/lib/glibc-hwcaps/x86-64-v3/libz.so.1', hwcaps: 'x86-64-v3' },
          { path: '/lib/libz.so.1', hwcaps: undefined },
        ],
      });
    });
  }

  test('behind a cache of the format before it', () => {
    const old = Buffer.alloc(16 + 3 * 12 + 4);
    old.write('ld.so-1.7.0\0', 'latin1');
    old.writeUInt32LE(3, 12);
    const libraries = readLdSoCache(Buffer.concat([old, ldSoCache(CACHE, [])]));
    assert.deepEqual(libraries.get('libc.so.6'), [{ path: '/lib/libc.so.6', hwcaps: undefined }]);
  });

  test('of this host, what ldconfig says', async () => {
    const { stdout } = await execute('ldconfig', ['-p']);
    const lines = [...stdout.matchAll(/^\t(\S+) \(.*\) => (\S+)$/gm)].map(([, name, path]) => `${name} ${path}`);
    const own = [...readLdSoCacheFile('/etc/ld.so.cache')].flatMap(([name, all]) =>
      all.map(({ path }) => `${name} ${path}`),
    );
    assert.ok(lines.length > 10);
    assert.deepEqual(own.sort(), lines.sort());
  });

  test('one that is missing or none of them is empty', () => {
    assert.equal(readLdSoCacheFile('/nonexistent').size, 0);
    assert.equal(readLdSoCacheFile('/').size, 0);
    assert.equal(readLdSoCache(readFileSync(process.execPath).subarray(0, 10_000)).size, 0);
  });

  test(`with bytes changed or cut off, never more than an answer (${howToRepeat})`, () => {
    const file = ldSoCache(CACHE, ['x86-64-v2', 'x86-64-v3']);
    const sizes = new Set<number>();
    for (let length = 0; length < file.length; length++) sizes.add(readLdSoCache(file.subarray(0, length)).size);
    const changes = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    for (const list of fc.sample(changes, { seed, numRuns: 5000 })) {
      const copy = Buffer.from(file);
      for (const [place, byte] of list) copy[place] = byte;
      sizes.add(readLdSoCache(copy).size);
    }
    assert.ok(sizes.size > 1);
  });
});

test('#! lines are read as the kernel and env(1) read them', () => {
  const cases: readonly [string, string | undefined, string?][] = [
    ['#!/bin/sh\necho', '/bin/sh'],
    ['#! \t/bin/sh -e\n', '/bin/sh'],
    ['#!/usr/bin/env python3\n', '/usr/bin/env', 'python3'],
    ['#!/usr/bin/env -S A=b python3 -u\n', '/usr/bin/env', 'python3'],
    ['#!/usr/bin/env -Spython3 -u', '/usr/bin/env', 'python3'],
    ['#!/usr/bin/env\n', '/usr/bin/env'],
    ['#!/bin/sh', '/bin/sh'],
    ['#!\n', undefined],
    ['#! \n/bin/sh', undefined],
    ['echo #!/bin/sh', undefined],
    ['', undefined],
  ];
  for (const [text, path, name] of cases)
    assert.deepEqual(parseHashBang(Buffer.from(text)), path === undefined ? undefined : { path, name }, text);
});
