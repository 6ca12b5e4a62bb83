import { closeSync, constants, openSync } from 'node:fs';
import { LOCK } from '../linux/constants.js';
import { runCalls } from '../linux/program.js';
import { flags, integer, type SystemCall } from '../linux/system-call.js';
import { StateError } from './directory.js';

/** Of all who remove. To take a name needs no lock: it is one step. */
const LOCK_FILE = '.lock';

/** @throws StateError */
export function locked(parent: string, act: () => void): void {
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const descriptor = openSync(`${parent}/${LOCK_FILE}`, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    const lock: SystemCall = { name: 'flock', arguments: [integer(descriptor), flags(LOCK, 'LOCK_EX')] };
    if (runCalls([lock]).failure !== undefined) throw new StateError(`cannot lock ${parent}`);
    act();
  } finally {
    closeSync(descriptor);
  }
}
