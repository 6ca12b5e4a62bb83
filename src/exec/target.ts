import { closeSync, constants, openSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { EXIT_STATUS, StartError } from '../backends/failure.js';
import { NAMESPACE_TYPES, type NamespaceType, namespaceFile } from '../box/values.js';
import { type ProcessIdentity, parseStat } from '../host/process.js';
import type { ResourceLimit } from '../plan/operations/resource-limits.js';
import { parseLimits } from './limits.js';
import { parseStatus, type Status } from './status.js';

/** A process that runs, as /proc shows it, held by a descriptor: nothing here is of a later process of its number. */
export interface Target {
  readonly process: ProcessIdentity;
  /** A descriptor of its directory in /proc. */
  readonly directory: number;
  readonly status: Status;
  readonly limits: readonly ResourceLimit[];
  /** Those that the caller is not in. */
  readonly namespaces: readonly NamespaceType[];
  /** Whether its root is another file than the caller's. */
  readonly otherRoot: boolean;
  /** /proc/PID/cgroup */
  readonly cgroups: string;
  /** /proc/PID/uid_map */
  readonly uidMap: string;
  /** What it was started with: NAME=VALUE each, as latin1 keeps every byte. */
  readonly environment: readonly string[];
  /** Of AppArmor, SELinux or another security module; undefined: none confines it. */
  readonly label: string | undefined;
}

/**
 * @param wanted with a start time: that process, or none. The caller closes the directory.
 * @throws StartError when it has ended, or may not be looked at.
 */
export function openTarget(wanted: { readonly pid: number; readonly start?: string }): Target {
  const directory = openDirectory(wanted.pid);
  try {
    return readTarget(wanted, directory);
  } catch (error) {
    closeSync(directory);
    throw refusal(wanted.pid, error);
  }
}

function openDirectory(pid: number): number {
  try {
    return openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw refusal(pid, error);
  }
}

function readTarget({ pid, start }: { readonly pid: number; readonly start?: string }, directory: number): Target {
  const path = (name: string) => `/proc/self/fd/${directory}/${name}`;
  const read = (name: string) => readFileSync(path(name), 'latin1');
  const stat = parseStat(read('stat'));
  if (ENDED.includes(stat.state) || (start !== undefined && stat.start !== start)) throw ended(pid);
  const namespaces = NAMESPACE_TYPES.filter(type => {
    const file = `ns/${namespaceFile(type)}`;
    const [own, other] = [linkOf(`/proc/self/${file}`), linkOf(path(file))];
    return own !== undefined && own !== other;
  });
  return {
    process: { pid, start: stat.start },
    directory,
    status: parseStatus(read('status')),
    limits: parseLimits(read('limits')),
    namespaces,
    otherRoot: !sameFile(path('root'), '/'),
    cgroups: read('cgroup'),
    uidMap: read('uid_map'),
    environment: read('environ')
      .split('\0')
      .filter(entry => /^[^=]+=/.test(entry)),
    label: confinement(read),
  };
}

/** A zombie has no namespaces any more. */
const ENDED: readonly string[] = ['Z', 'X', 'x'];

/** Undefined: this kernel has no such namespaces. Whoever may not look gets the error. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (path.startsWith('/proc/self/ns/') && codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function sameFile(one: string, other: string): boolean {
  const [a, b] = [statSync(one), statSync(other)];
  return a.dev === b.dev && a.ino === b.ino;
}

/** What each says of a process that it lets do everything. */
const UNCONFINED: readonly string[] = ['', 'unconfined', 'kernel', '_'];

function confinement(read: (name: string) => string): string | undefined {
  try {
    const label = read('attr/current').replace(/[\0\n].*$/s, '');
    return UNCONFINED.includes(label) || label === ownLabel() ? undefined : label;
  } catch {
    // EINVAL: no security module has labels here.
    return undefined;
  }
}

const ownLabel = () => readFileSync('/proc/self/attr/current', 'latin1').replace(/[\0\n].*$/s, '');

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

const ended = (pid: number): StartError =>
  new StartError(`process ${pid} has ended: there is nothing to join`, EXIT_STATUS.failed);

function refusal(pid: number, error: unknown): Error {
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ESRCH') return ended(pid);
  if (code === 'EACCES' || code === 'EPERM')
    return new StartError(
      `process ${pid}: ${code}: it is somebody else's: joining it takes its user, or root (CAP_SYS_PTRACE)`,
      EXIT_STATUS.failed,
    );
  return error instanceof Error ? error : new Error(String(error));
}
