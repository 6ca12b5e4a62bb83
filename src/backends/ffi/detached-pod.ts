import { inputOf } from '../../box/box.js';
import { removeCgroups } from '../../host/cgroup/remove.js';
import { statOf } from '../../host/process.js';
import { namespacesOf } from '../../pod/join.js';
import { INIT_COMMAND, makePodPlan } from '../../pod/plan.js';
import type { BoxOfPod, Pod } from '../../pod/pod.js';
import { sharedBy } from '../../pod/shared.js';
import { type Claim, claimName } from '../../state/claim.js';
import { rememberProcess } from '../../state/life.js';
import { detachedMember } from '../detached.js';
import { startDetached, startLiving } from './detached.js';
import { ofMember } from './pod.js';
import { type Pid, reapNow } from './reap.js';
import type { StartedBox } from './start.js';

/**
 * Starts a pod that goes on without this process: its init, then its boxes, each when the one before it has become its
 * command.
 *
 * @param tell says that all of it is there.
 * @throws StartError, StateError or BoxError, and what `tell` throws. Nothing of the pod is left then.
 */
export async function startDetachedPod(pod: Pod, tell = () => {}): Promise<void> {
  const members = pod.boxes.map(({ name, box }) => ({ name, box: detachedMember(box) }));
  const shared = sharedBy(pod);
  const claim = claimName({
    name: pod.name,
    command: INIT_COMMAND,
    pod: undefined,
    shared,
    backend: 'ffi',
    box: {},
  });
  const begun: Begun = { claims: [claim], init: undefined, boxes: [] };
  try {
    const { pid } = startLiving(makePodPlan(pod, { detached: true }), [claim.log, claim.log], claim);
    begun.init = pid;
    for (const member of members) await startMember(member, pod, pid, begun);
    rememberProcess(claim.directory, { pid, start: statOf(pid)?.start ?? '' });
    tell();
  } catch (error) {
    await abandon(begun);
    throw error;
  }
  for (const one of begun.claims) one.close();
}

/** What there is of a pod that is not complete. */
interface Begun {
  /** That of the pod first. */
  readonly claims: Claim[];
  init: Pid | undefined;
  readonly boxes: StartedBox[];
}

/** The init is a child that has not been reaped: no other process has its number. */
async function startMember({ name, box }: BoxOfPod, pod: Pod, init: Pid, begun: Begun): Promise<void> {
  const claim = claimName({
    name: `${pod.name}.${name}`,
    command: box.command,
    pod: pod.name,
    shared: sharedBy(pod),
    backend: 'ffi',
    box: inputOf(box),
  });
  begun.claims.push(claim);
  try {
    begun.boxes.push(await startDetached(box, claim, namespacesOf(pod, `/proc/${init}`)));
  } catch (error) {
    throw ofMember(name, error);
  }
}

async function abandon({ claims, init, boxes }: Begun): Promise<void> {
  if (init !== undefined) {
    process.kill(init, 'SIGKILL');
    // It ends when all that are in its namespace have been reaped: pid_namespaces(7).
    for (const { pid } of boxes) reapNow(pid);
    reapNow(init);
  }
  await removeCgroups(boxes.flatMap(({ cgroups }) => cgroups.map(({ directory }) => directory)));
  const removals = await Promise.allSettled(claims.toReversed().map(async claim => claim.remove()));
  for (const removal of removals) if (removal.status === 'rejected') throw removal.reason;
}
