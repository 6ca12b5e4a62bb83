import { NAMESPACE_TYPES } from '../box/values.js';
import { EMPTY_ROOT_PATH } from '../plan/operations/empty-root.js';
import type { Plan } from '../plan/plan.js';
import type { Pod } from './pod.js';

/**
 * What is done for the init of a pod, in order. It has new namespaces of all kinds, also of those that the boxes do not
 * share: through /proc/1/ns nobody gets from a box into those of the host.
 */
export function makePodPlan({ share, user, hostname }: Pick<Pod, 'share' | 'user' | 'hostname'>): Plan {
  return [
    { kind: 'create-namespaces', types: INIT_NAMESPACES, user, joined: false },
    { kind: 'parent-death-signal' },
    { kind: 'new-session' },
    { kind: 'map-ids', user },
    { kind: 'mount-propagation', propagation: 'private' },
    ...(hostname === undefined ? [] : [{ kind: 'set-hostname', hostname } as const]),
    ...(share.includes('net') ? [{ kind: 'loopback-up' } as const] : []),
    { kind: 'empty-root', path: EMPTY_ROOT_PATH },
    { kind: 'close-descriptors', life: false },
    { kind: 'open-init' },
    { kind: 'close-streams' },
    { kind: 'drop-capabilities' },
    { kind: 'reset-signals' },
    { kind: 'execute', command: [], env: {}, init: true, life: false },
  ];
}

const INIT_NAMESPACES = NAMESPACE_TYPES.filter(type => type !== 'user' && type !== 'time');
