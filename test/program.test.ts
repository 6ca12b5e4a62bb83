import assert from 'node:assert/strict';
import { closeSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { cloneCall } from '../src/linux/clone.js';
import { O, SIGNALS } from '../src/linux/constants.js';
import { errnoNumber } from '../src/linux/errno.js';
import { ProgramMemory } from '../src/linux/memory.js';
import { type Outcome, runCalls, runProcess } from '../src/linux/program.js';
import {
  bytes,
  changing,
  flags,
  integer,
  NULL,
  type Output,
  output,
  type Result,
  resultOf,
  type SystemCall,
  string,
  symbol,
} from '../src/linux/system-call.js';
import { descendants } from './support/leftovers.js';

const AT_FDCWD = symbol('AT_FDCWD', -100);
const MISSING = join(tmpdir(), 'nsgen-test-nothing-there');

const open = (path: string, result?: Result): SystemCall => ({
  name: 'openat',
  arguments: [AT_FDCWD, string(path), flags(O, 'O_RDONLY', 'O_CLOEXEC')],
  ...(result === undefined ? {} : { result }),
});
const close = (descriptor: Result): SystemCall => ({ name: 'close', arguments: [resultOf(descriptor)] });
const umask = (mask: number): SystemCall => ({ name: 'umask', arguments: [integer(mask)] });

/** The vfork that a box starts with. */
const VFORK = ['CLONE_VM', 'CLONE_VFORK', 'CLONE_CLEAR_SIGHAND'] as const;
const vfork = () => cloneCall(VFORK, SIGNALS.SIGCHLD);
const exit = (status: number): SystemCall => ({ name: 'exit_group', arguments: [integer(status)] });

function reap(pid: number | undefined): number {
  assert.ok(pid !== undefined && pid > 0, `no child: ${pid}`);
  const room: Output = { length: 4, text: 'status' };
  const wait: SystemCall = { name: 'wait4', arguments: [integer(pid), output(room), integer(0), NULL] };
  const outcome = runCalls([wait]);
  assert.equal(outcome.result(wait), pid);
  return outcome.bytes(room).readInt32LE();
}

const statusOf = (waited: number): number => {
  assert.equal(waited & 0x7f, 0, `ended by signal ${waited & 0x7f}`);
  return waited >> 8;
};

function failureOf({ failure }: Outcome) {
  assert.ok(failure !== undefined);
  return failure;
}

describe('calls in the calling process', () => {
  test('no call at all', () => {
    assert.equal(runCalls([]).failure, undefined);
  });

  test('a result is the argument of later calls', () => {
    const descriptor: Result = { of: 'open /dev/null' };
    const duplicate: SystemCall = {
      name: 'fcntl',
      arguments: [resultOf(descriptor), symbol('F_DUPFD_CLOEXEC', 1030), integer(100)],
    };
    const opened = open('/dev/null', descriptor);
    const closed = close(descriptor);
    const outcome = runCalls([opened, duplicate, closed]);
    assert.equal(outcome.failure, undefined);
    assert.ok((outcome.result(opened) ?? 0) > 2);
    assert.ok((outcome.result(duplicate) ?? 0) >= 100);
    assert.equal(outcome.result(closed), 0);
    closeSync(outcome.result(duplicate) ?? -1);
  });

  test('a string that changes is asked for at each run', () => {
    const names = ['/dev/null', MISSING, '/dev/zero'];
    let asked = 0;
    const path = changing(() => names[asked++] ?? '', MISSING.length, '"..."');
    const opened: SystemCall = { ...open(''), arguments: [AT_FDCWD, path, flags(O, 'O_RDONLY', 'O_CLOEXEC')] };
    const program = [opened];
    const descriptors = names.map(() => runCalls(program).result(opened) ?? -1);
    assert.equal(asked, 3);
    assert.equal(descriptors[1], -errnoNumber('ENOENT'));
    for (const [index, name] of names.entries()) {
      const descriptor = descriptors[index] ?? -1;
      if (descriptor < 0) continue;
      assert.equal(readlinkSync(`/proc/self/fd/${descriptor}`), name);
      closeSync(descriptor);
    }
  });

  test('a string that changes and becomes longer than there is room for is refused before any call is made', () => {
    const before = process.umask();
    const path = changing(() => 'x'.repeat(100), 10, '"..."');
    const call: SystemCall = { ...open(''), arguments: [AT_FDCWD, path, flags(O, 'O_RDONLY')] };
    assert.throws(() => runCalls([umask(0o077), call]), RangeError);
    assert.equal(process.umask(), before);
  });

  test('a result is written into a field of a struct, and nowhere else', () => {
    const descriptor: Result = { of: 'open /dev/null' };
    const opened = open('/dev/null', descriptor);
    // struct pollfd twice: fd, events, revents.
    const struct = new Uint8Array(16).fill(0xff);
    new DataView(struct.buffer).setInt16(4, 4, true);
    const poll: SystemCall = {
      name: 'ppoll',
      arguments: [bytes(struct, '[...]', [{ offset: 0, result: descriptor }]), integer(2), NULL, NULL, integer(8)],
    };
    const outcome = runCalls([opened, poll, close(descriptor)]);
    assert.equal(outcome.failure, undefined);
    // /dev/null is always ready to be written to; the second is none, being negative still.
    assert.equal(outcome.result(poll), 1);
  });

  test('a result that no call returns is refused before any call is made', () => {
    const before = process.umask();
    assert.throws(() => runCalls([umask(0o077), close({ of: 'nothing' })]), /nothing returns <nothing>/);
    assert.equal(process.umask(), before);
  });

  test('the first failure ends the program, and says which call and why', () => {
    const failing = open(MISSING);
    const after = umask(0o077);
    const before = process.umask();
    const outcome = runCalls([failing, after]);
    assert.deepEqual(failureOf(outcome), { call: failing, errno: errnoNumber('ENOENT') });
    assert.equal(outcome.result(failing), -errnoNumber('ENOENT'));
    assert.equal(outcome.result(after), undefined);
    assert.equal(process.umask(), before);
  });

  test('an error that is tolerated does not', () => {
    const failing: SystemCall = { ...open(MISSING), tolerate: ['EACCES', 'ENOENT'] };
    const after = umask(process.umask());
    const outcome = runCalls([failing, after]);
    assert.equal(outcome.failure, undefined);
    assert.equal(outcome.result(failing), -errnoNumber('ENOENT'));
    assert.equal(outcome.result(after), process.umask());
  });

  test('an error that is tolerated elsewhere does', () => {
    const failing: SystemCall = { ...open(MISSING), tolerate: ['EACCES', 'ENOTDIR'] };
    assert.equal(failureOf(runCalls([failing])).call, failing);
  });

  test('an errno above 63 is reported as it is', () => {
    // A socket that is no server cannot accept; EAFNOSUPPORT is 97.
    const socket: SystemCall = { name: 'socket', arguments: [integer(255), integer(2), integer(0)] };
    assert.equal(failureOf(runCalls([socket])).errno, errnoNumber('EAFNOSUPPORT'));
  });

  test('after a failure, the calls of onFailure; the failure named is the last', () => {
    const opened = open('/dev/null', { of: 'null' });
    const last = open(`${MISSING}/deeper`);
    const failing: SystemCall = { ...open(MISSING), onFailure: [opened, last] };
    const outcome = runCalls([failing]);
    assert.equal(failureOf(outcome).call, last);
    assert.ok((outcome.result(opened) ?? -1) > 2);
    closeSync(outcome.result(opened) ?? -1);
  });

  test('onFailure is not for what succeeds, nor for what is tolerated', () => {
    const mask = process.umask();
    const never = umask(0o077);
    const good: SystemCall = { ...umask(mask), onFailure: [never] };
    const tolerated: SystemCall = { ...open(MISSING), tolerate: ['ENOENT'], onFailure: [never] };
    assert.equal(runCalls([good, tolerated]).result(never), undefined);
    assert.equal(process.umask(), mask);
  });

  test('zeroOrExit stops at a result above zero, without a failure', () => {
    const after = umask(0o077);
    const before = process.umask();
    const opened: SystemCall = { ...open('/dev/null'), zeroOrExit: true };
    const outcome = runCalls([opened, after]);
    assert.equal(outcome.failure, undefined);
    assert.equal(outcome.result(after), undefined);
    closeSync(outcome.result(opened) ?? -1);
    assert.equal(process.umask(), before);
  });

  test('what a call writes', () => {
    const room: Output = { length: 8, text: '[read, write]' };
    const pipe: SystemCall = { name: 'pipe2', arguments: [output(room), flags(O, 'O_CLOEXEC')] };
    const outcome = runCalls([pipe]);
    const ends = [outcome.bytes(room).readInt32LE(0), outcome.bytes(room).readInt32LE(4)];
    for (const end of ends) closeSync(end);
    assert.equal(outcome.bytes(room).length, 8);
    assert.equal(outcome.bytes({ length: 8, text: 'of another program' }).length, 0);
  });

  test('one struct for many calls, one call for many programs', () => {
    const shared = new Uint8Array(8);
    const read: SystemCall = {
      name: 'rt_sigprocmask',
      arguments: [integer(0), bytes(shared, '[]'), NULL, integer(8)],
    };
    for (let round = 0; round < 3; round++) {
      const outcome = runCalls(Array.from({ length: 500 }, () => ({ ...read })).concat(read));
      assert.equal(outcome.failure, undefined);
      assert.equal(outcome.result(read), 0);
    }
  });

  test('numbers arrive as they are: negative, above 2^32', () => {
    const lowest: SystemCall = { name: 'close', arguments: [integer(-1)] };
    assert.equal(failureOf(runCalls([lowest])).errno, errnoNumber('EBADF'));
    // prlimit64 writes and reads 64-bit numbers: 2^40 descriptors are too many, and 2^40 % 2^32 would be none at all.
    const limit = Buffer.alloc(16);
    limit.writeBigUInt64LE(1n << 40n, 0);
    limit.writeBigUInt64LE(1n << 40n, 8);
    const set: SystemCall = { name: 'prlimit64', arguments: [integer(0), integer(7), bytes(limit, 'limit'), NULL] };
    assert.equal(failureOf(runCalls([set])).errno, errnoNumber('EPERM'));
  });
});

describe('a child', () => {
  test('goes on where its maker waits; its status and its results come back', () => {
    const clone = vfork();
    const mask = umask(0o077);
    const before = process.umask();
    const outcome = runProcess([clone, mask, exit(7)]);
    assert.equal(outcome.failure, undefined);
    assert.equal(outcome.result(mask), before);
    assert.equal(statusOf(reap(outcome.result(clone))), 7);
    assert.equal(process.umask(), before);
  });

  test('that fails ends with 125, and the call is named', () => {
    const clone = vfork();
    const failing = open(MISSING);
    const outcome = runProcess([clone, failing, exit(0)]);
    assert.deepEqual(failureOf(outcome), { call: failing, errno: errnoNumber('ENOENT') });
    assert.equal(statusOf(reap(outcome.result(clone))), 125);
  });

  test('that cannot be made: nothing to reap, and the mask of signals is as before', () => {
    const maskBefore = signalMask();
    const clone = cloneCall([...VFORK, 'CLONE_PARENT'], SIGNALS.SIGCHLD);
    const outcome = runProcess([clone, exit(0)]);
    assert.deepEqual(failureOf(outcome), { call: clone, errno: errnoNumber('EINVAL') });
    assert.deepEqual(descendants(), []);
    assert.equal(signalMask(), maskBefore);
  });

  test('whose program is executed, or not', () => {
    const environment = { kind: 'strings', values: [] } as const;
    const execute = (path: string): SystemCall => ({
      name: 'execve',
      arguments: [string(path), { kind: 'strings', values: [path, '-c', 'exit 9'] }, environment],
    });
    const clone = vfork();
    const tolerated: SystemCall = { ...execute(MISSING), tolerate: ['ENOENT'] };
    const second = execute('/bin/sh');
    const outcome = runProcess([clone, tolerated, second]);
    assert.equal(outcome.failure, undefined);
    assert.equal(outcome.result(tolerated), -errnoNumber('ENOENT'));
    assert.equal(outcome.result(second), undefined, 'execve does not return');
    assert.equal(statusOf(reap(outcome.result(clone))), 9);

    const failed = runProcess([clone, execute(MISSING)]);
    assert.equal(failureOf(failed).errno, errnoNumber('ENOENT'));
    assert.equal(statusOf(reap(failed.result(clone))), 125);
  });

  test('with CLONE_PARENT, a grandchild is a child of the caller', () => {
    const helper = vfork();
    const box = cloneCall([...VFORK, 'CLONE_PARENT'], 0);
    const outcome = runProcess([helper, box, exit(5)]);
    assert.equal(outcome.failure, undefined);
    assert.equal(statusOf(reap(outcome.result(box))), 5);
    assert.equal(statusOf(reap(outcome.result(helper))), 125);
    assert.deepEqual(descendants(), []);
  });

  for (const [name, flagsOfHelper] of [
    ['that shares memory', VFORK],
    ['that does not', ['CLONE_VFORK', 'CLONE_CLEAR_SIGHAND']],
  ] as const) {
    test(`a failure is seen through a helper ${name}`, () => {
      const helper = cloneCall(flagsOfHelper, SIGNALS.SIGCHLD);
      const box = cloneCall([...VFORK, 'CLONE_PARENT'], 0);
      const inBox = open(MISSING);
      const outcome = runProcess([helper, box, inBox]);
      assert.deepEqual(failureOf(outcome), { call: inBox, errno: errnoNumber('ENOENT') });
      for (const made of [box, helper]) assert.equal(statusOf(reap(outcome.result(made))), 125);

      const inHelper = open(MISSING);
      const early = runProcess([helper, inHelper, box, exit(0)]);
      assert.equal(failureOf(early).call, inHelper);
      assert.equal(early.result(box), undefined);
      assert.equal(statusOf(reap(early.result(helper))), 125);
      assert.deepEqual(descendants(), []);
    });
  }

  test('10,000 arguments, and 1 MB in 20 of them, arrive byte for byte', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `argument ${index} äöü €`);
    const long = Array.from({ length: 20 }, (_, index) => String.fromCharCode(0x61 + index).repeat(50_000));
    for (const values of [many, long]) {
      const clone = vfork();
      const script = `[ $# = ${values.length} ] && [ "$1" = '${values[0]}' ] && shift ${values.length - 1} && [ "$1" = '${values.at(-1)}' ]`;
      const execute: SystemCall = {
        name: 'execve',
        arguments: [
          string('/bin/bash'),
          { kind: 'strings', values: ['bash', '-c', script, 'bash', ...values] },
          { kind: 'strings', values: [] },
        ],
      };
      const outcome = runProcess([clone, execute]);
      assert.equal(outcome.failure, undefined);
      assert.equal(statusOf(reap(outcome.result(clone))), 0);
    }
  });
});

