import { MSG, SCM_RIGHTS, SOL_SOCKET } from './constants.js';
import { bytes, flags, type Output, output, type Result, type SystemCall, words } from './system-call.js';

/** Passing an open file to another process, through a socket between the two: unix(7), SCM_RIGHTS. */

/**
 * struct msghdr (name, its length, iovec, their number, control, its length, flags), the one struct iovec (base, length),
 * struct cmsghdr (length, level and type) with the descriptor, and the one byte that has to come along.
 */
const LAYOUT = { iovec: 56, control: 72, controlLength: 40, descriptor: 88, byte: 96 } as const;
const CONTROL_SPACE = 24;
const CONTROL_LENGTH = 20;
const POINTERS = [
  { offset: 16, to: LAYOUT.iovec },
  { offset: 32, to: LAYOUT.control },
  { offset: LAYOUT.iovec, to: LAYOUT.byte },
] as const;

function message(controlLength: number): Uint8Array {
  const kind = SOL_SOCKET + SCM_RIGHTS * 2 ** 32;
  return words(0, 0, 0, 1, 0, CONTROL_SPACE, 0, 0, 1, controlLength, kind, 0, 0);
}

/** Sends what an earlier call has opened. */
export function sendDescriptor(socket: SystemCall['arguments'][number], descriptor: Result): SystemCall {
  const fields = [{ offset: LAYOUT.descriptor, result: descriptor }];
  const shown = `{msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[<${descriptor.of}>]}]}`;
  return {
    name: 'sendmsg',
    arguments: [socket, bytes(message(CONTROL_LENGTH), shown, fields, POINTERS), flags(MSG)],
  };
}

/** Receives one that has been sent. */
export function receiveDescriptor(socket: SystemCall['arguments'][number]): {
  readonly call: SystemCall;
  readonly room: Output;
} {
  const content = message(0);
  const room: Output = { length: content.length, text: '{msg_control=...}', content, pointers: POINTERS };
  return {
    room,
    call: { name: 'recvmsg', arguments: [socket, output(room), flags(MSG, 'MSG_DONTWAIT', 'MSG_CMSG_CLOEXEC')] },
  };
}

/** What has been received; undefined: no descriptor came. */
export function receivedDescriptor(written: Buffer): number | undefined {
  const length = written.readInt32LE(LAYOUT.controlLength);
  return length < CONTROL_LENGTH ? undefined : written.readInt32LE(LAYOUT.descriptor);
}
