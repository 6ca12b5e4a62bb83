import { closeSync, openSync } from 'node:fs';
import { type ProcessStat, statOf } from '../host/process.js';
import { Attempts, bytesIn, decoded, inodeAt, linkAt } from './attempts.js';
import {
  type Ids,
  type Mount,
  NAMESPACE_TYPES,
  type NamespaceType,
  type ProcessReading,
  type Root,
} from './inspection.js';
import { mountTable } from './mount-table.js';
import { cgroupsOf, commandOf, idMap, parseStatus, rlimitsOf, terminalOf } from './proc-files.js';

/** A process as all its files in /proc tell of it. */
export interface Reading extends ProcessReading {
  readonly inodes: Readonly<Record<NamespaceType, number | null>>;
}

/**
 * Reads a process, until two readings in a row agree: it may execute a program, change its user or end meanwhile.
 *
 * @returns undefined when there is none of that number.
 */
export function readProcess(pid: number): { readonly reading: Reading; readonly changing: boolean } | undefined {
  let before = readOnce(pid);
  for (let tries = 0; tries < 10; tries += 1) {
    const reading = readOnce(pid);
    if (reading === undefined) return undefined;
    if (before !== undefined && lasting(before) === lasting(reading)) return { reading, changing: false };
    before = reading;
  }
  return before && { reading: before, changing: true };
}

/** Whether it runs or sleeps is another matter at each look. Whether it has ended shows in the rest. */
const lasting = ({ process: { state: _, ...process }, ...rest }: Reading): string => JSON.stringify([process, rest]);

function readOnce(pid: number): Reading | undefined {
  const stat = statOf(pid);
  if (stat === undefined) return undefined;
  const reading = readFiles(pid, stat);
  // The number may have become another's, or nobody's.
  return statOf(pid)?.start === stat.start ? reading : undefined;
}

function readFiles(pid: number, stat: ProcessStat): Reading {
  const attempts = new Attempts();
  const at = (name: string) => `/proc/${pid}/${name}`;
  const link = (field: string, name: string) => attempts.read(field, () => linkAt(at(name)));
  const file = <T>(field: string, name: string, parse: (text: string) => T) =>
    attempts.read(field, () => parse(bytesIn(at(name))));
  const status = file('status', 'status', parseStatus);
  const mounts = file('mounts', 'mountinfo', mountTable);
  const reading = {
    process: {
      pid,
      start: stat.start,
      parent: stat.parent,
      name: decoded(stat.name),
      state: stat.state,
      kernelThread: stat.kernelThread,
      pids: status?.pids ?? null,
      command: file('process.command', 'cmdline', commandOf),
      executable: link('process.executable', 'exe'),
      workingDirectory: link('process.workingDirectory', 'cwd'),
      group: stat.group,
      session: stat.session,
      terminal: terminalOf(stat.terminal),
    },
    ids: idsOf(status?.ids ?? null, file('ids.uidMap', 'uid_map', idMap), file('ids.gidMap', 'gid_map', idMap)),
    cgroups: file('cgroups', 'cgroup', cgroupsOf),
    root: attempts.read('root', () => rootAt(at('root'), mounts)),
    mounts,
    capabilities: status?.capabilities ?? null,
    noNewPrivileges: status?.noNewPrivileges ?? null,
    seccomp: status?.seccomp ?? null,
    label: file('label', 'attr/current', text => decoded(text.replace(/[\0\n]+$/, '')) || null),
    rlimits: file('rlimits', 'limits', rlimitsOf),
    inodes: inodesOf(pid, attempts),
  };
  return { ...reading, unreadable: attempts.unreadable };
}

function idsOf(
  ids: Pick<Ids, 'uid' | 'gid' | 'groups'> | null,
  uidMap: Ids['uidMap'],
  gidMap: Ids['gidMap'],
): Ids | null {
  return ids === null ? null : { ...ids, uidMap, gidMap };
}

/** The namespaces that a process is in, by number. */
export function inodesOf(pid: number | 'self', attempts: Attempts): Reading['inodes'] {
  const of = (type: NamespaceType) => attempts.read(`namespaces.${type}`, () => inodeAt(`/proc/${pid}/ns/${type}`));
  const [user, mnt, id, net, uts, ipc, cgroup, time] = NAMESPACE_TYPES.map(of);
  return {
    user: user ?? null,
    mnt: mnt ?? null,
    pid: id ?? null,
    net: net ?? null,
    uts: uts ?? null,
    ipc: ipc ?? null,
    cgroup: cgroup ?? null,
    time: time ?? null,
  };
}

/** Of no other architecture's number: asm-generic/fcntl.h. Nothing is opened, so nothing can be waited for. */
const O_PATH = 0o10000000;

function rootAt(link: string, mounts: readonly Mount[] | null): Root {
  const path = linkAt(link);
  const descriptor = openSync(link, O_PATH);
  try {
    const [, id] = /^mnt_id:\s*(\d+)/m.exec(bytesIn(`/proc/self/fdinfo/${descriptor}`)) ?? [];
    const own = () => mountTable(bytesIn('/proc/self/mountinfo'));
    const inTable = (table: readonly Mount[] | null) => table?.find(mount => mount.id === Number(id));
    return { path, mount: inTable(mounts) ?? inTable(own()) ?? null };
  } finally {
    closeSync(descriptor);
  }
}
