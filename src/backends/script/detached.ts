import { closeSync } from 'node:fs';
import { execa } from 'execa';
import type { Box } from '../../box/box.js';
import { programFiles } from '../../host/program-files.js';
import { requireRootfs } from '../../host/rootfs.js';
import { makePlan } from '../../plan/plan.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import { openWithoutName } from './backend.js';
import { pathOf } from './cgroup.js';
import { type Detached, renderScript } from './render.js';

/**
 * Has bash run the script that leaves the box to itself, and prints its name.
 *
 * @param pod what the script is told of the namespaces of the pod that it is in.
 * @returns the exit status of the script.
 */
export function runDetachedScript(box: Box, detached: Detached, pod: readonly string[] = []): Promise<number> {
  requireRootfs(box);
  programFiles(makePlan(box));
  return runToItsEnd(renderScript(box, detached), pod);
}

/**
 * @param stdout what becomes of the name that the script prints.
 * @returns the exit status of bash, which ends with this process.
 */
export async function runToItsEnd(
  text: string,
  further: readonly string[] = [],
  stdout: 'inherit' | 'ignore' = 'inherit',
): Promise<number> {
  const script = openWithoutName(text);
  try {
    const words = ['--pdeathsig', 'KILL', '--', 'bash', pathOf(script), ...further];
    const options = { stdio: ['ignore', stdout, 'inherit'], buffer: false, reject: false, cleanup: false } as const;
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
