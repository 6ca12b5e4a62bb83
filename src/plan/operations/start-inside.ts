import { cloneCall } from '../../linux/clone.js';
import { notDumpable } from '../../linux/not-dumpable.js';
import { integer, type SystemCall, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/**
 * Starts the process that becomes the command, in the pid namespace that was joined. From here on the box sees it: it has
 * nothing of the host any more but the memory that it shares with nsgen, until execve(2).
 */
export interface StartInside {
  readonly kind: 'start-inside';
}

const LAST = symbol('~0U', 0xffff_ffff);

export const startInside: OperationKind<StartInside> = {
  describe: () => 'start a process there, to which nobody there can attach',

  systemCalls(_operation, { pidfd }): readonly SystemCall[] {
    const close = (first: number, last: SystemCall['arguments'][number]): SystemCall => ({
      name: 'close_range',
      arguments: [integer(first), last, integer(0)],
    });
    return [
      // All but what tells whether nsgen lives: it leads nowhere.
      ...(pidfd > 3 ? [close(3, integer(pidfd - 1))] : []),
      close(pidfd + 1, LAST),
      // Another user or other capabilities set it to what fs.suid_dumpable says: proc_sys_fs(5).
      notDumpable(),
      cloneCall(['CLONE_VM', 'CLONE_VFORK', 'CLONE_CLEAR_SIGHAND', 'CLONE_PARENT'], 0),
    ];
  },
};
