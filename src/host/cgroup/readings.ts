import { existsSync, readFileSync } from 'node:fs';
import type { Controller } from '../../plan/cgroup.js';

/** What the kernel's files say about a cgroup, word for word: read from its directories, or written down by a script. */

/** A cgroup of a box, in one hierarchy. */
export interface BoxCgroup {
  readonly version: 1 | 2;
  /** What it counts, or controls; of what else its hierarchy has, nothing is read. */
  readonly controllers: readonly Controller[];
  readonly directory: string;
}

/** Contents by the name of the file. A file that a host lacks is missing here. */
export type Readings = ReadonlyMap<string, string>;

const PIDS = ['pids.current', 'pids.peak', 'pids.max'];

/** What is worth reading, for each controller. Not every kernel has all of it. */
export const STATS_FILES: Readonly<Record<1 | 2, Partial<Readonly<Record<Controller, readonly string[]>>>>> = {
  1: {
    memory: [
      'memory.usage_in_bytes',
      'memory.max_usage_in_bytes',
      'memory.limit_in_bytes',
      'memory.oom_control',
      'memory.failcnt',
      'memory.memsw.failcnt',
    ],
    cpu: ['cpu.stat'],
    cpuacct: ['cpuacct.usage', 'cpuacct.usage_user', 'cpuacct.usage_sys'],
    pids: PIDS,
    io: ['blkio.throttle.io_service_bytes_recursive', 'blkio.throttle.io_serviced_recursive'],
  },
  2: {
    memory: ['memory.current', 'memory.peak', 'memory.max', 'memory.events'],
    cpu: ['cpu.stat'],
    cpuacct: ['cpu.stat'],
    pids: PIDS,
    io: ['io.stat'],
  },
};

const filesOf = ({ version, controllers }: BoxCgroup): readonly string[] => [
  ...new Set(controllers.flatMap(controller => STATS_FILES[version][controller] ?? [])),
];

/**
 * Reads what the kernel has counted so far.
 *
 * @returns undefined when the box has ended meanwhile and its cgroups are gone: of what was read, a part may be missing.
 */
export function readCgroups(cgroups: readonly BoxCgroup[]): Readings | undefined {
  const readings = new Map<string, string>();
  for (const cgroup of cgroups)
    for (const file of filesOf(cgroup)) {
      const content = contentOf(`${cgroup.directory}/${file}`);
      if (content !== undefined) add(readings, file, content);
    }
  return cgroups.every(({ directory }) => existsSync(directory)) ? readings : undefined;
}

/** On a hybrid host there may be two files cpu.stat, with different keys. */
function add(readings: Map<string, string>, file: string, content: string): void {
  readings.set(file, `${readings.get(file) ?? ''}${content}`);
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Of an older kernel, or of a box that has ended: there is nothing to be said then.
    return undefined;
  }
}

/**
 * Takes apart what a script has written for --stats: the name of a file and one line of it, in each line. A file that
 * was there and empty is its name alone.
 */
export function parseReadings(text: string): Readings {
  const readings = new Map<string, string>();
  for (const [, file, line = ''] of text.matchAll(/^([a-z0-9_.]+)(?: (.*))?$/gm))
    if (file !== undefined) add(readings, file, line === '' ? '' : `${line}\n`);
  return readings;
}
