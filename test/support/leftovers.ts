import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** What a box could leave behind on the host, as a list of lines to compare before and after. */
export function hostState(): readonly string[] {
  return [
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map(line => `mount ${line}`),
    ...cgroupDirectories('/sys/fs/cgroup').map(path => `cgroup ${path}`),
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

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

function cgroupDirectories(directory: string): readonly string[] {
  return directoriesIn(directory).flatMap(name => [
    `${directory}/${name}`,
    ...cgroupDirectories(`${directory}/${name}`),
  ]);
}

/** Cgroups of others go while one looks. */
function directoriesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}
