import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { patience } from '../guest/patience.js';
import { cgroupOf } from '../support/cgroups.js';
import { execute, nsgenPath } from '../support/cli.js';
import { descendants } from '../support/leftovers.js';

/** Perl with limits: as people give them by hand, and as nsgen's box has them. */

export const WAYS = ['by hand', 'ffi', 'script'] as const;
export type Way = (typeof WAYS)[number];

/** Bytes with M or G; processes; cpus; shares as of docker and version 1. */
export interface Limits {
  readonly memory?: string;
  readonly memoryAndSwap?: string;
  readonly pids?: number;
  readonly cpus?: number;
  readonly shares?: number;
}

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function run(way: Way, limits: Limits, program: string, ...args: readonly string[]): Promise<Ended> {
  const { words, remove } = prepare(way, limits, ['perl', '-e', program, ...args]);
  try {
    const { status, stdout, stderr } = await execute(words[0] ?? '', words.slice(1));
    return { status, stdout, stderr };
  } finally {
    remove();
  }
}

/** A perl under way. */
export interface Started {
  /** Of perl, as the host sees it. */
  readonly pid: number;
  /** Ends it with all that it has started. */
  end(): Promise<void>;
}

/** @param program prints a line when it has begun. */
export async function start(way: Way, limits: Limits, program: string, ...args: readonly string[]): Promise<Started> {
  const { words, remove } = prepare(way, limits, ['perl', '-e', program, ...args]);
  const child = spawn(words[0] ?? '', words.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), closed.then(() => Promise.reject(new Error(`${way}: ended`)))]);
  const pid = firstPerl(child);
  const { directory } = cgroupOf(pid, limits.pids === undefined ? 'cpu' : 'pids');
  return {
    pid,
    async end() {
      if (way === 'by hand') await killAll(directory);
      else process.kill(pid, 'SIGKILL');
      await closed;
      remove();
    },
  };
}

/** The perl that was there first, of all that have come of it since. */
function firstPerl({ pid: root }: ChildProcess): number {
  const perls = descendants(root).filter(pid => nameOf(pid) === 'perl');
  const first = perls[0];
  if (first === undefined) throw new Error('there is no perl');
  return first;
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  } catch {
    return '';
  }
}

async function killAll(directory: string): Promise<void> {
  // From here on nobody starts anybody.
  if (existsSync(`${directory}/pids.max`)) writeFileSync(`${directory}/pids.max`, '0');
  for (let tries = 0; tries < 100 * patience; tries += 1) {
    const pids = existsSync(directory) ? readFileSync(`${directory}/cgroup.procs`, 'latin1').split('\n') : [];
    if (pids.every(pid => pid === '')) return;
    for (const pid of pids.filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    await delay(10);
  }
  throw new Error(`${directory} does not become empty`);
}

interface Prepared {
  readonly words: readonly string[];
  remove(): void;
}

function prepare(way: Way, limits: Limits, command: readonly string[]): Prepared {
  if (way === 'by hand') return { words: ['bash', '-c', handWritten(limits), 'by-hand', ...command], remove() {} };
  const directory = mkdtempSync(join(tmpdir(), 'nsgen-test-limits-'));
  const file = join(directory, 'box.json');
  const { memory, memoryAndSwap, pids, cpus, shares } = limits;
  const box = {
    resources: {
      memory: { limit: memory, swap: memoryAndSwap },
      cpu: { quota: cpus === undefined ? undefined : cpus * 100_000, shares },
      ...(pids === undefined ? {} : { pids: { limit: pids } }),
    },
    // Version 1 counts cpu time in a hierarchy of its own.
    accounting: cpus !== undefined,
    command,
  };
  writeFileSync(file, JSON.stringify(box));
  const words = [process.execPath, nsgenPath, 'run', '--backend', way, '-f', file];
  return { words, remove: () => rmSync(directory, { recursive: true }) };
}

let made = 0;

/** A cgroup in each hierarchy, its files, its first process; and afterwards they are removed. */
function handWritten({ memory, memoryAndSwap, pids, cpus, shares }: Limits): string {
  made += 1;
  const name = `by-hand-${process.pid}-${made}`;
  const lines: string[] = [];
  const directories = new Set<string>();
  const set = (controller: string, file: Readonly<Record<1 | 2, string>>, value: Readonly<Record<1 | 2, string>>) => {
    const { version, directory } = cgroupOf('self', controller);
    const parent = version === 1 ? directory : topOf(directory);
    const path = `${parent}/${name}`;
    if (version === 2) lines.unshift(`echo +${controller} >${parent}/cgroup.subtree_control`);
    if (!directories.has(path)) lines.push(`mkdir ${path}`);
    directories.add(path);
    if (file[version] !== '') lines.push(`echo ${value[version]} >${path}/${file[version]}`);
  };
  const both = (value: string) => ({ 1: value, 2: value });
  if (memory !== undefined) set('memory', { 1: 'memory.limit_in_bytes', 2: 'memory.max' }, both(memory));
  if (memoryAndSwap !== undefined)
    set('memory', { 1: 'memory.memsw.limit_in_bytes', 2: 'memory.swap.max' }, { 1: memoryAndSwap, 2: '0' });
  if (pids !== undefined) set('pids', both('pids.max'), both(`${pids}`));
  if (cpus !== undefined) {
    const quota = cpus * 100_000;
    set('cpu', { 1: 'cpu.cfs_quota_us', 2: 'cpu.max' }, { 1: `${quota}`, 2: `${quota} 100000` });
    if (cgroupOf('self', 'cpu').version === 1) set('cpuacct', both(''), both(''));
  }
  if (shares !== undefined) set('cpu', { 1: 'cpu.shares', 2: 'cpu.weight' }, { 1: `${shares}`, 2: '10000' });
  const enter = [...directories].map(path => `echo $BASHPID >${path}/cgroup.procs`);
  return [
    'set -e',
    // bash says of each process that a signal has ended that it did.
    'exec 3>&2 2>/dev/null',
    ...lines,
    `status=0; ( ${enter.join('; ')}; exec "$@" 2>&3 3>&- ) || status=$?`,
    // Who has just been killed may not be gone.
    `for directory in ${[...directories].join(' ')}; do until rmdir $directory; do sleep 0.1; done; done`,
    'exit $status',
  ].join('\n');
}

/** Of version 2 the top is where root may have processes and children with controllers. */
function topOf(directory: string): string {
  for (let path = directory; ; path = join(path, '..')) if (!existsSync(`${path}/cgroup.type`)) return path;
}
