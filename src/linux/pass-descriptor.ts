import { MSG, SCM_RIGHTS, SOL_SOCKET } from './constants.js';
import { bytes, flags, type Output, output, type Result, type SystemCall, words } from './system-call.js';

/** Passing two open files to another process, through a socket between the two: unix(7), SCM_RIGHTS. */

/**
 * struct msghdr (name, its length, iovec, their number, control, its length, flags), the one struct iovec (base, length),
 * struct cmsghdr (length, level and type) with the two descriptors, and the one byte that has to come along.
 */
const LAYOUT = { iovec: 56, control: 72, controlLength: 40, descriptors: [88, 92], byte: 96 } as const;
const CONTROL_SPACE = 24;
const CONTROL_LENGTH = 24;
const POINTERS = [
  { offset: 16, to: LAYOUT.iovec },
  { offset: 32, to: LAYOUT.control },
  { offset: LAYOUT.iovec, to: LAYOUT.byte },
] as const;

function message(controlLength: number): Uint8Array {
  const kind = SOL_SOCKET + SCM_RIGHTS * 2 ** 32;
  return words(0, 0, 0, 1, 0, CONTROL_SPACE, 0, 0, 1, controlLength, kind, 0, 0);
}

/** Sends what earlier calls have opened. */
export function sendDescriptors(
  socket: SystemCall['arguments'][number],
  ...descriptors: readonly [Result, Result]
): SystemCall {
  const fields = LAYOUT.descriptors.flatMap((offset, index) => {
    const result = descriptors[index];
    return result === undefined ? [] : [{ offset, result }];
  });
  const shown = descriptors.map(({ of }) => `<${of}>`).join(', ');
  const text = `{msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[${shown}]}]}`;
  return { name: 'sendmsg', arguments: [socket, bytes(message(CONTROL_LENGTH), text, fields, POINTERS), flags(MSG)] };
}

/** Receives them. */
export function receiveDescriptors(socket: SystemCall['arguments'][number]) {
  const content = message(0);
  const room: Output = { length: content.length, text: '{msg_control=...}', content, pointers: POINTERS };
  const how = flags(MSG, 'MSG_DONTWAIT', 'MSG_CMSG_CLOEXEC');
  const call: SystemCall = { name: 'recvmsg', arguments: [socket, output(room), how] };
  return { call, room };
}

/** What has been received; undefined: not both. */
export function receivedDescriptors(written: Buffer): readonly [number, number] | undefined {
  if (written.readInt32LE(LAYOUT.controlLength) < CONTROL_LENGTH) return undefined;
  const [one, other] = LAYOUT.descriptors;
  return [written.readInt32LE(one), written.readInt32LE(other)];
}
