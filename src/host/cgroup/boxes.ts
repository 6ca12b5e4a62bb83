import { readFileSync } from 'node:fs';
import { CONTROLLERS, type Controller } from '../../plan/cgroup.js';
import { ownPidNamespaceInode } from '../pid-namespace.js';
import { isAlive, statOf } from '../process.js';
import { type Maker, makerOf } from './name.js';
import { type NamedCgroup, namedCgroups } from './named.js';
import { type BoxCgroup, readCgroups } from './readings.js';
import { parseStats, type Stats } from './stats.js';
import { processesIn, visitTree } from './tree.js';

/** The boxes that are running on this host and have cgroups, whoever has started them. */

export interface SeenBox {
  /** Of its cgroups; no other box has it as long as this one runs. */
  readonly name: string;
  /** What started it, nsgen or a script; undefined when it has ended, or is not to be seen from here. */
  readonly launcher: { readonly pid: number; readonly program: string | undefined } | undefined;
  /** Its first process; undefined when this pid namespace has no number for it. */
  readonly pid: number | undefined;
  /** Undefined when it is not to be read. */
  readonly command: readonly string[] | undefined;
  readonly stats: Stats;
}

export function seenBoxes(): readonly SeenBox[] {
  return grouped(namedCgroups()).flatMap(cgroups => {
    const box = boxOf(cgroups);
    return box === undefined ? [] : [box];
  });
}

/** One box has cgroups of one name in several hierarchies. A box can make one in its own that has the name of another's. */
function grouped(found: readonly NamedCgroup[]): readonly (readonly NamedCgroup[])[] {
  const groups = new Map<string, NamedCgroup[]>();
  for (const cgroup of found) {
    const others = found.filter(({ name, mount }) => name === cgroup.name && mount === cgroup.mount);
    const key = `${cgroup.name} ${others.indexOf(cgroup)}`;
    groups.set(key, [...(groups.get(key) ?? []), cgroup]);
  }
  return [...groups]
    .sort(([one], [other]) => one.localeCompare(other, 'en', { numeric: true }))
    .map(([, each]) => each);
}

function boxOf(cgroups: readonly NamedCgroup[]): SeenBox | undefined {
  const [{ name = '', directory = '' } = {}] = cgroups;
  const maker = makerOf(name);
  const readings = readCgroups(cgroups.map(counted));
  const processes = processesBelow(directory);
  // Made a moment ago, or left behind.
  if (maker === undefined || readings === undefined || processes === undefined) return undefined;
  const seen = processes.flatMap(pid => {
    const status = statOf(pid);
    return status === undefined ? [] : [{ pid, start: Number(status.start), used: status.used }];
  });
  const pid = firstOf(seen);
  const stats = parseStats(readings, undefined);
  return {
    name,
    launcher: launcherOf(maker),
    pid,
    command: pid === undefined ? undefined : commandOf(pid),
    // Version 1 has a hierarchy for limits of cpu time, and one, in which the box may have no cgroup, for counting it.
    stats: { ...stats, cpu: { ...stats.cpu, total: stats.cpu.total ?? timeOf(seen) } },
  };
}

function launcherOf(maker: Maker): SeenBox['launcher'] {
  if (maker.namespace !== ownPidNamespaceInode() || !isAlive(maker)) return undefined;
  return { pid: maker.pid, program: contentOf(`/proc/${maker.pid}/comm`)?.trimEnd() };
}

interface Process {
  readonly pid: number;
  readonly start: number;
  readonly used: number;
}

/** Microseconds, from what the processes themselves have used, to ten milliseconds. */
const timeOf = (processes: readonly Process[]): number | undefined =>
  processes.length === 0 ? undefined : processes.reduce((sum, { used }) => sum + used, 0) * MICROSECONDS_OF_A_TICK;

/** USER_HZ is 100 on x86-64 and arm64: time(7). */
const MICROSECONDS_OF_A_TICK = 10_000;

function counted({ directory, mount }: NamedCgroup): BoxCgroup {
  const { version } = mount;
  const names =
    version === 1
      ? mount.names
      : new Set([...(contentOf(`${directory}/cgroup.controllers`) ?? '').trim().split(' '), 'cpuacct']);
  return { version, directory, controllers: CONTROLLERS.filter(controller => names.has(nameOf(controller, version))) };
}

const nameOf = (controller: Controller, version: 1 | 2): string =>
  controller === 'io' && version === 1 ? 'blkio' : controller;

/** Undefined when there are none, as far as is known; of another pid namespace they have no numbers here. */
function processesBelow(directory: string): readonly number[] | undefined {
  const pids: number[] = [];
  visitTree(directory, {
    enter(place) {
      pids.push(...(processesIn(place) ?? []));
    },
  });
  const events = contentOf(`${directory}/cgroup.events`) ?? '';
  return pids.length > 0 || events.includes('populated 1') ? pids : undefined;
}

/** The oldest; of several that the clock cannot tell apart, the one with the lowest number. */
const firstOf = (processes: readonly Process[]): number | undefined =>
  processes.toSorted((one, other) => one.start - other.start || one.pid - other.pid)[0]?.pid;

/** Of a process without arguments, which is one that has ended or wants to have none, the name in brackets, as ps does. */
function commandOf(pid: number): readonly string[] | undefined {
  const line = contentOf(`/proc/${pid}/cmdline`);
  if (line === undefined || line !== '') return line?.replace(/\0$/, '').split('\0');
  const program = contentOf(`/proc/${pid}/comm`)?.trimEnd();
  return program === undefined ? undefined : [`[${program}]`];
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
