import { kernelIsAtLeast } from '../../host/kernel.js';
import { MFD, O } from '../../linux/constants.js';
import { LAUNCHER_DESCRIPTOR, LAUNCHER_NAME, REPORT_DESCRIPTOR } from '../../linux/launcher.js';
import {
  bytes,
  flags,
  integer,
  type Output,
  output,
  type Result,
  resultOf,
  type SystemCall,
  string,
  valueIn,
} from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';
import { type Execute, launcherOf } from './execute.js';

/**
 * Opens what executes the command of a tree that is not the host's: a program that only this box has. A file there may
 * name /proc/self/exe as its interpreter, and so run, and open, the program of whoever executes it: CVE-2019-5736.
 */
export interface OpenLauncher extends Pick<Execute, 'command' | 'env' | 'init'> {
  readonly kind: 'open-launcher';
  /** How the box comes to that tree. */
  readonly by: 'pivot_root' | 'chroot' | 'setns';
}

const PROGRAM: Result = { of: 'launcher' };
const WRITE_END = 'write end';
/** Two descriptors, and room for what is read behind the second. */
export const LAUNCHER_PIPE: Output = { length: 16, text: `[<read end>, <${WRITE_END}>]` };

export const openLauncher: OperationKind<OpenLauncher> = {
  describe: () => 'open a program that executes the command, in place of one of the host',

  /** In the calling process, so that no limit of the box has a say in it. */
  systemCalls(operation) {
    const { elf } = launcherOf(operation);
    return [
      { name: 'pipe2', arguments: [output(LAUNCHER_PIPE), flags(O, 'O_CLOEXEC')] },
      {
        name: 'memfd_create',
        arguments: [
          string(LAUNCHER_NAME),
          // Before Linux 6.3 there is no such flag, and no need of it.
          kernelIsAtLeast(6, 3) ? flags(MFD, 'MFD_CLOEXEC', 'MFD_EXEC') : flags(MFD, 'MFD_CLOEXEC'),
        ],
        result: PROGRAM,
      },
      // RLIMIT_FSIZE holds for it, too: write(2) would take what fits, and call that a success.
      { name: 'ftruncate', arguments: [resultOf(PROGRAM), integer(elf.length)] },
      { name: 'write', arguments: [resultOf(PROGRAM), bytes(elf, '"\\177ELF"...'), integer(elf.length)] },
    ];
  },
};

/** To the descriptors that it knows. Node has more than two open itself, and so what is opened last is above them. */
export const placeLauncher = (): readonly SystemCall[] => [
  { name: 'dup3', arguments: [valueIn(LAUNCHER_PIPE, 4, WRITE_END), integer(REPORT_DESCRIPTOR), integer(0)] },
  { name: 'dup3', arguments: [resultOf(PROGRAM), integer(LAUNCHER_DESCRIPTOR), flags(O, 'O_CLOEXEC')] },
];
