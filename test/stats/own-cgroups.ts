import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { hierarchies } from '../../src/host/cgroup/mounts.js';
import { hostState } from '../support/leftovers.js';

/** The directory of a process's cgroup that has this file, as somebody outside finds it. */
export function directoryOf(pid: number, file: string): string {
  const membership = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  const directories = hierarchies(undefined, membership).mounted.map(({ own }) => own);
  for (const directory of directories) {
    try {
      readFileSync(`${directory}/${file}`);
      return directory;
    } catch {}
  }
  throw new Error(`no cgroup of ${pid} has ${file}:\n${membership}`);
}

/** Cgroups that a process of this number has made. */
export const cgroupsOfMaker = (pid: number): readonly string[] =>
  hostState().flatMap(line => (line.startsWith('cgroup ') && line.includes(`/nsgen-${pid}-`) ? [line.slice(7)] : []));

/** @throws Error when they are still there after ten seconds. */
export async function untilNoCgroupsOf(pid: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (cgroupsOfMaker(pid).length === 0) return;
    await delay(20);
  }
  throw new Error(`these are left: ${cgroupsOfMaker(pid).join(', ')}`);
}
