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
  const { exitCode } = await runScript(box, name, 'inherit');
  return exitCode;
}

/**
 * The same for a program that wants to know the name.
 *
 * @throws StartError with what the script has said.
 */
export async function startDetachedScript(box: Box, name: string | undefined): Promise<string> {
  const { exitCode, stdout, stderr } = await runScript(box, name, 'pipe');
  if (exitCode !== EXIT_STATUS.ok) throw new StartError(stderr ?? '', exitCode);
  return stdout ?? '';
}

async function runScript(box: Box, name: string | undefined, output: 'inherit' | 'pipe') {
  requireRootfs(box);
  programFiles(makePlan(box));
  const script = openWithoutName(renderScript(box, { name }));
  try {
    const words = ['--pdeathsig', 'KILL', '--', 'bash', pathOf(script)];
    const { exitCode, stdout, stderr } = await execa('setpriv', words, {
      stdin: 'ignore',
      stdout: output,
      stderr: output,
      reject: false,
      cleanup: false,
    });
    if (exitCode !== undefined) return { exitCode, stdout, stderr };
    throw new StartError(
      'cannot start bash: setpriv (util-linux) or bash is missing, or was killed',
      EXIT_STATUS.failed,
    );
  } finally {
    closeSync(script);
  }
}
