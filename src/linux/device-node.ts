import { AT, FUTEX_CMP_REQUEUE, S_IFCHR, STATX, STATX_SIZE } from './constants.js';
import { openPath } from './open-path.js';
import {
  flags,
  integer,
  type Output,
  octal,
  output,
  type Result,
  resultOf,
  type SystemCall,
  string,
  symbol,
} from './system-call.js';

/** A character device that anyone may read and write: null(4), random(4), full(4), tty(4). */
export interface DeviceNode {
  readonly name: string;
  readonly major: number;
  readonly minor: number;
}

const PERMISSIONS = 0o666;

/** Makes a node in a directory. With another umask than 0 its permissions would be fewer. */
export function makeNode(directory: Result, { name, major, minor }: DeviceNode): SystemCall {
  const type = symbol(`S_IFCHR|0${PERMISSIONS.toString(8)}`, S_IFCHR + PERMISSIONS);
  // makedev(3), for numbers below 256.
  const device = symbol(`makedev(${hexadecimal(major)}, ${hexadecimal(minor)})`, major * 256 + minor);
  return { name: 'mknodat', arguments: [resultOf(directory), string(name), type, device] };
}

/** As strace(1) shows it. */
const hexadecimal = (value: number) => (value === 0 ? '0' : `0x${value.toString(16)}`);

/** Of struct statx: the type and permissions, then 16 bits that are zero; the numbers of a device. */
const STX_MODE = 28;
const STX_RDEV_MAJOR = 128;
const STX_RDEV_MINOR = 132;

/**
 * Opens a node of the host's /dev, and makes sure that it is what its name says. An accident is enough: a program that
 * replaces /dev/null leaves an ordinary file, whose content a mask would show (CVE-2025-31133 is an attack of the kind).
 */
export function openHostNode(node: DeviceNode, result: Result): readonly SystemCall[] {
  const path = `/dev/${node.name}`;
  const found: Output = { length: STATX_SIZE, text: `statx of ${path}` };
  return [
    openPath(path, result),
    {
      name: 'statx',
      arguments: [
        resultOf(result),
        string(''),
        flags(AT, 'AT_EMPTY_PATH'),
        flags(STATX, 'STATX_TYPE', 'STATX_MODE'),
        output(found),
      ],
    },
    mustBe(found, STX_MODE, octal(S_IFCHR + PERMISSIONS)),
    mustBe(found, STX_RDEV_MAJOR, integer(node.major)),
    mustBe(found, STX_RDEV_MINOR, integer(node.minor)),
  ];
}

/**
 * A list of system calls cannot compare, but futex(2) can: FUTEX_CMP_REQUEUE fails with EAGAIN if the word is not the one
 * expected, and with nobody to wake or move it does nothing else.
 */
function mustBe(room: Output, offset: number, expected: SystemCall['arguments'][number]): SystemCall {
  const word = output(room, offset);
  const compare = symbol('FUTEX_CMP_REQUEUE', FUTEX_CMP_REQUEUE);
  return { name: 'futex', arguments: [word, compare, integer(0), integer(0), word, expected] };
}
