import type { SystemCall } from '../linux/system-call.js';
import type { Setting } from './cgroup.js';
import type { Caller, OperationKind } from './operation.js';
import { type AddTerminal, addTerminal } from './operations/add-terminal.js';
import { type ChangeRoot, changeRoot } from './operations/change-root.js';
import { type CloseDescriptors, closeDescriptors } from './operations/close-descriptors.js';
import { type CloseStreams, closeStreams } from './operations/close-streams.js';
import { type CopyPrograms, copyPrograms } from './operations/copy-programs.js';
import { type CreateNamespaces, createNamespaces } from './operations/create-namespaces.js';
import { type DescriptorLimit, descriptorLimit } from './operations/descriptor-limit.js';
import { type DropCapabilities, dropCapabilities } from './operations/drop-capabilities.js';
import { type EmptyRoot, emptyRoot } from './operations/empty-root.js';
import { type Execute, execute } from './operations/execute.js';
import { type FileModeMask, fileModeMask } from './operations/file-mode-mask.js';
import { type JoinCgroup, joinCgroup } from './operations/join-cgroup.js';
import { type JoinCgroups, joinCgroups } from './operations/join-cgroups.js';
import { type JoinNamespaces, joinNamespaces } from './operations/join-namespaces.js';
import { type JoinProcess, joinProcess } from './operations/join-process.js';
import { type LimitCpu, limitCpu } from './operations/limit-cpu.js';
import { type LimitCpuset, limitCpuset } from './operations/limit-cpuset.js';
import { type LimitDevices, limitDevices } from './operations/limit-devices.js';
import { type LimitHugetlb, limitHugetlb } from './operations/limit-hugetlb.js';
import { type LimitIo, limitIo } from './operations/limit-io.js';
import { type LimitMemory, limitMemory } from './operations/limit-memory.js';
import { type LimitPids, limitPids } from './operations/limit-pids.js';
import { type LimitUnified, limitUnified } from './operations/limit-unified.js';
import { type LoopbackUp, loopbackUp } from './operations/loopback-up.js';
import { type MakeCgroup, makeCgroup } from './operations/make-cgroup.js';
import { type MakeDev, makeDev } from './operations/make-dev.js';
import { type MakeFile, makeFile } from './operations/make-file.js';
import { type MakeSymlink, makeSymlink } from './operations/make-symlink.js';
import { type MapIds, mapIds } from './operations/map-ids.js';
import { type MaskPaths, maskPaths } from './operations/mask-paths.js';
import { type MountBind, mountBind } from './operations/mount-bind.js';
import { type MountCgroup, mountCgroup } from './operations/mount-cgroup.js';
import { type MountDevpts, mountDevpts } from './operations/mount-devpts.js';
import { type MountMqueue, mountMqueue } from './operations/mount-mqueue.js';
import { type MountOverlay, mountOverlay } from './operations/mount-overlay.js';
import { type MountProc, mountProc } from './operations/mount-proc.js';
import { type MountPropagation, mountPropagation } from './operations/mount-propagation.js';
import { type MountSysfs, mountSysfs } from './operations/mount-sysfs.js';
import { type MountTmpfs, mountTmpfs } from './operations/mount-tmpfs.js';
import { type NewSession, newSession } from './operations/new-session.js';
import { type OffsetClocks, offsetClocks } from './operations/offset-clocks.js';
import { type OpenInit, openInit } from './operations/open-init.js';
import { type OpenLauncher, openLauncher } from './operations/open-launcher.js';
import { type OpenProcess, openProcess } from './operations/open-process.js';
import { type OpenRootfs, openRootfs } from './operations/open-rootfs.js';
import { type OpenTerminal, openTerminal } from './operations/open-terminal.js';
import { type ParentDeathSignal, parentDeathSignal } from './operations/parent-death-signal.js';
import { type PivotRoot, pivotRoot } from './operations/pivot-root.js';
import { type ReadOnlyPaths, readOnlyPaths } from './operations/read-only-paths.js';
import { type ReadOnlyRoot, readOnlyRoot } from './operations/read-only-root.js';
import { type RecordLife, recordLife } from './operations/record-life.js';
import { type ResetSignals, resetSignals } from './operations/reset-signals.js';
import { type ResourceLimits, resourceLimits } from './operations/resource-limits.js';
import { type SetCapabilities, setCapabilities } from './operations/set-capabilities.js';
import { type SetDomainname, setDomainname } from './operations/set-domainname.js';
import { type SetGroups, setGroups } from './operations/set-groups.js';
import { type SetHostname, setHostname } from './operations/set-hostname.js';
import { type StandardStreams, standardStreams } from './operations/standard-streams.js';
import { type StartInside, startInside } from './operations/start-inside.js';
import { type TakeTerminal, takeTerminal } from './operations/take-terminal.js';
import { type WorkingDirectory, workingDirectory } from './operations/working-directory.js';

