import { closeSync } from 'node:fs';
import { execa } from 'execa';
import type { Box } from '../../box/box.js';
import { programFiles } from '../../host/program-files.js';
import { requireRootfs } from '../../host/rootfs.js';
import { makePlan } from '../../plan/plan.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import { openWithoutName } from './backend.js';
import { pathOf } from './cgroup.js';
import { renderScript } from './render.js';

/**
 * Has bash run the script that leaves the box to itself, and prints its name.
 *
 * @returns the exit status of the script.
 */
export async function runDetachedScript(box: Box, name: string | undefined): Promise<number> {
  requireRootfs(box);
  programFiles(makePlan(box));
  const script = openWithoutName(renderScript(box, { name }));
  try {
    const words = ['--pdeathsig', 'KILL', '--', 'bash', pathOf(script)];
    const options = { stdio: ['ignore', 'inherit', 'inherit'], buffer: false, reject: false, cleanup: false } as const;
    const { exitCode } = await execa('setpriv', words, options);
    if (exitCode !== undefined) return exitCode;
    throw new StartError(
      'cannot start bash: setpriv (util-linux) or bash is missing, or was killed',
      EXIT_STATUS.failed,
    );
  } finally {
    closeSync(script);
  }
}
