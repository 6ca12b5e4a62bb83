import assert from 'node:assert/strict';
import { packageRoot } from '../../src/package-root.js';
import { execute, type Finished, nsgenPath } from '../support/cli.js';
import { descendants, hostState } from '../support/leftovers.js';

/** Runs the commands that people type by hand and nsgen's box for the same, to compare what comes of them. */

export const BACKENDS = ['ffi', 'script'] as const;

/** Who runs both: root, or a user without any rights. */
export const USERS = ['root', 'nobody'] as const;
export type User = (typeof USERS)[number];

/** The command line, as a user would run it. Without a shell and without a process more. */
export function as(user: User, command: readonly string[]): readonly string[] {
  if (user === 'root') return command;
  return [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    '--',
    '/bin/sh',
    '-c',
    BECOME_NOBODY,
    packageRoot,
    ...command,
  ];
}

/** The project may lie where nobody may go, below root's home for example: it is shown to nobody at another place. */
const PLACE_FOR_NOBODY = '/mnt';
const BECOME_NOBODY = `mount --bind -- "$0" ${PLACE_FOR_NOBODY} && exec setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"`;

export function nsgenCommand(user: User, args: readonly string[]): readonly string[] {
  const path = user === 'root' ? nsgenPath : nsgenPath.replace(packageRoot, PLACE_FOR_NOBODY);
  return as(user, [process.execPath, path, ...args]);
}

export function run(command: readonly string[], input: string | Uint8Array, cwd?: string): Promise<Finished> {
  const [program = '', ...args] = command;
  return execute(program, args, { input, ...(cwd === undefined ? {} : { cwd }) });
}

/** Checks that the host is, after `act`, as it was before: its mounts, its cgroups, no process left. */
export async function leavingNothing(act: () => Promise<void>): Promise<void> {
  const before = state();
  await act();
  assert.deepEqual(state(), before);
  assert.deepEqual(descendants(), []);
}

/** Files come and go with other tests; those of this one are its own to compare. */
const state = () => hostState().filter(line => !line.startsWith('file '));

const PS_ROW = /^(\S+ +\d+ +\d+) +\d+ \S+ +(\S+) +\d+:\d\d:\d\d (.*)$/gm;

/** `ps -ef` without what differs from one second to the next: C, STIME and TIME. */
export const withoutTimes = (text: string): string => text.replace(PS_ROW, '$1 $2 $3');
