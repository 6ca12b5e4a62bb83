import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { execute, nsgen, nsgenPath } from './support/cli.js';
import { ownDirectory } from './support/own-directory.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';
import { delay } from './support/session.js';

/** The calls in a plan are the calls that are made, in that order, by the process that the plan says: strace(1) looks. */

const directory = ownDirectory('strace');
const rootfs = makeRootfs(['cat', 'bash'], ['proc', 'data', 'tmp']);
after(() => removeRootfs(rootfs));

mkdirSync(join(directory, 'layer'));

const other = spawn('unshare', ['--net', '--uts', '--ipc', 'sleep', '1000'], { stdio: 'ignore' });
after(() => other.kill('SIGKILL'));
for (let tries = 0; readFileSync(`/proc/${other.pid}/comm`, 'utf8') !== 'sleep\n'; tries++) {
  assert.ok(tries < 500, 'unshare does not come to its end');
  await delay(10);
}
const joined = (type: string) => ['--join', `${type}:/proc/${other.pid}/ns/${type}`];

const BOXES: Readonly<Record<string, readonly string[]>> = {
  'the default box': [],
  'nothing but a process': ['--share', 'pid,mount,uts,ipc,net,cgroup'],
  "a C program's pid and mount namespace and its proc": ['--share', 'uts,ipc,net,cgroup'],
  'a rootfs with pivot_root, mounts and names': [
    ...['--rootfs', rootfs, '--bind', '/etc:/data:ro', '--bind', `${directory}:/tmp`, '--tmpfs', '/data:size=1m'],
    ...['--tmpfs', '/tmp:mode=700', '--hostname', 'box', '--domainname', 'box.example', '-w', '/tmp'],
  ],
  'an overlay': [...['--rootfs', rootfs, '--overlay', '--overlay-lower', join(directory, 'layer')]],
  'an overlay that is kept': [
    ...['--rootfs', rootfs, '--overlay-upper', join(directory, 'upper')],
    ...['--unshare', 'user', '--no-dev', '--privileged'],
  ],
  'mounts of every type, links and files': [
    ...['--rootfs', rootfs, '--mount', 'type=sysfs,dst=/sys', '--mount', 'type=cgroup,dst=/sys/fs/cgroup'],
    ...['--mount', 'type=mqueue,dst=/mq', '--mount', 'type=devpts,dst=/pts,gid=5', '--mount', 'type=proc,dst=/p,ro'],
    ...['--tmpfs', '/tmp:nr_inodes=9,ro', '--bind', '/etc:/data:nosuid,noexec,bind,rprivate'],
    ...['--no-dev', '--privileged', '--symlink', 'x:/made/link', '--add-file', '/etc/hostname:/made/file:4751'],
  ],
  'a chroot': ['--rootfs', rootfs, '--chroot', '--no-loopback'],
  'a user namespace': ['--unshare', 'user'],
  'clocks of its own': ['--unshare', 'user,time', '--monotonic', '5', '--boottime', '7'],
  'joined namespaces': [...joined('net'), ...joined('uts'), ...joined('ipc')],
  limits: ['--memory', '100M', '--cpus', '0.5', '--cpuset-cpus', '0', '--pids-limit', '50'],
  'limits in a user namespace that shares its cgroup namespace': [
    ...[
      '--unshare',
      'user',
      '--share',
      'cgroup',
      '--memory',
      '1g',
      '--memory-swap',
      '2g',
      '--memory-reservation',
      '64m',
    ],
  ],
  'limits and joined namespaces': [...joined('net'), '--cpu-shares', '512', '--pids-limit=-1'],
  'limits and a rootfs': ['--rootfs', rootfs, '--cpu-quota', '50000', '--cpu-period', '200000'],
  'arguments and variables that need quotes': ['-e', 'QUOTES="a\\b"', '-e', 'LINES=a\nb'],
};

for (const [name, flags] of Object.entries(BOXES)) {
  test(`${name}: the calls of the plan are the calls made`, async () => {
    const command = name.startsWith('arguments') ? ['cat', '--', '-'] : ['cat'];
    const planned = await plannedCalls([...flags, '--', ...command]);
    const made = await tracedCalls([...flags, '--', ...command]);
    assert.ok(planned.length > 10 && made.length > 10);
    const executed = made.findIndex(({ text, result }) => text.startsWith('execve(') && result === '0');
    assert.equal(executed, made.length - 1, 'the command is executed, and last');
    const numbers = new Set(['0', '1', '2']);
    let index = 0;
    for (const { text, result } of made) {
      // A call under a condition is made or not.
      while (CONDITION.test(planned[index] ?? '') && !isSame(planned[index] ?? '', text)) index += 1;
      const plannedCall = planned[index];
      assert.ok(plannedCall !== undefined, `more than the plan: ${text}`);
      if (text.startsWith('pipe2(')) for (const [number] of text.matchAll(/\d+/g)) numbers.add(number);
      assertSame(plannedCall, text, numbers);
      if (/^\d+$/.test(result)) numbers.add(result);
      index += 1;
    }
    // What is left of the plan are directories of PATH that were not needed any more.
    for (const call of planned.slice(index)) assert.match(call.replace(CONDITION, ''), /^execve\(/);
  });
}

describe('the calls of the maker', () => {
  test('are clone3, between blocking all signals and restoring the mask', async () => {
    const traces = await trace(['--', 'true']);
    const main = [...traces.values()].find(lines => lines.some(isBoxClone)) ?? [];
    const clone = main.findIndex(isBoxClone);
    assert.match(main[clone - 1] ?? '', /^rt_sigprocmask\(SIG_BLOCK, ~\[[^\]]*\], \[.*\], 8\) /);
    assert.match(main[clone + 1] ?? '', /^rt_sigprocmask\(SIG_SETMASK, \[.*\], NULL, 8\) /);
  });
});

