import { AF_INET, IFF_UP, SIOCSIFFLAGS, SOCK } from '../../linux/constants.js';
import { bytes, flags, type Result, resultOf, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Brings `lo` of the new net namespace up, so that 127.0.0.1 and ::1 answer. */
export interface LoopbackUp {
  readonly kind: 'loopback-up';
}

/** struct ifreq of netdevice(7): 16 bytes of name, then the flags, 40 bytes in all. */
function interfaceFlags(name: string, value: number): Uint8Array {
  const request = Buffer.alloc(40);
  request.write(name, 'latin1');
  request.writeInt16LE(value, 16);
  return request;
}

export const loopbackUp: OperationKind<LoopbackUp> = {
  describe: () => 'bring the loopback interface up',

  systemCalls() {
    const socket: Result = { of: 'socket' };
    return [
      {
        name: 'socket',
        arguments: [symbol('AF_INET', AF_INET), flags(SOCK, 'SOCK_DGRAM', 'SOCK_CLOEXEC'), symbol('IPPROTO_IP', 0)],
        result: socket,
      },
      {
        name: 'ioctl',
        arguments: [
          resultOf(socket),
          symbol('SIOCSIFFLAGS', SIOCSIFFLAGS),
          bytes(interfaceFlags('lo', IFF_UP), '{ifr_name="lo", ifr_flags=IFF_UP}'),
        ],
      },
      { name: 'close', arguments: [resultOf(socket)] },
    ];
  },
};
