import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { PR_SET_CHILD_SUBREAPER, WNOHANG } from '../../src/linux/constants.js';
import { runCalls } from '../../src/linux/program.js';
import { integer, NULL, type SystemCall, symbol } from '../../src/linux/system-call.js';

/** What a box could leave behind on the host, as a list of lines to compare before and after. */
export function hostState(): readonly string[] {
  return [
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map(line => `mount ${line}`),
    ...cgroupsOfBoxes('/sys/fs/cgroup').map(path => `cgroup ${path}`),
    ...readdirSync(tmpdir())
      .filter(name => name.startsWith('nsgen-'))
      .map(name => `file ${name}`),
  ].sort();
}

/** Processes that descend from this one, zombies included: a box that was not reaped is among them. */
export function descendants(pid: number = process.pid): readonly number[] {
  const children = readdirSync('/proc').flatMap(name => {
    const child = /^\d+$/.test(name) ? Number(name) : undefined;
    return child !== undefined && parentOf(child) === pid ? [child] : [];
  });
  return children.flatMap(child => [child, ...descendants(child)]);
}

/** From now on who loses a parent becomes a child of this process, so that it is among the descendants. */
export function adoptOrphans(): void {
  const option = symbol('PR_SET_CHILD_SUBREAPER', PR_SET_CHILD_SUBREAPER);
  runCalls([{ name: 'prctl', arguments: [option, integer(1), integer(0), integer(0), integer(0)] }]);
}

/** Those that have ended. Only when Node has no child of its own: it would wait for that in vain. */
export function reapOrphans(): void {
  const wait: SystemCall = {
    name: 'wait4',
    arguments: [integer(-1), NULL, symbol('WNOHANG', WNOHANG), NULL],
    tolerate: ['ECHILD'],
  };
  while ((runCalls([wait]).result(wait) ?? -1) > 0);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/**
 * The cgroups that boxes have: a host makes and removes others of its own meanwhile. One whose maker lives, and is no
 * process of this test, belongs to somebody else who starts boxes; and so does all in those of another test (ownCgroups),
 * which may have killed the maker.
 */
function cgroupsOfBoxes(directory: string, own: readonly number[] = descendants()): readonly string[] {
  const names = readdirSync(directory, { withFileTypes: true }).flatMap(entry =>
    entry.isDirectory() ? [entry.name] : [],
  );
  return names.flatMap(name => {
    const path = `${directory}/${name}`;
    const test = Number(/^test-(\d+)-/.exec(name)?.[1] ?? process.pid);
    if (test !== process.pid && parentOf(test) !== undefined) return [];
    const maker = /^nsgen-(\d+)-/.exec(name)?.[1];
    if (maker === undefined) return cgroupsIn(path, own);
    const foreign = parentOf(Number(maker)) !== undefined && ![...own, process.pid].includes(Number(maker));
    return foreign ? [] : [path, ...cgroupsIn(path, own)];
  });
}

/** What is gone by now has nothing in it. */
function cgroupsIn(directory: string, own: readonly number[]): readonly string[] {
  try {
    return cgroupsOfBoxes(directory, own);
  } catch {
    return [];
  }
}
