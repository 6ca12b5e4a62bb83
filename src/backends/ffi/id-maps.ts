import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import type { IdMap } from '../../box/mounts.js';
import { cloneCall } from '../../linux/clone.js';
import { SIGNALS } from '../../linux/constants.js';
import { runProcess } from '../../linux/program.js';
import { integer, NULL, type SystemCall } from '../../linux/system-call.js';
import type { Caller } from '../../plan/operation.js';
import { parentDeathSignal } from '../../plan/operations/parent-death-signal.js';
import type { Plan } from '../../plan/plan.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import { explainFailure } from './explain.js';
import { isPid, type Pid, reapNow } from './reap.js';

export const NO_ID_MAPS: Caller['idMaps'] = new Map<IdMap, number>();

/**
 * Opens a user namespace for each id-mapped bind of a plan.
 *
 * @throws StartError when the caller may not. Nothing is open then.
 */
export function openIdMaps(plan: Plan, caller: Caller): Caller['idMaps'] {
  const wanted = plan.flatMap(operation =>
    operation.kind === 'mount-bind' && operation.idMap !== undefined ? [operation.idMap] : [],
  );
  if (wanted.length === 0) return NO_ID_MAPS;
  const opened = new Map<IdMap, number>();
  try {
    for (const idMap of wanted) opened.set(idMap, openUserNamespace(idMap, caller));
    return opened;
  } catch (error) {
    closeIdMaps(opened);
    throw error;
  }
}

export function closeIdMaps(opened: Caller['idMaps']): void {
  for (const descriptor of opened.values()) closeSync(descriptor);
}

/** A namespace lives as long as somebody holds it: first a process that does nothing, then the descriptor alone. */
function openUserNamespace(idMap: IdMap, caller: Caller): number {
  const pid = startHolder(caller);
  try {
    writeFileSync(`/proc/${pid}/uid_map`, lines(idMap.uids));
    writeFileSync(`/proc/${pid}/gid_map`, lines(idMap.gids));
    return openSync(`/proc/${pid}/ns/user`, 'r');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(
      `uidMappings, gidMappings of a bind: ${reason}: ranges must not overlap, and take CAP_SETUID and CAP_SETGID over the ids outside`,
      EXIT_STATUS.failed,
    );
  } finally {
    process.kill(pid, 'SIGKILL');
    reapNow(pid);
  }
}

const lines = (ranges: IdMap['uids']): string =>
  ranges.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');

/** It shares no memory with Node, and touches none: it waits in one system call until it is killed, or Node ends. */
function startHolder(caller: Caller): Pid {
  const clone = cloneCall(['CLONE_NEWUSER', 'CLONE_CLEAR_SIGHAND'], SIGNALS.SIGCHLD);
  const calls: readonly SystemCall[] = [
    clone,
    ...parentDeathSignal.systemCalls({ kind: 'parent-death-signal' }, caller),
    { name: 'ppoll', arguments: [NULL, integer(0), NULL, NULL, integer(0)] },
  ];
  const before = children();
  const outcome = runProcess(calls);
  // Both go on in the same table, and store into the same result: only the kernel knows which process is the new one.
  const pid = children().find(child => !before.includes(child));
  if (pid !== undefined && isPid(pid)) return pid;
  throw explainFailure(undefined, outcome, calls);
}

/** Of this thread: proc_tid_children(5). */
const children = (): readonly number[] =>
  readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
    .split(' ')
    .filter(word => word !== '')
    .map(Number);
