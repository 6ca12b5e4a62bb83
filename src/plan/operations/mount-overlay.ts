import type { AbsolutePath } from '../../box/values.js';
import { LOCK } from '../../linux/constants.js';
import { mkdirAt, symlinkAt } from '../../linux/directory-calls.js';
import { attach, createMount } from '../../linux/mount-calls.js';
import { openDirectory, openPath } from '../../linux/open-path.js';
import { flags, integer, type Result, resultOf, type SystemCall, string } from '../../linux/system-call.js';
import { type Caller, type OperationKind, type UserNamespace, wantsUserNamespace } from '../operation.js';

/**
 * Lays a writable directory over others that are only read, as the root: overlayfs. The layers have short names on a
 * tmpfs that is under the overlay, in this mount namespace alone, and gone with the old root: no path of the host is
 * among the mount options, which the box can read, and in which a comma or a colon would have to be escaped.
 */
export interface MountOverlay {
  readonly kind: 'mount-overlay';
  /** The topmost first. */
  readonly lower: readonly AbsolutePath[];
  /** Undefined: changes go to the tmpfs. */
  readonly kept: { readonly upper: AbsolutePath; readonly work: AbsolutePath } | undefined;
  readonly size: string | undefined;
  readonly user: UserNamespace | 'joined' | 'pod';
}

/** Every host has it, and nobody looks for anything there: the tools of the host are not, and no layer is. */
export const PLACE = '/proc/fs';

export const mountOverlay: OperationKind<MountOverlay> = {
  describe({ lower, kept, size }) {
    const layers = lower.map(path => JSON.stringify(path)).join(' over ');
    const limit = size === undefined ? '' : `, at most ${size}`;
    const changes = kept === undefined ? `thrown away with the box${limit}` : `kept in ${JSON.stringify(kept.upper)}`;
    return `mount an overlay of ${layers}, changes ${changes}`;
  },

  systemCalls(operation, caller) {
    const { lower, kept, size } = operation;
    const place: Result = { of: `open ${PLACE}` };
    const tmpfs: Result = { of: 'mount of tmpfs' };
    const parameters = { mode: '700', ...(size === undefined ? {} : { size }) };
    return [
      openPath(PLACE, place),
      ...createMount('tmpfs', parameters, [], tmpfs),
      attach(tmpfs, place),
      { name: 'fchdir', arguments: [resultOf(tmpfs)] },
      mkdirAt(undefined, 'root', 0o755),
      ...lower.map((path, index) => symlinkAt(path, undefined, String(index))),
      ...(kept === undefined ? scratchLayer() : keptLayer(kept, operation, caller)),
      mountOn('root', optionsOf(operation, caller, 'upper', 'work')),
      openPath('root', caller.rootfs),
      attach(caller.rootfs, tmpfs),
    ];
  },
};

/** The mode of upper is that of the root inside. */
const scratchLayer = (): readonly SystemCall[] => [
  mkdirAt(undefined, 'upper', 0o755),
  mkdirAt(undefined, 'work', 0o700),
];

/**
 * overlayfs lets two mounts share an upper, and promises nothing then; only with index=on does it refuse. A mount with
 * index=on would mark upper for good as one of these lower layers: so it is tried with a work directory on another mount,
 * which the kernel refuses next (EINVAL). The lock keeps another box from asking at the same time.
 */
function keptLayer(
  { upper, work }: NonNullable<MountOverlay['kept']>,
  operation: MountOverlay,
  caller: Caller,
): readonly SystemCall[] {
  const lock: Result = { of: `open ${upper}` };
  const exclusively = flags(LOCK, 'LOCK_EX', 'LOCK_NB');
  const isFree = (name: string): SystemCall => ({
    ...mountOn('.', `${optionsOf(operation, caller, name, 'root')},index=on`),
    tolerate: ['EINVAL'],
  });
  return [
    { ...mkdirAt(undefined, upper, 0o755), tolerate: ['EEXIST'] },
    { ...mkdirAt(undefined, work, 0o700), tolerate: ['EEXIST'] },
    openDirectory(upper, 'O_RDONLY', lock),
    openDirectory(work, 'O_PATH', { of: `open ${work}` }),
    { name: 'flock', arguments: [resultOf(lock), exclusively] },
    symlinkAt(upper, undefined, 'upper'),
    symlinkAt(work, undefined, 'work'),
    isFree('upper'),
    isFree('work'),
  ];
}

/** mount(2), because a parameter of fsconfig(2) ends after 255 bytes. */
function mountOn(target: string, options: string): SystemCall {
  return {
    name: 'mount',
    arguments: [string('overlay'), string(target), string('overlay'), integer(0), string(options)],
  };
}

/** Outside the initial user namespace nobody may write trusted.* attributes: userxattr, Linux 5.11. */
function optionsOf({ lower, user }: MountOverlay, caller: Caller, upper: string, work: string): string {
  const layers = lower.map((_, index) => index).join(':');
  const joined = user === 'joined' || (user === 'pod' && caller.pod.some(({ type }) => type === 'user'));
  const created = user !== 'joined' && user !== 'pod' && wantsUserNamespace(user, caller);
  const inside = joined || created || !caller.inInitialUserNamespace;
  return `lowerdir=${layers},upperdir=${upper},workdir=${work}${inside ? ',userxattr' : ''}`;
}
