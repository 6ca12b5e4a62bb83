import { CLONE } from '../../linux/constants.js';
import { flags, type SystemCall } from '../../linux/system-call.js';
import { writeFileCalls } from '../../linux/write-file.js';
import type { OperationKind } from '../operation.js';

/** Makes a time namespace and sets its clocks: time_namespaces(7). The command is in it from its execve on. */
export interface OffsetClocks {
  readonly kind: 'offset-clocks';
  /** Seconds. */
  readonly monotonic: number;
  readonly boottime: number;
}

export const offsetClocks: OperationKind<OffsetClocks> = {
  describe: ({ monotonic, boottime }) =>
    `new time namespace, monotonic clock ${signed(monotonic)} s, boot time ${signed(boottime)} s`,

  /** clone3's CLONE_NEWTIME would freeze the offsets before they can be written. */
  systemCalls({ monotonic, boottime }) {
    const unshare: SystemCall = { name: 'unshare', arguments: [flags(CLONE, 'CLONE_NEWTIME')] };
    const offsets = `monotonic ${monotonic} 0\nboottime ${boottime} 0\n`;
    return monotonic === 0 && boottime === 0
      ? [unshare]
      : [unshare, ...writeFileCalls('/proc/self/timens_offsets', offsets)];
  },
};

const signed = (seconds: number) => (seconds < 0 ? String(seconds) : `+${seconds}`);
