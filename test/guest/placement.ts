import { accessSync, constants, readFileSync } from 'node:fs';

/** Where the tests run that need a unified cgroup v2 tree. */

const CONTROLLERS = ['cpu', 'cpuset', 'io', 'memory', 'pids'];

export type Placement = { readonly on: 'host' } | { readonly on: 'guest'; readonly because: string };

export function placement(tree = '/sys/fs/cgroup', uid = process.getuid?.()): Placement {
  if (uid !== 0) return { on: 'guest', because: 'the tests do not run as root' };
  let controllers: readonly string[];
  try {
    controllers = readFileSync(`${tree}/cgroup.controllers`, 'utf8').trim().split(' ');
    accessSync(`${tree}/cgroup.procs`, constants.W_OK);
  } catch (error) {
    return { on: 'guest', because: error instanceof Error ? error.message : String(error) };
  }
  const missing = CONTROLLERS.filter(controller => !controllers.includes(controller));
  if (missing.length === 0) return { on: 'host' };
  return { on: 'guest', because: `${tree} has no controller ${missing.join(', ')}` };
}
