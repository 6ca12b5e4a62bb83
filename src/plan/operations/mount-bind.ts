import type { IdMap, MountFlag, MountPropagation } from '../../box/mounts.js';
import type { AbsolutePath } from '../../box/values.js';
import {
  addAttributes,
  attach,
  cloneTree,
  mapOwners,
  type PropagationFlag,
  setPropagation,
} from '../../linux/mount-calls.js';
import { openMountPoint } from '../../linux/open-path.js';
import type { Result } from '../../linux/system-call.js';
import { attributesOf, describeFlags } from '../file-system.js';
import type { OperationKind } from '../operation.js';

/** Shows a directory or file of the host at another place, with the mounts below it unless it is not recursive. */
export interface MountBind {
  readonly kind: 'mount-bind';
  readonly source: AbsolutePath;
  readonly destination: AbsolutePath;
  /** Added to what the source has, and what is mounted below it. */
  readonly flags: readonly MountFlag[];
  readonly recursive: boolean;
  readonly propagation: MountPropagation | undefined;
  readonly idMap: IdMap | undefined;
  readonly rootfs: AbsolutePath | undefined;
}

const PROPAGATION: Readonly<Record<MountPropagation, readonly [flag: PropagationFlag, recursive: boolean]>> = {
  private: ['MS_PRIVATE', false],
  slave: ['MS_SLAVE', false],
  shared: ['MS_SHARED', false],
  unbindable: ['MS_UNBINDABLE', false],
  rprivate: ['MS_PRIVATE', true],
  rslave: ['MS_SLAVE', true],
  rshared: ['MS_SHARED', true],
  runbindable: ['MS_UNBINDABLE', true],
};

const describeIdMap = ({ uids, gids }: IdMap): string => `uids ${describeRanges(uids)}, gids ${describeRanges(gids)}`;

const describeRanges = (ranges: IdMap['uids']): string =>
  ranges.map(({ containerID, hostID, size }) => `${containerID} as ${hostID} (${size})`).join(' and ');

export const mountBind: OperationKind<MountBind> = {
  describe({ source, destination, flags, recursive, propagation, idMap }) {
    const alone = recursive ? '' : ', without the mounts below';
    const travels = propagation === undefined ? '' : `, ${propagation}`;
    const how = `${describeFlags(flags, [])}${alone}${travels}${idMap === undefined ? '' : `, ${describeIdMap(idMap)}`}`;
    return `bind ${JSON.stringify(source)} on ${JSON.stringify(destination)}${how}`;
  },

  /** Read-only before it is attached: at no moment can anything be written through it. */
  systemCalls({ source, destination, flags, recursive, propagation, idMap, rootfs }, caller) {
    const mount: Result = { of: `mounts of ${source}` };
    const place: Result = { of: `open ${destination}` };
    return [
      cloneTree(source, recursive, mount),
      ...(idMap === undefined
        ? []
        : [mapOwners(mount, caller.idMaps.get(idMap) ?? -1, `user namespace with ${describeIdMap(idMap)}`, recursive)]),
      ...(flags.length === 0 ? [] : [addAttributes(mount, attributesOf(flags), true)]),
      ...openMountPoint(rootfs && caller.rootfs, destination, { like: mount }, place),
      attach(mount, place),
      ...(propagation === undefined ? [] : [setPropagation(mount, ...PROPAGATION[propagation])]),
    ];
  },
};