/** Every operation there is. A new one is a file, a template, and its name in this union and the table below. */
export type Operation =
  | AddTerminal
  | ChangeRoot
  | CloseDescriptors
  | CloseStreams
  | CopyPrograms
  | CreateNamespaces
  | DescriptorLimit
  | DropCapabilities
  | EmptyRoot
  | Execute
  | FileModeMask
  | JoinCgroup
  | LimitCpu
  | LimitCpuset
  | LimitDevices
  | LimitHugetlb
  | LimitIo
  | LimitMemory
  | LimitPids
  | LimitUnified
  | MakeCgroup
  | JoinNamespaces
  | LoopbackUp
  | MakeFile
  | MakeSymlink
  | MakeDev
  | MapIds
  | MaskPaths
  | MountBind
  | MountCgroup
  | MountDevpts
  | MountMqueue
  | MountOverlay
  | MountProc
  | MountPropagation
  | MountSysfs
  | MountTmpfs
  | NewSession
  | OffsetClocks
  | OpenInit
  | OpenLauncher
  | OpenRootfs
  | OpenTerminal
  | ParentDeathSignal
  | PivotRoot
  | ReadOnlyPaths
  | ReadOnlyRoot
  | RecordLife
  | ResetSignals
  | SetDomainname
  | JoinCgroups
  | JoinProcess
  | OpenProcess
  | ResourceLimits
  | SetCapabilities
  | SetGroups
  | StartInside
  | SetHostname
  | StandardStreams
  | TakeTerminal
  | WorkingDirectory;

export type OperationName = Operation['kind'];
type Of<Name extends OperationName> = Extract<Operation, { kind: Name }>;

const KINDS: { readonly [Name in OperationName]: OperationKind<Of<Name>> } = {
  'add-terminal': addTerminal,
  'change-root': changeRoot,
  'close-descriptors': closeDescriptors,
  'close-streams': closeStreams,
  'copy-programs': copyPrograms,
  'create-namespaces': createNamespaces,
  'descriptor-limit': descriptorLimit,
  'drop-capabilities': dropCapabilities,
  'empty-root': emptyRoot,
  execute,
  'file-mode-mask': fileModeMask,
  'join-cgroup': joinCgroup,
  'limit-cpu': limitCpu,
  'limit-cpuset': limitCpuset,
  'limit-devices': limitDevices,
  'limit-hugetlb': limitHugetlb,
  'limit-io': limitIo,
  'limit-memory': limitMemory,
  'limit-pids': limitPids,
  'limit-unified': limitUnified,
  'make-cgroup': makeCgroup,
  'join-namespaces': joinNamespaces,
  'loopback-up': loopbackUp,
  'make-file': makeFile,
  'make-symlink': makeSymlink,
  'make-dev': makeDev,
  'map-ids': mapIds,
  'mask-paths': maskPaths,
  'mount-bind': mountBind,
  'mount-cgroup': mountCgroup,
  'mount-devpts': mountDevpts,
  'mount-mqueue': mountMqueue,
  'mount-overlay': mountOverlay,
  'mount-proc': mountProc,
  'mount-propagation': mountPropagation,
  'mount-sysfs': mountSysfs,
  'mount-tmpfs': mountTmpfs,
  'new-session': newSession,
  'offset-clocks': offsetClocks,
  'open-init': openInit,
  'open-launcher': openLauncher,
  'open-rootfs': openRootfs,
  'open-terminal': openTerminal,
  'parent-death-signal': parentDeathSignal,
  'pivot-root': pivotRoot,
  'read-only-paths': readOnlyPaths,
  'read-only-root': readOnlyRoot,
  'record-life': recordLife,
  'reset-signals': resetSignals,
  'set-domainname': setDomainname,
  'join-cgroups': joinCgroups,
  'join-process': joinProcess,
  'open-process': openProcess,
  'resource-limits': resourceLimits,
  'set-capabilities': setCapabilities,
  'set-groups': setGroups,
  'start-inside': startInside,
  'set-hostname': setHostname,
  'standard-streams': standardStreams,
  'take-terminal': takeTerminal,
  'working-directory': workingDirectory,
};

/** The names of all operations: of the files in operations/, of the templates, and of nothing else. */
export const OPERATION_NAMES: readonly string[] = Object.keys(KINDS);

/** One function for both columns of the table, because TypeScript forgets which row a union came from. */
function kindOf<Name extends OperationName>(operation: Of<Name>): OperationKind<Of<Name>> {
  const name: Name = operation.kind;
  return KINDS[name];
}

/** What an operation that limits something writes, and where; of others nothing. */
export function settingsOf(operation: Operation): readonly Setting[] {
  switch (operation.kind) {
    case 'limit-cpu':
      return limitCpu.settings(operation);
    case 'limit-cpuset':
      return limitCpuset.settings(operation);
    case 'limit-devices':
      return limitDevices.settings(operation);
    case 'limit-hugetlb':
      return limitHugetlb.settings(operation);
    case 'limit-io':
      return limitIo.settings(operation);
    case 'limit-memory':
      return limitMemory.settings(operation);
    case 'limit-pids':
      return limitPids.settings(operation);
    case 'limit-unified':
      return limitUnified.settings(operation);
    default:
      return [];
  }
}

export const describe = (operation: Operation): string => kindOf(operation).describe(operation);

export const systemCalls = (operation: Operation, caller: Caller): readonly SystemCall[] =>
  kindOf(operation).systemCalls(operation, caller);
