import { constants } from 'node:os';
import type { ProcessIdentity } from '../host/process.js';
import { childrenOf } from '../host/process-tree.js';
import { sendSignal } from '../host/signal.js';

/**
 * Kills a box in a pod: its command, which its init then reaps, and writes the status of. That init is one process among
 * the others of the pod: killed itself, it would leave its command to the pod's.
 *
 * @returns false when it has ended.
 */
export function killMember(init: ProcessIdentity): boolean {
  const { SIGKILL, SIGCONT } = constants.signals;
  // It has one child, unless that has made brothers of its own (CLONE_PARENT).
  const killed = childrenOf(init).map(child => sendSignal(child, SIGKILL));
  // Before it has a child it is about to become the init, and after that it is about to end.
  if (!killed.includes(true)) return sendSignal(init, SIGKILL);
  // Somebody in the pod may have stopped it. Or it has ended by now, as it was to.
  sendSignal(init, SIGCONT);
  return true;
}
