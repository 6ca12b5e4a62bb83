import type { Propagation } from '../../box/box.js';
import { MS } from '../../linux/constants.js';
import { flags, NULL, string } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Cuts the box's mounts off the host's, before the first of its own: mount_namespaces(7). */
export interface MountPropagation {
  readonly kind: 'mount-propagation';
  readonly propagation: Propagation;
}

const FLAGS = { private: 'MS_PRIVATE', slave: 'MS_SLAVE', shared: 'MS_SHARED' } as const;

export const mountPropagation: OperationKind<MountPropagation> = {
  describe: ({ propagation }) =>
    propagation === 'unchanged' ? 'leave the propagation of mounts as it is' : `make all mounts ${propagation}`,

  systemCalls({ propagation }) {
    if (propagation === 'unchanged') return [];
    return [
      { name: 'mount', arguments: [string('none'), string('/'), NULL, flags(MS, 'MS_REC', FLAGS[propagation]), NULL] },
    ];
  },
};
