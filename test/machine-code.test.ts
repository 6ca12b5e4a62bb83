import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ENTRY, HEADER } from '../src/linux/entry.js';
import { type Architecture, assemble, type Instruction, instructions, machineCode } from '../src/linux/machine-code.js';
import { callOfRun, StackWords } from '../src/linux/stack-words.js';
import * as elf from './static-elf.js';

const { BUFFER, PAGE_SIZE, SPARE, STACK } = elf;

// Under the names that Debian gives them, whichever architecture the host is.
const OBJDUMP: Record<Architecture, [string, ...string[]]> = {
  x64: ['x86_64-linux-gnu-objdump', '--architecture=i386:x86-64', '--disassembler-options=intel'],
  arm64: ['aarch64-linux-gnu-objdump', '--architecture=aarch64'],
};

/** One line an instruction, with its offset and without the comments that objdump adds to some. */
const disassemble = (architecture: Architecture, code: Uint8Array): string[] => {
  const [command, ...options] = OBJDUMP[architecture];
  const output = elf.withFile(code, file =>
    elf.spawn(command, '--disassemble-all', '--target=binary', '--no-show-raw-insn', '--wide', ...options, file),
  );
  return [...output.toString().matchAll(/^ *([0-9a-f]+):\t(.*?)\s*(?:(?:\/\/|# ).*)?$/gm)].map(
    ([, offset, assembly = '']) => `${offset}: ${assembly.replace(/\s+/g, ' ')}`,
  );
};

const listing = (list: readonly Instruction[]): string[] => {
  let offset = 0;
  return list.map(([bytes, assembly]) => {
    const line = `${offset.toString(16)}: ${assembly}`;
    offset += bytes.length / 2;
    return line;
  });
};

// biome-ignore format: a table
const NUMBERS = {
  x64: { clone: 56, dup3: 292, exit: 60, getpid: 39, getppid: 110, getsockopt: 55, kill: 62, lseek: 8,
    memfd_create: 319, mmap: 9, mprotect: 10, openat: 257, pread: 17, pwrite: 18, read: 0, wait4: 61 },
  arm64: { clone: 220, dup3: 24, exit: 93, getpid: 172, getppid: 173, getsockopt: 209, kill: 129, lseek: 62,
    memfd_create: 279, mmap: 222, mprotect: 226, openat: 56, pread: 67, pwrite: 68, read: 63, wait4: 260 },
} as const;
type Call = keyof (typeof NUMBERS)[Architecture];

type Value = number | bigint | { at: number } | { resultOf: string };

/** One entry. Without a name where to go on, that is the next one; after a failure the end. */
interface Step {
  call: Call | bigint;
  with?: Value[];
  tolerated?: bigint;
  onZero?: string;
  onPositive?: string;
  onTolerated?: string;
  onFailure?: string;
  /** Address of 32 bits that get the result too. */
  copy?: number;
}

/** An offset that 32 bits do not hold. */
const FAR = 0x2_0000_0000;

const UNCHANGED = 0x5eed_5eed_5eed_5eedn;

/** Runs the steps, checks that nothing else in the table changes, and returns the results of the steps it came to. */
const run = (architecture: Architecture, program: Record<string, Step>, buffer: string | Buffer = '') => {
  const steps = Object.entries<Step>({ ...program, end: { call: -1n } });
  const names = steps.map(([name]) => name);
  const entry = (name: string): number => {
    assert(names.includes(name), name);
    return elf.TABLE + names.indexOf(name) * ENTRY.size;
  };
  assert(elf.TABLE + steps.length * ENTRY.size <= BUFFER, 'too many steps');

  // What is not set is not 0, so that words mixed up or left out show.
  const data = Buffer.alloc(elf.DATA_SIZE, 0xa5);
  const set = (address: number, value: number | bigint): unknown =>
    data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), address - elf.DATA);
  set(elf.HEADER_ADDRESS + HEADER.failed, UNCHANGED);
  for (const [index, [name, step]] of steps.entries()) {
    const next = names[index + 1] ?? 'end';
    const values = (step.with ?? []).map(value =>
      typeof value === 'object' && 'resultOf' in value ? { at: entry(value.resultOf) + ENTRY.result } : value,
    );
    const base = entry(name);
    set(base + ENTRY.number, typeof step.call === 'bigint' ? step.call : NUMBERS[architecture][step.call]);
    for (const [i, value] of values.entries()) {
      set(base + ENTRY.argument + i * 8, typeof value === 'object' ? value.at : value);
    }
    set(
      base + ENTRY.indirect,
      values.reduce<number>((mask, value, i) => mask | (typeof value === 'object' ? 1 << i : 0), 0),
    );
    set(base + ENTRY.tolerated, step.tolerated ?? 0n);
    set(base + ENTRY.onZero, entry(step.onZero ?? next));
    set(base + ENTRY.onPositive, entry(step.onPositive ?? next));
    set(base + ENTRY.onTolerated, entry(step.onTolerated ?? next));
    set(base + ENTRY.onFailure, entry(step.onFailure ?? 'end'));
    set(base + ENTRY.result, UNCHANGED);
    set(base + ENTRY.copy, step.copy ?? base + ENTRY.result);
  }
  data.fill(0, BUFFER - elf.DATA);
  data.set(Buffer.from(buffer), BUFFER - elf.DATA);

  const output = elf.execute(architecture, machineCode(architecture), data);
  const get = (address: number): bigint => output.readBigInt64LE(address - elf.DATA);

  // Of the header and the table it may change the words below, and no others.
  const results = names.map(name => [name, get(entry(name) + ENTRY.result)] as const);
  const failed = get(elf.HEADER_ADDRESS + HEADER.failed);
  for (const [name, result] of results) set(entry(name) + ENTRY.result, result);
  set(elf.HEADER_ADDRESS + HEADER.failed, failed);
  const fixed = [elf.HEADER_ADDRESS - elf.DATA, BUFFER - elf.DATA] as const;
  assert.deepEqual(output.subarray(...fixed), data.subarray(...fixed));

  return {
    results: Object.fromEntries(results.filter(([, result]) => result !== UNCHANGED)),
    failed: failed === UNCHANGED ? undefined : (names.find(name => BigInt(entry(name)) === failed) ?? failed),
    buffer: output.subarray(BUFFER - elf.DATA),
  };
};

const CLONE_VM = 0x100;
const CLONE_VFORK = 0x4000;
const SIGCHLD = 17;
const EBADF = 9;
const EFAULT = 14;
const ENOTSOCK = 88;
const EVERY_BIT = (1n << 64n) - 1n;

for (const architecture of ['x64', 'arm64'] as const) {
  describe(`machine code for ${architecture}`, () => {
    test('the bytes are the assembly beside them', () => {
      assert.deepEqual(disassemble(architecture, machineCode(architecture)), listing(instructions(architecture)));
    });

    test('the bytes of what copies the words of a program are the assembly beside them', () => {
      const list = [
        ...new StackWords(9).instructions(architecture, 0x401234),
        ...callOfRun(architecture, 0x405678, 0x40abcd),
      ];
      assert.deepEqual(disassemble(architecture, assemble(list)), listing(list));
    });

    test('the bytes of the test program are the assembly beside them', () => {
      const stub = elf.STUBS[architecture];
      const bytes = Buffer.from(stub.map(([hex]) => hex).join(''), 'hex');
      assert.deepEqual(disassemble(architecture, bytes), listing(stub));
    });

    test('a result is copied to where the entry says, an error too', () => {
      const { results, buffer } = run(
        architecture,
        {
          child: { call: 'getppid', copy: BUFFER + 12 },
          error: { call: 'lseek', with: [-1, 0, 0], copy: BUFFER + 24, onFailure: 'end' },
        },
        Buffer.alloc(32, 0x77),
      );
      assert.equal(BigInt(buffer.readInt32LE(12)), results.child);
      assert.equal(buffer.readInt32LE(24), -EBADF);
      // The fields beside it stay as they are.
      for (const offset of [8, 16, 28]) assert.equal(buffer.readInt32LE(offset), 0x7777_7777);
      assert.equal(results.error, BigInt(-EBADF));
    });

    test('a negative number returns, at once when it is the first', () => {
      for (const call of [-1n, -(1n << 63n), -(1n << 32n)]) {
        const { results, failed } = run(architecture, { first: { call }, second: { call: 'getpid' } });
        assert.deepEqual({ results, failed }, { results: {}, failed: undefined });
      }
    });

    test('each of the six arguments arrives, by value and by address', () => {
      const marker = Buffer.from('a marker');
      const mapping = [SPARE, PAGE_SIZE, 0x1 /* PROT_READ */, 0x11 /* MAP_SHARED | MAP_FIXED */, 100, FAR];
      const pointers = BUFFER + 64;
      const buffer = Buffer.alloc(64 + mapping.length * 8);
      buffer.set(marker);
      for (const [i, value] of mapping.entries()) buffer.writeBigInt64LE(BigInt(value), 64 + i * 8);

      for (const mask of [0, 1, 2, 4, 8, 16, 32, 63]) {
        const given = mapping.map((value, i) => ((mask >> i) & 1 ? { at: pointers + i * 8 } : value));
        const outcome = run(
          architecture,
          {
            create: { call: 'memfd_create', with: [BUFFER + 32, 0] },
            duplicate: { call: 'dup3', with: [{ resultOf: 'create' }, 100, 0] },
            mark: { call: 'pwrite', with: [100, BUFFER, 8, FAR + PAGE_SIZE - 8] },
            map: { call: 'mmap', with: given },
            // The mapping ends with the marker and is followed by the zeros that were there before it ...
            copy: { call: 'pwrite', with: [100, SPARE + PAGE_SIZE - 8, 16, 0] },
            show: { call: 'pread', with: [100, BUFFER + 16, 16, 0] },
            // ... and cannot be written.
            protected: { call: 'pread', with: [100, SPARE, 8, 0], tolerated: 1n << BigInt(EFAULT) },
          },
          buffer,
        );
        assert.equal(outcome.failed, undefined);
        assert.equal(outcome.results.copy, 16n);
        assert.equal(outcome.results.map, BigInt(SPARE));
        assert.equal(outcome.results.protected, BigInt(-EFAULT));
        assert.deepEqual(outcome.buffer.subarray(16, 32), Buffer.concat([marker, Buffer.alloc(8)]));
      }
    });

    test('the result of one entry is an argument of a later one', () => {
      const { results, failed } = run(architecture, {
        process: { call: 'getpid' },
        probe: { call: 'kill', with: [{ resultOf: 'process' }, 0] },
        create: { call: 'memfd_create', with: [BUFFER, 0] },
        seek: { call: 'lseek', with: [{ resultOf: 'create' }, FAR, 0 /* SEEK_SET */] },
        seekThere: { call: 'lseek', with: [{ resultOf: 'create' }, { resultOf: 'seek' }, 0 /* SEEK_SET */] },
        write: { call: 'pwrite', with: [{ resultOf: 'create' }, BUFFER, 8, { resultOf: 'seekThere' }] },
        seekEnd: { call: 'lseek', with: [{ resultOf: 'create' }, 0, 2 /* SEEK_END */] },
      });
      assert.equal(failed, undefined);
      assert.deepEqual([results.probe, results.seekThere, results.seekEnd], [0n, BigInt(FAR), BigInt(FAR + 8)]);
    });

    // lseek of /proc/self/mem goes to any offset and returns it (mem_lseek in fs/proc/base.c): any result can be had.
    const goesOnWith = (result: bigint, tolerated: bigint) => {
      const mark: Step = { call: 'getpid', onPositive: 'end' };
      const { results, failed } = run(
        architecture,
        {
          open: { call: 'openat', with: [-100 /* AT_FDCWD */, BUFFER, 0], onFailure: 'unopened' },
          // biome-ignore format: one step
          seek: { call: 'lseek', with: [{ resultOf: 'open' }, result, 0], tolerated,
            onZero: 'zero', onPositive: 'positive', onTolerated: 'tolerated', onFailure: 'failure' },
          failure: mark,
          tolerated: mark,
          positive: mark,
          zero: mark,
          unopened: mark,
        },
        '/proc/self/mem',
      );
      assert.equal(results.seek, result);
      return { branches: Object.keys(results).slice(2), failed };
    };

    test('a result decides where to go on', () => {
      assert.deepEqual(goesOnWith(0n, EVERY_BIT), { branches: ['zero'], failed: undefined });
      const bounds = [1n, 1n << 32n, 0xffff_f001n, 0xffff_ffffn, (1n << 63n) - 1n, -(1n << 63n), -(1n << 32n), -4096n];
      for (const result of bounds) {
        assert.deepEqual(goesOnWith(result, EVERY_BIT), { branches: ['positive'], failed: undefined }, `${result}`);
      }
    });

    test('an errno is tolerated if its bit is set; one of 64 and above never is', () => {
      for (const errno of [1, 2, 31, 32, 33, 63, 64, 65, ENOTSOCK, 127, 128, 133, 256, 4095]) {
        const bit = 1n << BigInt(errno % 64);
        for (const tolerated of [bit, EVERY_BIT ^ bit, EVERY_BIT, 0n]) {
          const expected =
            errno < 64 && tolerated & bit
              ? { branches: ['tolerated'], failed: undefined }
              : { branches: ['failure'], failed: 'seek' };
          assert.deepEqual(goesOnWith(BigInt(-errno), tolerated), expected, `errno ${errno}, tolerated ${tolerated}`);
        }
      }
    });

    test('the header names the last entry that failed untolerated', () => {
      const { results, failed } = run(architecture, {
        create: { call: 'memfd_create', with: [BUFFER, 0] },
        bad: { call: 'dup3', with: [-1, 100, 0], onFailure: 'noSocket' },
        skipped: { call: 'getpid' },
        noSocket: {
          call: 'getsockopt',
          with: [{ resultOf: 'create' }, 1 /* SOL_SOCKET */, 3 /* SO_TYPE */, BUFFER + 8, BUFFER + 16],
          tolerated: EVERY_BIT,
          onTolerated: 'skipped',
          onFailure: 'tolerated',
        },
        tolerated: { call: 'dup3', with: [-1, 100, 0], tolerated: 1n << BigInt(EBADF) },
      });
      const { create, ...failures } = results;
      assert(create !== undefined && create > 0n);
      assert.deepEqual(failures, { bad: BigInt(-EBADF), noSocket: BigInt(-ENOTSOCK), tolerated: BigInt(-EBADF) });
      assert.equal(failed, 'noSocket');
    });

    test('entries can loop', () => {
      const { results, failed } = run(
        architecture,
        {
          create: { call: 'memfd_create', with: [BUFFER + 8, 0] },
          fill: { call: 'pwrite', with: [{ resultOf: 'create' }, BUFFER, 3, 0] },
          each: { call: 'read', with: [{ resultOf: 'create' }, BUFFER, 1], onPositive: 'each' },
          position: { call: 'lseek', with: [{ resultOf: 'create' }, 0, 1 /* SEEK_CUR */] },
        },
        'abc',
      );
      assert.equal(failed, undefined);
      assert.deepEqual([results.each, results.position], [0n, 3n]);
    });

    // qemu makes a fork of vfork, whose child has memory of its own, and refuses CLONE_VM without it (do_fork in
    // linux-user/syscall.c).
    const native = architecture === process.arch;
    for (const flags of native ? [CLONE_VM | CLONE_VFORK, CLONE_VM] : [CLONE_VM | CLONE_VFORK]) {
      test(`a child of clone(0x${flags.toString(16)}) goes its own way, and the stack is not touched`, () => {
        const child = flags & CLONE_VFORK ? { resultOf: 'clone' } : -1;
        const { results, failed, buffer } = run(architecture, {
          parent: { call: 'getpid' },
          takeStack: { call: 'mprotect', with: [STACK, PAGE_SIZE, 0 /* PROT_NONE */] },
          clone: { call: 'clone', with: [flags | SIGCHLD, 0, 0, 0, 0], onZero: 'childsParent' },
          wait: { call: 'wait4', with: [child, BUFFER, 0, 0] },
          giveStack: {
            call: 'mprotect',
            with: [STACK, PAGE_SIZE, 0x3 /* PROT_READ | PROT_WRITE */],
            onZero: 'end',
          },
          childsParent: { call: 'getppid' },
          childsExit: { call: 'exit', with: [7] },
        });
        assert.equal(failed, undefined);
        assert.equal(results.giveStack, 0n);
        assert(results.wait !== undefined && results.wait > 0n && results.wait !== results.parent);
        if (flags & CLONE_VFORK) assert.equal(results.clone, results.wait);
        assert.equal(buffer.readInt32LE(), 7 << 8);
        assert.equal(results.childsParent, native ? results.parent : undefined);
      });
    }
  });
}
