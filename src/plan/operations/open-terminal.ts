import { CONSOLE, TERMINALS_DIRECTORY } from '../../box/terminal-rules.js';
import type { AbsolutePath } from '../../box/values.js';
import { O, TTY } from '../../linux/constants.js';
import { attach, cloneTreeOf } from '../../linux/mount-calls.js';
import { openEntry, openMountPoint, openPath } from '../../linux/open-path.js';
import { sendDescriptors } from '../../linux/pass-descriptor.js';
import { bytes, flags, integer, type Result, resultOf, type SystemCall, string } from '../../linux/system-call.js';
import { describeFlags, type FileSystemPlace, mountFileSystem } from '../file-system.js';
import type { OperationKind } from '../operation.js';

/** Makes a terminal in a devpts of the box's own, and sends both sides to whoever starts the box: pty(7). */
export interface OpenTerminal extends Pick<FileSystemPlace, 'flags' | 'parameters'> {
  readonly kind: 'open-terminal';
  readonly rootfs: AbsolutePath | undefined;
}

/** The side of the box, open, for what makes it stdin, stdout and stderr. */
export const TERMINAL: Result = { of: 'terminal' };

/** The first of a devpts. */
const NAME = '0';

export const openTerminal: OperationKind<OpenTerminal> = {
  describe: ({ flags }) =>
    `make a terminal, in a devpts on ${JSON.stringify(TERMINALS_DIRECTORY)}${describeFlags(flags, ['nosuid', 'noexec'])}, and show it on ${JSON.stringify(CONSOLE)}`,

  systemCalls({ rootfs, flags, parameters }, caller) {
    const mount: Result = { of: 'mount of devpts' };
    const other: Result = { of: 'other side of the terminal' };
    const { socket, attributes, size } = caller.terminal;
    return [
      ...mountFileSystem('devpts', { destination: TERMINALS_DIRECTORY, flags, parameters, rootfs }, caller, mount),
      open(mount, 'ptmx', other),
      unlockTerminal(other),
      open(mount, NAME, TERMINAL),
      ...setTerminal(attributes, size),
      sendDescriptors(integer(socket), other, TERMINAL),
      ...showAsConsole(mount, rootfs && caller.rootfs),
    ];
  },
};

/** @param other the other side. A new terminal can be opened by nobody. */
export const unlockTerminal = (other: Result): SystemCall => setting(other, 'TIOCSPTLCK', Buffer.alloc(4), '[0]');

/** @param attributes struct termios, and of the size struct winsize. */
export const setTerminal = (attributes: Uint8Array, size: Uint8Array): readonly SystemCall[] => [
  setting(TERMINAL, 'TCSETS', attributes, '{...}'),
  setting(TERMINAL, 'TIOCSWINSZ', size, '{...}'),
];

/** Without O_NOCTTY it would become the controlling terminal of a process that is about to have another. */
const open = (mount: Result, name: string, result: Result): SystemCall => ({
  name: 'openat',
  arguments: [resultOf(mount), string(name), flags(O, 'O_RDWR', 'O_NOCTTY', 'O_CLOEXEC')],
  result,
});

const setting = (terminal: Result, name: keyof typeof TTY, value: Uint8Array, shown: string): SystemCall => ({
  name: 'ioctl',
  arguments: [resultOf(terminal), flags(TTY, name), bytes(value, shown)],
});

/** A host, whose /dev it is without a rootfs, may have none; then there is no place to show it. */
function showAsConsole(mount: Result, rootfs: Result | undefined): readonly SystemCall[] {
  const terminal: Result = { of: 'place of the terminal' };
  const shown: Result = { of: 'mount of the terminal' };
  const place: Result = { of: `open ${CONSOLE}` };
  const clone = [openEntry(mount, NAME, terminal), cloneTreeOf(terminal, shown)];
  if (rootfs !== undefined) return [...clone, ...openMountPoint(rootfs, CONSOLE, 'file', place), attach(shown, place)];
  return [...clone, { ...openPath(CONSOLE, place), tolerate: ['ENOENT'], onSuccess: [attach(shown, place)] }];
}
