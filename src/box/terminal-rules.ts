import type { Box } from './box.js';
import { type FileSystemMount, fillMount, type Mount } from './mounts.js';
import type { Problem } from './problem.js';
import { absolutePath } from './values.js';

/** Where a box has its terminal: in a devpts of its own, of which it is the first. */
export const TERMINALS_DIRECTORY = absolutePath('/dev/pts');
export const CONSOLE = absolutePath('/dev/console');

const OWN_DEVPTS = fillMount({ type: 'devpts', destination: TERMINALS_DIRECTORY });

/** What is mounted there: as the box says, if it does. */
export function terminalMount({ mounts }: Pick<Box, 'mounts'>): Pick<FileSystemMount, 'flags' | 'parameters'> {
  const last = mounts.findLast(isTerminalMount) ?? OWN_DEVPTS;
  return { flags: last.flags, parameters: last.type === 'bind' ? {} : last.parameters };
}

/** Whether it is the mount that the terminal is in. */
export const isTerminalMount = ({ type, destination }: Mount): boolean =>
  type === 'devpts' && lexical(destination) === TERMINALS_DIRECTORY;

/** A terminal is mounted, and nothing may hide it. */
export function terminalProblems({ terminal, namespaces, mounts, rootfs }: Box): readonly Problem[] {
  if (!terminal) return [];
  if (namespaces.mount.kind !== 'new') {
    const message = 'needs a mount namespace of its own (namespaces.mount: new), for a /dev/pts of its own';
    return [{ field: 'terminal', message }];
  }
  // In a rootfs the terminal comes after all mounts.
  const covered = rootfs === undefined ? ['/', '/dev', TERMINALS_DIRECTORY, CONSOLE] : [TERMINALS_DIRECTORY, CONSOLE];
  return mounts.flatMap((mount, index) => {
    const place = lexical(mount.destination);
    if (isTerminalMount(mount) || !covered.includes(place)) return [];
    const message = `with terminal: true, the box has its own ${place === CONSOLE ? CONSOLE : TERMINALS_DIRECTORY} there: only a devpts may be mounted on ${TERMINALS_DIRECTORY}`;
    return [{ field: `mounts[${index}].destination`, message }];
  });
}

/** A path as written, without what means nothing. */
const lexical = (path: string): string =>
  `/${path
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .join('/')}`;
