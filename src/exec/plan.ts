import type { AbsolutePath } from '../box/values.js';
import type { CapabilitySet } from '../linux/capabilities.js';
import type { SetGroups } from '../plan/operations/set-groups.js';
import type { Plan } from '../plan/plan.js';
import type { Ids } from './status.js';
import type { Target } from './target.js';

/** A command that is to run in a box that runs: as if the first process of the box had forked and executed it. */
export interface Newcomer {
  readonly target: Target;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Undefined: the working directory of the process. */
  readonly cwd: AbsolutePath | undefined;
  readonly cgroupFiles: readonly AbsolutePath[];
  /** Undefined: the caller has them already. */
  readonly groups: Omit<SetGroups, 'kind'> | undefined;
  /** As the user namespace of the process numbers them. Undefined: the caller has them already. */
  readonly uids: Ids | undefined;
  readonly droppedCapabilities: CapabilitySet;
  /** Whether it has a terminal, in the devpts of the box. */
  readonly terminal: boolean;
}

/**
 * The order is that of security: cgroups and limits are joined with the rights and the paths of the host, then all
 * namespaces, then the rights are given up; only then anything is started that the box can see. That leads a session: one
 * from before would have no number in there.
 *
 * @param devpts a descriptor of that of the box, for a newcomer with a terminal.
 */
export function makeExecPlan(newcomer: Newcomer, devpts?: number): Plan {
  const { target, command, env, cwd, cgroupFiles, groups, uids, droppedCapabilities } = newcomer;
  const terminal = devpts !== undefined;
  const { process, directory, namespaces, status, limits } = target;
  const root = target.otherRoot || namespaces.includes('mount');
  return [
    { kind: 'open-process', ...process, directory, namespaces, root, cwd: cwd === undefined },
    ...(cgroupFiles.length > 0 ? [{ kind: 'join-cgroups', files: cgroupFiles } as const] : []),
    { kind: 'resource-limits', limits },
    { kind: 'file-mode-mask', mask: status.mask },
    ...(groups === undefined ? [] : [{ kind: 'set-groups', ...groups } as const]),
    { kind: 'join-process', namespaces, root, cwd },
    {
      kind: 'set-capabilities',
      uids,
      capabilities: status.capabilities,
      dropped: droppedCapabilities,
      noNewPrivileges: status.noNewPrivileges,
      joinedUser: namespaces.includes('user'),
    },
    ...(terminal ? [{ kind: 'add-terminal', devpts } as const] : []),
    { kind: 'standard-streams', terminal },
    { kind: 'start-inside' },
    { kind: 'new-session' },
    ...(terminal ? [{ kind: 'take-terminal' } as const] : []),
    { kind: 'parent-death-signal' },
    { kind: 'close-descriptors', life: false },
    { kind: 'reset-signals' },
    { kind: 'execute', command, env, init: undefined, life: false },
  ];
}
