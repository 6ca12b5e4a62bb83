import type { AbsolutePath } from '../../box/values.js';
import { AT_FDCWD, O } from '../../linux/constants.js';
import { flags, integer, type Result, resultOf, type SystemCall, string, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Enters cgroups that exist. */
export interface JoinCgroups {
  readonly kind: 'join-cgroups';
  /** `tasks` of version 1, `cgroup.procs` of version 2. */
  readonly files: readonly AbsolutePath[];
}

export const joinCgroups: OperationKind<JoinCgroups> = {
  describe: ({ files }) => `enter the cgroups of ${files.map(file => JSON.stringify(file)).join(', ')}`,

  /** The command is a child of who does this: it is counted before its first instruction. */
  systemCalls: ({ files }) =>
    files.flatMap((file): readonly SystemCall[] => {
      const opened: Result = { of: `open ${file}` };
      return [
        {
          name: 'openat',
          arguments: [symbol('AT_FDCWD', AT_FDCWD), string(file), flags(O, 'O_WRONLY', 'O_CLOEXEC')],
          result: opened,
        },
        { name: 'write', arguments: [resultOf(opened), string('0'), integer(1)] },
      ];
    }),
};
