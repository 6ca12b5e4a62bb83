import { bytes, integer, type SystemCall } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Takes the groups of another process, by their numbers outside of its user namespace. */
export interface SetGroups {
  readonly kind: 'set-groups';
  readonly gids: readonly [real: number, effective: number, saved: number];
  /** setgroups(2) */
  readonly groups: readonly number[];
}

export const setGroups: OperationKind<SetGroups> = {
  describe: ({ gids: [real], groups }) => `be in group ${real}${groups.length > 0 ? ` and ${groups.join(', ')}` : ''}`,

  systemCalls({ gids, groups }): readonly SystemCall[] {
    const list = new Uint8Array(new Uint32Array([...groups, 0]).buffer);
    return [
      { name: 'setgroups', arguments: [integer(groups.length), bytes(list, `[${groups.join(', ')}]`)] },
      { name: 'setresgid', arguments: gids.map(integer) },
    ];
  },
};
