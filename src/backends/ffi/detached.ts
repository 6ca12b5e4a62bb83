import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import type { Box } from '../../box/box.js';
import { removeCgroups } from '../../host/cgroup/remove.js';
import { pause } from '../../host/clock.js';
import { statOf } from '../../host/process.js';
import { requireRootfs } from '../../host/rootfs.js';
import { makePlan } from '../../plan/plan.js';
import type { Claim } from '../../state/claim.js';
import { readLife, rememberProcess } from '../../state/life.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import { leaveToReap, type Pid, reapNow, refuseWorker } from './reap.js';
import { type StartedBox, startBox } from './start.js';

/**
 * Starts a box that goes on without this process, and waits until its command is executed.
 *
 * @param box with nsgen's own init.
 * @throws StartError when it could not be started, or the command not be executed. Nothing of the box is left but its
 *   claim.
 */
export async function startDetached(box: Box, claim: Claim): Promise<void> {
  refuseWorker();
  requireRootfs(box);
  const plan = makePlan(box, { detached: true });
  const opened: number[] = [];
  const open = (path: string, flags: string) => {
    const descriptor = openSync(path, flags);
    opened.push(descriptor);
    return descriptor;
  };
  try {
    const streams = [open('/dev/null', 'r'), claim.log, claim.log] as const;
    const started = startBox(plan, streams, { life: { descriptor: claim.life, proc: open('/proc', 'r') } });
    const { pid } = started;
    rememberProcess(claim.directory, { pid, start: statOf(pid)?.start ?? '' });
    await executed(started, claim);
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** The init makes the command as vfork(2) does: until it is executed, its program is that of the init. */
async function executed({ pid, cgroups }: StartedBox, { directory }: Claim): Promise<void> {
  for (let delay = 1; !hasCommand(pid); delay = Math.min(2 * delay, 20)) {
    if (statOf(pid)?.state === 'Z') {
      reapNow(pid);
      const problem = problemOf(directory);
      if (problem === undefined) return;
      await removeCgroups(cgroups.map(cgroup => cgroup.directory));
      throw problem;
    }
    await pause(delay);
  }
  leaveToReap(pid);
}

function hasCommand(pid: Pid): boolean {
  const children = childrenOf(pid);
  // A kernel without CONFIG_PROC_CHILDREN cannot say.
  if (children === undefined) return true;
  const [command] = children;
  if (command === undefined) return false;
  try {
    const [init, other] = [statSync(`/proc/${pid}/exe`), statSync(`/proc/${command}/exe`)];
    return init.ino !== other.ino || init.dev !== other.dev;
  } catch (error) {
    // Another user's, or one that nobody may read.
    return error instanceof Error && 'code' in error && error.code === 'EACCES';
  }
}

function childrenOf(pid: Pid): readonly string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
  } catch {
    return undefined;
  }
}

/** What the init says of a command that it cannot execute is then all that there is to read. */
const NOT_EXECUTED = /^nsgen-init: cannot execute .*\n$/s;

/** Bytes: a path has 4096 at most. */
const LONGEST = 64 * 1024;

/** Undefined: the box was started, and has ended since. */
function problemOf(directory: string): StartError | undefined {
  const { exitStatus } = readLife(directory);
  if (exitStatus !== EXIT_STATUS.notFound && exitStatus !== EXIT_STATUS.notExecutable) return undefined;
  const log = `${directory}/log`;
  // What another command has written, that ended as soon.
  if (statSync(log).size > LONGEST) return undefined;
  const said = readFileSync(log, 'utf8');
  return NOT_EXECUTED.test(said) ? new StartError(said.trimEnd().replace(/^nsgen-init: /, ''), exitStatus) : undefined;
}
