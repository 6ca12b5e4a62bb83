import { closeSync, readFileSync } from 'node:fs';
import { EXIT_STATUS, StartError } from '../backends/failure.js';
import type { Box } from '../box/box.js';
import type { BoxState } from '../state/boxes.js';
import { requireHere } from '../state/elsewhere.js';
import { openTarget, type Target } from './target.js';

/** A box that has a name, as somewhere to run a command. @throws StartError unless it runs, StateError if that is elsewhere. */
export function openBox(state: BoxState): { readonly target: Target; readonly box: Box } {
  requireHere(state);
  const { name, status, process, box } = state;
  const none = (why: string) => new StartError(`box ${JSON.stringify(name)} ${why}`, EXIT_STATUS.failed);
  if (status === 'ended') throw none('has ended');
  if (status === 'starting') throw none('is being started');
  if (process === undefined) throw none('is ending');
  const target = openTarget(process);
  if (isOnItsWay(state, target)) {
    closeSync(target.directory);
    throw none('is being started');
  }
  return { target, box };
}

/** What a script executes, one after the other, before the command, with the root and the mounts of the host. */
const TOOLS = /^(\S*\/)?(bash\0--norc|env\0-i|nsenter\0--\S*|setsid\0--|unshare\0--\S*)\0/;

/** Its command, but for the last steps of a script, has been executed when it says that it has started. */
function isOnItsWay({ backend, command }: BoxState, { directory }: Target): boolean {
  if (backend !== 'script') return false;
  const words = readFileSync(`/proc/self/fd/${directory}/cmdline`, 'utf8');
  return TOOLS.test(words) && words !== command.map(word => `${word}\0`).join('');
}