/** What `nsgen plan` puts before a call that depends on how the one above it ended. */
const CONDITION = /^ +(?:(?:on [A-Za-z, ]+|by the launcher): )+/;

const isSame = (planned: string, made: string): boolean => match(planned, made) !== null;

/** Equal but for what a plan cannot know: `<name>` stands for a number that an earlier call returned. */
function match(planned: string, made: string): RegExpExecArray | null {
  const pattern = normalised(planned.replace(CONDITION, ''))
    .split(/(<[^>]*>)/)
    .map((part, index) => (index % 2 === 1 ? '(\\d+)' : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')))
    .join('');
  return new RegExp(`^${pattern}$`).exec(normalised(made));
}

function assertSame(planned: string, made: string, numbers: ReadonlySet<string>): void {
  const found = match(planned, made);
  assert.ok(found, `planned ${planned}\nmade    ${made}`);
  const isPidfd = planned.includes('<pidfd of nsgen>');
  for (const number of found.slice(1)) assert.ok(isPidfd || numbers.has(number), `${number} in ${made}`);
}

/** Flags in one order, signals by number, and none of the remarks that strace adds. */
function normalised(call: string): string {
  return (
    call
      .replace(/ \/\* .*? \*\//g, '')
      .replace('4294967295', '~0U')
      .replace(/"\\177ELF(?:[^"\\]|\\.)*"(?:\.\.\.)?/, 'ELF')
      // strace does not know it yet.
      .replace('MFD_CLOEXEC|0x10', 'MFD_CLOEXEC|MFD_EXEC')
      // Of the process, its start and a counter.
      .replace(/(?<=\/nsgen-)\d+-\d+-\d+(?:-\d+)?(?=")/, '...')
      .replace(/^rt_sigaction\((SIG\w+)/, (_, signal: string) => `rt_sigaction(${signalNumber(signal)}`)
      .replace(/\w+(?:\|\w+)+/g, set =>
        set
          .split('|')
          .filter(flag => flag !== 'O_RDONLY')
          .toSorted()
          .join('|'),
      )
  );
}

function signalNumber(name: string): number {
  if (name === 'SIGRTMIN') return 32;
  const realTime = /^SIGRT_(\d+)$/.exec(name);
  if (realTime !== null) return 32 + Number(realTime[1]);
  const known = Object.entries(constants.signals).find(([other]) => other === name);
  assert.ok(known, name);
  return known[1];
}

async function plannedCalls(args: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr, status } = await nsgen(['plan', '--json', ...args], { cwd: directory });
  assert.deepEqual([status, stderr], [0, '']);
  const operations: readonly { readonly systemCalls: readonly string[] }[] = JSON.parse(stdout);
  return operations.flatMap(({ systemCalls }) => systemCalls);
}

interface Traced {
  readonly text: string;
  readonly result: string;
}

/** From the clone3 that makes the box to the execve that becomes its command, through the processes that it makes. */
async function tracedCalls(args: readonly string[]): Promise<readonly Traced[]> {
  const traces = await trace(args);
  const makers = [...traces.values()].filter(lines => lines.some(isBoxClone));
  // nsgen, and the process that joins namespaces.
  const first = makers.find(lines => lines.some(line => /^clone3\(.*CLONE_THREAD/.test(line)));
  assert.ok(first !== undefined);
  const calls: Traced[] = [];
  // What it makes for the box before the box itself, with all signals blocked.
  const beforeClone = first.slice(0, first.findIndex(isBoxClone) + 1);
  let lines: readonly string[] = beforeClone.slice(
    beforeClone.findLastIndex(line => line.startsWith('rt_sigprocmask(')) + 1,
  );
  while (lines.length > 0) {
    const upTo = lines.findIndex(line => isBoxClone(line) || /^execve\(.* = 0$/.test(line));
    calls.push(...lines.slice(0, upTo + 1).map(parseLine));
    const last = calls.at(-1);
    lines = last?.text.startsWith('clone3(') ? (traces.get(last.result) ?? []) : [];
  }
  return calls;
}

/** One file for each process: the lines of none are cut by those of another. */
async function trace(args: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const place = mkdtempSync(join(directory, 'trace-'));
  mkdirSync(place, { recursive: true });
  const { status, stderr } = await execute(
    'strace',
    [
      ...['-ff', '-qq', '-v', '-s', '65536', '-e', 'signal=none', '-o', join(place, 'process')],
      ...[process.execPath, nsgenPath, 'run', ...args],
    ],
    { cwd: directory },
  );
  assert.deepEqual([status, stderr], [0, '']);
  return new Map(
    readdirSync(place).map(name => [
      name.slice('process.'.length),
      readFileSync(join(place, name), 'utf8').split('\n'),
    ]),
  );
}

const isBoxClone = (line: string): boolean => /^clone3\(.*CLONE_VFORK/.test(line);

function parseLine(line: string): Traced {
  const match = /^(.*\)) += (-?\w+)(?: .*)?$/.exec(line);
  assert.ok(match?.[1] !== undefined && match[2] !== undefined, line);
  return { text: match[1], result: match[2] };
}
