import { cloneCall } from '../../linux/clone.js';
import { LAUNCHER_DESCRIPTOR } from '../../linux/launcher.js';
import { notDumpable } from '../../linux/not-dumpable.js';
import { integer, type SystemCall, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';
import { placeLauncher } from './open-launcher.js';

/**
 * Starts the process that becomes the command, in the pid namespace that was joined. From here on the box sees it: it has
 * nothing of the host any more but the memory that it shares with nsgen, until execve(2).
 */
export interface StartInside {
  readonly kind: 'start-inside';
  /** There is one: it goes where it is known. */
  readonly launcher: boolean;
}

const LAST = symbol('~0U', 0xffff_ffff);

export const startInside: OperationKind<StartInside> = {
  describe: () => 'start a process there, to which nobody there can attach',

  systemCalls({ launcher }, { pidfd }): readonly SystemCall[] {
    const first = launcher ? LAUNCHER_DESCRIPTOR + 1 : 3;
    const close = (first: number, last: SystemCall['arguments'][number]): SystemCall => ({
      name: 'close_range',
      arguments: [integer(first), last, integer(0)],
    });
    return [
      ...(launcher ? placeLauncher() : []),
      // All but what tells whether nsgen lives, and the launcher: they lead nowhere.
      ...(pidfd > first ? [close(first, integer(pidfd - 1))] : []),
      close(pidfd + 1, LAST),
      // Another user or other capabilities set it to what fs.suid_dumpable says: proc_sys_fs(5).
      notDumpable(),
      cloneCall(['CLONE_VM', 'CLONE_VFORK', 'CLONE_CLEAR_SIGHAND', 'CLONE_PARENT'], 0),
    ];
  },
};
