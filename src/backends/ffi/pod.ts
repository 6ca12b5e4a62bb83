import type { Caller } from '../../plan/operation.js';
import { namespacesOf } from '../../pod/join.js';
import { makePodPlan } from '../../pod/plan.js';
import type { BoxOfPod } from '../../pod/pod.js';
import type { Shared } from '../../pod/shared.js';
import type { RunningBox, StreamOptions } from '../backend.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import { startInPod } from './backend.js';
import { isWaitedFor, onEnd, type Pid } from './reap.js';
import { startBox } from './start.js';

/** The init of a pod, and what its boxes join. */
export interface RunningInit {
  readonly pid: Pid;
  readonly namespaces: Caller['pod'];
  /** Resolves when it has ended, and everything in its pid namespace with it. */
  readonly ended: Promise<void>;
}

/** @throws StartError */
export function startInit(pod: Shared): RunningInit {
  const { pid } = startBox(makePodPlan(pod), [0, 1, 2]);
  const ended = new Promise<void>(resolve => {
    onEnd(pid, () => resolve());
  });
  return { pid, namespaces: namespacesOf(pod, `/proc/${pid}`), ended };
}

/** @throws StartError naming the box, BoxError naming its fields. */
export function startMember({ name, box }: BoxOfPod, init: RunningInit, streams: StreamOptions): RunningBox {
  // Until it is reaped, which happens in no other turn but one of its own, no other process has its number.
  if (!isWaitedFor(init.pid)) throw new StartError(`${name}: the init of the pod has ended`, EXIT_STATUS.failed);
  try {
    return startInPod(box, streams, init.namespaces);
  } catch (error) {
    throw ofMember(name, error);
  }
}

/** The same, saying of which box. */
export function ofMember(name: string, error: unknown): unknown {
  return error instanceof StartError ? new StartError(`${name}: ${error.message}`, error.exitStatus) : error;
}

/** Ends the pod, whoever is in it. */
export async function endInit({ pid, ended }: RunningInit): Promise<void> {
  if (isWaitedFor(pid)) process.kill(pid, 'SIGKILL');
  await ended;
}
