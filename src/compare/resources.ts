import { readdirSync, readFileSync, statSync } from 'node:fs';
import { hierarchies } from '../host/cgroup/mounts.js';

/** What of the cgroups of a box is set, as it is seen from outside: inside there need be nothing to see it by. */

/** Waits for its input to end, and says so by repeating what it is given. */
export const WAITING_COMMAND = ['/bin/cat'] as const;
const WAITING = 'cat';

/**
 * Every file of its cgroups that somebody may write to, with what is in it, and those that only list; of a cgroup that
 * is the caller's own, which the box was not given, just that.
 *
 * @param launcher the box's first process, or one that it descends from.
 */
export function resourcesOf(launcher: number): string {
  const pid = [launcher, ...descendants(launcher)].find(candidate => textOf(`/proc/${candidate}/comm`) === WAITING);
  if (pid === undefined) return 'not visible here: no process of the box\n';
  const membership = textOf(`/proc/${pid}/cgroup`);
  const callers = new Set(textOf('/proc/self/cgroup').split('\n'));
  const lines = membership.split('\n').filter(line => !callers.has(line));
  const common = membership.split('\n').filter(line => callers.has(line));
  return [
    ...common.map(line => `${line.split(':')[1] || 'unified'}: the caller's`),
    ...hierarchies(undefined, lines.join('\n')).mounted.flatMap(({ controllers, own }) => [
      `${controllers.join(',') || 'unified'}: ${own}`,
      ...settingsIn(own),
    ]),
    '',
  ].join('\n');
}

/** What changes by itself, what does something when it is written to, and what has a section of its own. */
const NO_SETTING =
  /usage|failcnt|current|peak|events|stat|pressure|reclaim|kill|procs|tasks|threads|force_empty|reset|event_control/;
const LISTS = ['devices.list'];

function settingsIn(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter(name => LISTS.includes(name) || (!NO_SETTING.test(name) && isSetting(`${directory}/${name}`)))
    .sort()
    .flatMap(name =>
      textOf(`${directory}/${name}`)
        .split('\n')
        .map(line => `  ${name}: ${line}`),
    );
}

function isSetting(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o600) === 0o600;
}

function descendants(pid: number): readonly number[] {
  const children = textOf(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return children.flatMap(child => [child, ...descendants(child)]);
}

/** Of what is there: processes end, and not every file can be read. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1').trimEnd();
  } catch {
    return '';
  }
}