describe('memory', () => {
  test('what is written is read', () => {
    const memory = new ProgramMemory().begin(4096);
    const word = memory.allocate(8);
    for (const value of [0, 1, -1, -4095, 2 ** 31, 2 ** 32 + 5, -(2 ** 40), 2 ** 52, Number.MAX_SAFE_INTEGER]) {
      memory.writeWord(word, value);
      assert.equal(memory.readWord(word), value);
    }
    const text = memory.writeString('naïve €');
    assert.equal(memory.readBytes(text, 11).toString('utf8'), 'naïve €\0');
    const copied = memory.writeBytes(Uint8Array.of(1, 2, 255));
    assert.deepEqual([...memory.readBytes(copied, 3)], [1, 2, 255]);
    assert.equal(copied % 16, 0);
  });

  test('it grows when a program needs more, and is kept when not', () => {
    const memory = new ProgramMemory();
    const first = memory.begin(4096).allocate(16);
    const again = memory.begin(4096);
    assert.equal(again.allocate(16), first);
    assert.throws(() => again.allocate(1 << 18), RangeError);
    const large = memory.begin(1 << 20);
    const address = large.allocate(1 << 20);
    large.writeWord(address + (1 << 20) - 8, 42);
    assert.equal(large.readWord(address + (1 << 20) - 8), 42);
  });

  test('a thousand programs take no descriptor and no mapping', () => {
    const mappings = () => readFileSync('/proc/self/maps', 'utf8').match(/\/dev\/zero/g)?.length ?? 0;
    const before = [readdirSync('/proc/self/fd').length, mappings()];
    assert.ok(mappings() > 0);
    for (let round = 0; round < 1000; round++) assert.equal(runCalls([umask(process.umask())]).failure, undefined);
    assert.deepEqual([readdirSync('/proc/self/fd').length, mappings()], before);
  });
});

function signalMask(): string | undefined {
  return /^SigBlk:\t(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
}
