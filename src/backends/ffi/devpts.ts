import { closeSync, statfsSync } from 'node:fs';
import { TERMINALS_DIRECTORY } from '../../box/terminal-rules.js';
import { noDevpts } from '../../exec/no-devpts.js';
import type { Target } from '../../exec/target.js';
import { O } from '../../linux/constants.js';
import { openPlace } from '../../linux/open-path.js';
import { runCalls } from '../../linux/program.js';
import { flags, integer, type Result, type SystemCall, string } from '../../linux/system-call.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import { explainFailure } from './explain.js';

/** Of linux/magic.h. */
const DEVPTS_SUPER_MAGIC = 0x1cd1;

/**
 * Opens what a process has on /dev/pts, for its place in the tree only. Whatever is swapped there afterwards, it stays the
 * devpts that it is.
 *
 * @returns a descriptor, which the caller closes.
 * @throws StartError when it is no devpts.
 */
export function openDevpts({ directory, process: { pid } }: Target): number {
  const root: Result = { of: 'root of the box' };
  const openRoot: SystemCall = {
    name: 'openat',
    arguments: [integer(directory), string('root'), flags(O, 'O_PATH', 'O_CLOEXEC')],
    result: root,
  };
  const place = openPlace(root, TERMINALS_DIRECTORY, true, { of: 'place of terminals' });
  const calls = [openRoot, { ...place, tolerate: ['ENOENT', 'ENOTDIR', 'ELOOP'] } satisfies SystemCall];
  const outcome = runCalls(calls);
  const [opened = -1, found = -1] = calls.map(call => outcome.result(call));
  if (opened >= 0) closeSync(opened);
  if (outcome.failure !== undefined) throw explainFailure(undefined, outcome, calls);
  if (found >= 0 && statfsSync(`/proc/self/fd/${found}`).type === DEVPTS_SUPER_MAGIC) return found;
  if (found >= 0) closeSync(found);
  throw new StartError(noDevpts(pid), EXIT_STATUS.failed);
}
