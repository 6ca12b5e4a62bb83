import { readFileSync } from 'node:fs';
import { EXIT_STATUS, StartError } from '../../backends/failure.js';
import type { Controller } from '../../plan/cgroup.js';

/** Why a host has no place for the cgroup of a box. templates/functions/ has the same words. */

export const refusal = (field: string, message: string) => new StartError(`${field}: ${message}`, EXIT_STATUS.failed);

export const v1Name = (controller: Controller): string => (controller === 'io' ? 'blkio' : controller);

export function missing(controller: Controller, field: string): StartError {
  return refusal(field, `this host has no cgroup controller ${v1Name(controller)}: ${whyMissing(v1Name(controller))}`);
}

/** /proc/cgroups has every controller of the kernel: subsys_name, hierarchy, num_cgroups, enabled. */
function whyMissing(name: string): string {
  const line = controllersOfKernel().find(([first]) => first === name);
  if (line === undefined) return 'the kernel was built without it';
  if (line[3] === '0') return `it is switched off (a kernel parameter cgroup_disable=${name})`;
  return 'it is in no cgroup file system that is mounted here, or not passed on to this part of it';
}

function controllersOfKernel(): readonly (readonly string[])[] {
  try {
    return readFileSync('/proc/cgroups', 'utf8')
      .split('\n')
      .map(text => text.split('\t'));
  } catch {
    // A kernel without version 1 may have no such file.
    return [];
  }
}

/** A directory in which this process may not make a cgroup, or into which it may not move. */
export interface Denied {
  readonly directory: string;
  readonly readOnly: boolean;
}

export function denied(field: string, what: string, { directory, readOnly }: Denied, wayOut: string): StartError {
  const why = readOnly
    ? `the cgroup file system is mounted read-only there (EROFS): mount it writable`
    : `this process may not write there (EACCES): ${wayOut}`;
  return refusal(field, `cannot make a cgroup for ${what} in ${directory}: ${why}`);
}

export const ROOT_OR_PARENT = 'start nsgen as root, or name a cgroup that is yours with --cgroup-parent';

export const DELEGATED =
  'start nsgen where the cgroups are yours: systemd-run --user --scope -p Delegate=yes nsgen ..., or --cgroup-parent';

export function inTheWay(field: string, what: string, directory: string, pids: readonly number[]): StartError {
  const processes = pids.map(pid => (pid === 0 ? 'some of another pid namespace' : `${pid} (${nameOf(pid)})`));
  return refusal(
    field,
    `${what} cannot be switched on in ${directory}: other processes are in the way: ${processes.join(', ')}: ` +
      'start nsgen in a cgroup of its own (systemd-run --user --scope -p Delegate=yes nsgen ...), or name another with --cgroup-parent',
  );
}

/** Whoever has that name chose it. */
function nameOf(pid: number): string {
  try {
    const [name = ''] = readFileSync(`/proc/${pid}/comm`, 'latin1').split('\n');
    return name.replace(/[^ -~]/g, '?');
  } catch {
    return 'ended';
  }
}

export const failedThere = (field: string, what: string, directory: string) =>
  refusal(field, `${what} cannot be switched on in ${directory}: the kernel refuses it`);

export const notGiven = (field: string, what: string, directory: string) =>
  refusal(
    field,
    `${what} cannot be switched on in ${directory}: its cgroup.controllers has not all of them: whoever made it must pass them on (systemd: Delegate=cpu cpuset io memory pids)`,
  );

export const notOurs = (field: string, what: string, directory: string) =>
  refusal(
    field,
    `${what} cannot be switched on in ${directory}: it belongs to somebody else, or has only threads: ${DELEGATED}`,
  );
