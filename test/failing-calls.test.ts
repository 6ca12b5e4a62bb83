import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startBox } from '../src/backends/ffi/start.js';
import { type BoxInput, makePlan, type Operation, parseBox, StartError } from '../src/index.js';
import type { SystemCall } from '../src/linux/system-call.js';
import { describe as describeOperation, systemCalls } from '../src/plan/operations.js';
import { descendants, hostState } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { callerOf } from './support/plan-caller.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';

/**
 * Every system call of a plan is made to fail, one after the other, by strace(1): what could only fail on another
 * kernel or under another policy fails here.
 */

const directory = ownDirectory('failing-calls');
mkdirSync(join(directory, 'source'));
const rootfs = makeRootfs(['bash'], ['proc', 'dev', 'data', 'tmp']);
after(() => removeRootfs(rootfs));

const BOXES: Readonly<Record<string, BoxInput>> = {
  'a rootfs with mounts, names and clocks': {
    command: ['true'],
    rootfs,
    mounts: [
      { type: 'bind', source: join(directory, 'source'), destination: '/data', readOnly: true },
      { type: 'tmpfs', destination: '/tmp', size: '1m' },
    ],
    hostname: 'box',
    domainname: 'box.example',
    cwd: '/tmp',
    namespaces: { user: 'new', time: 'new' },
    timeOffsets: { monotonic: 1 },
    dev: false,
    privileged: true,
  },
  'a /dev, masked and read-only paths, a read-only root': {
    command: ['true'],
    rootfs: { path: rootfs, readOnly: true },
    maskedPaths: ['/data', '/usr/bin'],
    readonlyPaths: ['/proc/sys', '/tmp'],
  },
  'links, files and mounts of other types': {
    command: ['true'],
    rootfs,
    mounts: [
      { type: 'mqueue', destination: '/data', readOnly: true },
      { type: 'devpts', destination: '/tmp' },
      { type: 'bind', source: directory, destination: '/proc', noexec: true, propagation: 'rshared' },
    ],
    dev: false,
    privileged: true,
    symlinks: { '/link': 'x' },
    files: { '/file': 'x' },
  },
  'the tree of the host': { command: ['true'] },
  'an init': { command: ['true'], init: true },
  'a chroot': { command: ['true'], rootfs: { path: rootfs, change: 'chroot' }, proc: false },
  'programs of the host': {
    command: ['true'],
    rootfs: { from: ['/etc/hostname'] },
    loopback: false,
    dev: false,
    maskedPaths: [],
    readonlyPaths: [],
  },
  limits: {
    command: ['true'],
    resources: {
      memory: { limit: '64M', swap: '128M' },
      cpu: { quota: 50_000, cpus: '0' },
      pids: { limit: 20 },
    },
    freezer: true,
    loopback: false,
    proc: false,
  },
  'joined namespaces': { command: ['true'], namespaces: { net: '/proc/self/ns/net', uts: '/proc/self/ns/uts' } },
};

/** No call of a box fails with it by itself. */
const INJECTED = { name: 'EXFULL', text: 'errno 54' };

interface Step {
  readonly operation: Operation;
  readonly call: SystemCall;
}

for (const [name, input] of Object.entries(BOXES)) {
  describe(`every call that fails is named: ${name}`, () => {
    const plan = makePlan(parseBox(input));
    const steps = stepsOf(plan);
    let state: readonly string[] = [];
    let descriptors = 0;
    before(() => {
      // Whatever is loaded on first use is loaded before strace counts anything.
      assert.throws(() => startBox(makePlan(parseBox({ command: ['/nonexistent'] })), [0, 1, 2]), StartError);
      state = hostState();
      descriptors = readdirSync('/proc/self/fd').length;
    });

    for (const { operation, call, when } of injections(steps)) {
      test(`${operation.kind}: ${call.name} ${when}`, async () => {
        const error = await startUnderStrace(`${call.name}:error=${INJECTED.name}:when=${when}`, () => {
          startBox(plan, [0, 1, 2]);
        });
        assert.ok(error instanceof StartError, String(error));
        assert.ok(error.message.startsWith(`${describeOperation(operation)}: ${call.name}`), error.message);
        assert.ok(error.message.includes(INJECTED.name) || error.message.includes(INJECTED.text), error.message);
        assert.equal(error.exitStatus, 125);
        assert.deepEqual(descendants(), []);
        assert.equal(readdirSync('/proc/self/fd').length, descriptors);
        assert.deepEqual(hostState(), state);
      });
    }
  });
}

function stepsOf(plan: readonly Operation[]): readonly Step[] {
  const caller = callerOf(plan);
  return plan.flatMap(operation =>
    systemCalls(operation, caller)
      .flatMap(whenAllSucceed)
      .map(call => ({ operation, call })),
  );
}

function whenAllSucceed(call: SystemCall): readonly SystemCall[] {
  return [call, ...(call.onSuccess ?? []).flatMap(whenAllSucceed)];
}

/**
 * Each call with its number among those of its name that the same process makes. Not those that Node makes as well, or
 * that start a program: strace would count the wrong ones. Of sixty calls in a row, the first and the last; of the
 * files that are copied, the first.
 */
function injections(steps: readonly Step[]) {
  const made = new Map<string, number>();
  const copying = new Set<string>();
  const clone = steps.findIndex(({ call }) => call.name === 'clone3');
  return steps.flatMap(({ operation, call }, index) => {
    if (call.name === 'clone3') made.clear();
    // Where the maker opens files too, strace would make the first one fail that any process opens, Node's included.
    if (clone > 0 && ['openat', 'close'].includes(call.name)) return [];
    const when = (made.get(call.name) ?? 0) + 1;
    made.set(call.name, when);
    const inRow = steps[index - 1]?.call.name === call.name && steps[index + 1]?.call.name === call.name;
    const skipped = ['clone3', 'execve', 'rt_sigprocmask', 'write'].includes(call.name);
    const again = operation.kind === 'copy-programs' && copying.has(call.name);
    if (operation.kind === 'copy-programs') copying.add(call.name);
    return skipped || inRow || again ? [] : [{ operation, call, when }];
  });
}

/** Attaches strace to this process, calls `act` synchronously as soon as it is, and returns what that threw. */
async function startUnderStrace(injection: string, act: () => void): Promise<unknown> {
  const [call = ''] = injection.split(':');
  const args = ['-f', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${injection}`, '-p', String(process.pid)];
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise(resolve => strace.on('close', resolve));
  let thrown: unknown;
  await new Promise<void>((resolve, reject) => {
    strace.on('error', reject);
    strace.stderr.once('data', (message: Buffer) => {
      assert.match(message.toString(), /attached/);
      try {
        act();
      } catch (error) {
        thrown = error;
      }
      resolve();
    });
  });
  strace.kill('SIGINT');
  await ended;
  return thrown;
}
