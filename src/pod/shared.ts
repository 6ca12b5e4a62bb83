import { isMapping } from '../box/values.js';
import type { Pod } from './pod.js';
import { SHARABLE } from './schema.js';

/** What the boxes of a pod have in common: all that has to be known of it to start another box there. */
export type Shared = Pick<Pod, 'share' | 'user' | 'hostname'>;

export const sharedBy = ({ share, user, hostname }: Shared): Shared => ({ share, user, hostname });

/** Whether something that was read is that. */
export function isShared(value: unknown): value is Shared {
  if (!isMapping(value)) return false;
  const { share, user, hostname } = value;
  const types: readonly unknown[] = SHARABLE;
  if (!Array.isArray(share) || share[0] !== 'pid' || !share.every(type => types.includes(type))) return false;
  return (user === 'new' || user === 'unprivileged') && (hostname === undefined || typeof hostname === 'string');
}
