import type { Box } from '../../box/box.js';
import { fieldName, type Problem } from '../../box/problem.js';
import { followedVariables } from './followed-variables.js';

/** What bash and util-linux cannot do. Named by field, and never left out in silence. */
export function unsupported(box: Box): readonly Problem[] {
  const joined = box.namespaces.mount.kind === 'joined';
  const message =
    'the script cannot do this in a mount namespace that is joined, where the tools of the host are out of reach';
  const fields = joined ? (['rootfs', 'cwd'] as const).filter(field => box[field] !== undefined) : [];
  const followed = joined || box.rootfs !== undefined ? followedVariables(box.env) : [];
  return [
    ...fields.map(field => ({ field, message })),
    ...unsupportedContent(box),
    ...unsupportedInit(box),
    ...unsupportedTerminal(box),
    ...unsupportedIdMaps(box),
    ...unsupportedAfterShared(box),
    ...followed.map(name => ({
      field: fieldName(['env', name]),
      message:
        'the script cannot set this together with another root: the program of the host that changes it would load code or open files by it',
    })),
  ];
}

/** Nothing that a host has executes an open file but by its name in /proc. */
function unsupportedInit({ init, rootfs, proc, mounts, namespaces }: Box): readonly Problem[] {
  if (init !== true) return [];
  const message = 'the script needs a /proc in the box to execute it (or the path of a program): use nsgen run';
  const hasProc =
    rootfs === undefined
      ? namespaces.mount.kind !== 'joined'
      : proc || mounts.some(({ destination }) => destination === '/proc');
  return hasProc ? [] : [{ field: 'init', message }];
}

/** script(1) must be outside of the pid namespace of its child, and nsenter(1) joins others in another order. */
function unsupportedTerminal({ terminal, namespaces }: Box): readonly Problem[] {
  if (!terminal || namespaces.pid.kind !== 'joined') return [];
  return [
    { field: 'terminal', message: 'the script cannot make one in a pid namespace that is joined: use nsgen run' },
  ];
}

/** mount(8) can only since util-linux 2.39, and nothing else on a host can. */
function unsupportedIdMaps({ mounts }: Box): readonly Problem[] {
  const message = 'the script cannot map the owners of files: use nsgen run';
  return mounts.flatMap((mount, index) =>
    mount.type === 'bind' && mount.idMap !== undefined ? [{ field: `mounts[${index}].uidMappings`, message }] : [],
  );
}

/** The function that writes them is a variable of the environment on its way in: MAX_ARG_STRLEN, 128 KiB. */
const MOST_CONTENT = 96 * 1024;

function unsupportedContent({ files }: Box): readonly Problem[] {
  // bash exports it in single quotes, of which one in the text becomes four characters.
  const sizeOf = (content: string) => Buffer.byteLength(content) + 3 * (content.split("'").length - 1);
  const size = files.reduce((sum, { content }) => sum + sizeOf(content), 0);
  if (size <= MOST_CONTENT) return [];
  return [{ field: 'files', message: `the script can hold ${MOST_CONTENT} bytes of them, not ${size}: bind some` }];
}

/** mount(8) restricts a bind after it is there. Where it has travelled to peers by then, they would stay as they were. */
function unsupportedAfterShared({ mounts }: Box): readonly Problem[] {
  const shared = mounts.findIndex(mount => mount.type === 'bind' && /^r?shared$/.test(mount.propagation ?? ''));
  return mounts.flatMap((mount, index) => {
    const late = shared >= 0 && index > shared && mount.type === 'bind' && mount.flags.length > 0;
    const message = `the script cannot restrict a bind after one that is shared (mounts[${shared}]): put it before`;
    return late ? [{ field: `mounts[${index}]`, message }] : [];
  });
}
