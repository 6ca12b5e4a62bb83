import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { after } from 'node:test';
import { cgroupOf } from './cgroups.js';
import { delay } from './session.js';

/**
 * Moves this process to cgroups that only this test file has, one in each hierarchy of version 1: what appears there is
 * of its making, whatever runs beside it. It goes back at the end, and they are removed. In a hierarchy of version 2
 * nothing is done, because no process may be where boxes get limits.
 */
export function ownCgroups(): OwnCgroups {
  const name = `test-${process.pid}-${Date.now()}`;
  const places = legacyControllers().map(controller => {
    const home = cgroupOf('self', controller).directory;
    const directory = `${home}/${name}`;
    mkdirSync(directory);
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (existsSync(`${home}/${file}`)) writeFileSync(`${directory}/${file}`, readFileSync(`${home}/${file}`));
    writeFileSync(`${directory}/cgroup.procs`, String(process.pid));
    return { home, directory, controller };
  });
  after(async () => {
    for (const { home, directory } of places) {
      writeFileSync(`${home}/cgroup.procs`, String(process.pid));
      await removeSoon(directory);
    }
  });
  return {
    directory: controller => places.find(place => place.controller === controller)?.directory ?? '',
    below: () => places.flatMap(({ directory }) => below(directory)),
  };
}

export interface OwnCgroups {
  /** That of a controller of version 1; empty when the host has it not there. */
  directory(controller: string): string;
  /** All that there are below them. */
  below(): readonly string[];
}

/** What was killed in it is in it until somebody has asked how it ended. */
async function removeSoon(directory: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return rmdirSync(directory);
    } catch (error) {
      if (tries === 1000) throw error;
      await delay(20);
    }
  }
}

/** Those of version 1 below the ones that this process is in, as one that a test with cgroups of its own has started. */
export const cgroupsBelow = (): readonly string[] =>
  legacyControllers().flatMap(controller => below(cgroupOf('self', controller).directory));

/** One controller of each hierarchy. */
const legacyControllers = (): readonly string[] =>
  readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .flatMap(line => {
      const [, names = ''] = line.split(':');
      return names === '' || names.startsWith('name=') ? [] : [names.split(',')[0] ?? ''];
    });

function below(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .flatMap(({ name }) => [`${directory}/${name}`, ...below(`${directory}/${name}`)]);
  } catch {
    return [];
  }
}
