import type { AbsolutePath, NamespaceType } from '../../box/values.js';
import { CLONE } from '../../linux/constants.js';
import { openOwnDirectory } from '../../linux/open-path.js';
import { flags, type Result, resultOf, type SystemCall, string } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';
import { cloneFlag } from './create-namespaces.js';
import { HELD_CWD, HELD_ROOT, heldNamespace } from './open-process.js';

/** Enters what open-process holds. */
export interface JoinProcess {
  readonly kind: 'join-process';
  readonly namespaces: readonly NamespaceType[];
  readonly root: boolean;
  /** In there; undefined: the working directory of the process. */
  readonly cwd: AbsolutePath | undefined;
}

export const joinProcess: OperationKind<JoinProcess> = {
  describe({ namespaces, root, cwd }) {
    const places = [...(root ? ['root'] : []), ...(cwd === undefined ? ['working directory'] : [])];
    const parts = [namespaces.length > 0 ? [`${namespaces.join(', ')} namespace`] : [], places].flat();
    return [
      ...(parts.length > 0 ? [`enter its ${parts.join(', ')}`] : []),
      ...(cwd === undefined ? [] : [`change to the directory ${JSON.stringify(cwd)}`]),
    ].join('; ');
  },

  /**
   * A joined mount namespace has a root of its own, which need not be that of the process: chroot(2). Root of the host
   * enters the user namespace last, with its rights over the others; an ordinary user has rights only in there.
   */
  systemCalls({ namespaces, root, cwd }, { uid }) {
    const join = (type: NamespaceType): SystemCall => ({
      name: 'setns',
      arguments: [resultOf(heldNamespace(type)), flags(CLONE, cloneFlag(type))],
    });
    const user = namespaces.filter(type => type === 'user').map(join);
    const others = namespaces.filter(type => type !== 'user').map(join);
    const places = [...(root ? CHANGE_ROOT : []), ...goTo(cwd)];
    return uid === 0 ? [...others, ...places, ...user] : [...user, ...others, ...places];
  },
};

const CHANGE_ROOT: readonly SystemCall[] = [
  { name: 'fchdir', arguments: [resultOf(HELD_ROOT)] },
  { name: 'chroot', arguments: [string('.')] },
];

function goTo(cwd: AbsolutePath | undefined): readonly SystemCall[] {
  if (cwd === undefined) return [{ name: 'fchdir', arguments: [resultOf(HELD_CWD)] }];
  const directory: Result = { of: `open ${cwd}` };
  return [openOwnDirectory(cwd, directory), { name: 'fchdir', arguments: [resultOf(directory)] }];
}
