import { NAMESPACE_TYPES } from '../box/values.js';
import { EMPTY_ROOT_PATH } from '../plan/operations/empty-root.js';
import type { Plan, PlanOptions } from '../plan/plan.js';
import type { Shared } from './shared.js';

/** What nsgen ps shows of a pod. */
export const INIT_COMMAND: readonly string[] = ['nsgen-init', 'pause'];

/**
 * What is done for the init of a pod, in order. It has new namespaces of all kinds, also of those that the boxes do not
 * share: through /proc/1/ns nobody gets from a box into those of the host.
 *
 * @param options with `detached`, it goes on without whoever starts it, and who it is can be read in its file life.
 */
export function makePodPlan({ share, user, hostname }: Shared, { detached = false }: PlanOptions = {}): Plan {
  return [
    { kind: 'create-namespaces', types: INIT_NAMESPACES, user, joined: false },
    detached ? { kind: 'record-life' } : { kind: 'parent-death-signal' },
    { kind: 'new-session' },
    { kind: 'map-ids', user },
    { kind: 'mount-propagation', propagation: 'private' },
    ...(hostname === undefined ? [] : [{ kind: 'set-hostname', hostname } as const]),
    ...(share.includes('net') ? [{ kind: 'loopback-up' } as const] : []),
    { kind: 'empty-root', path: EMPTY_ROOT_PATH },
    { kind: 'close-descriptors', life: detached },
    { kind: 'open-init' },
    { kind: 'close-streams', life: detached },
    { kind: 'drop-capabilities' },
    { kind: 'reset-signals' },
    { kind: 'execute', command: [], env: {}, init: true, life: false },
  ];
}

const INIT_NAMESPACES = NAMESPACE_TYPES.filter(type => type !== 'user' && type !== 'time');
