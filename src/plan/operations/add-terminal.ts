import { O, RESOLVE, TTY } from '../../linux/constants.js';
import { sendDescriptors } from '../../linux/pass-descriptor.js';
import {
  bytes,
  flags,
  integer,
  type Result,
  resultOf,
  type SystemCall,
  string,
  words,
} from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';
import { setTerminal, TERMINAL, unlockTerminal } from './open-terminal.js';

/** Makes a terminal in a devpts of a box that runs, as whom the command is to be, and sends both sides to nsgen: pty(7). */
export interface AddTerminal {
  readonly kind: 'add-terminal';
  /** A descriptor of that devpts: what else the box may have mounted there, nobody asks. */
  readonly devpts: number;
}

export const addTerminal: OperationKind<AddTerminal> = {
  describe: () => 'make a terminal in its devpts',

  systemCalls({ devpts }, { terminal: { socket, attributes, size } }) {
    const other: Result = { of: 'other side of the terminal' };
    return [
      openMaker(devpts, other),
      unlockTerminal(other),
      openPeer(other),
      ...setTerminal(attributes, size),
      sendDescriptors(integer(socket), other, TERMINAL),
    ];
  },
};

/** In that file system itself: somebody may have mounted another file on `ptmx`, with an ioctl(2) of his own. */
function openMaker(devpts: number, result: Result): SystemCall {
  // struct open_how: flags, mode, resolve.
  const how = words(O.O_RDWR + O.O_NOCTTY + O.O_CLOEXEC, 0, RESOLVE.RESOLVE_NO_XDEV + RESOLVE.RESOLVE_NO_SYMLINKS);
  const shown = '{flags=O_RDWR|O_NOCTTY|O_CLOEXEC, resolve=RESOLVE_NO_XDEV|RESOLVE_NO_SYMLINKS}';
  return {
    name: 'openat2',
    arguments: [integer(devpts), string('ptmx'), bytes(how, shown), integer(how.length)],
    result,
  };
}

/** Never by its name, which is a number that nobody knows before. Linux 4.13. */
const openPeer = (other: Result): SystemCall => ({
  name: 'ioctl',
  arguments: [resultOf(other), flags(TTY, 'TIOCGPTPEER'), flags(O, 'O_RDWR', 'O_NOCTTY', 'O_CLOEXEC')],
  result: TERMINAL,
});
