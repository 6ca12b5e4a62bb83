import { AT, AT_FDCWD, FSCONFIG, MOUNT_ATTR, MOVE_MOUNT, MS, OPEN_TREE } from './constants.js';
import {
  bytes,
  flags,
  integer,
  NULL,
  type Result,
  resultOf,
  type SystemCall,
  string,
  symbol,
  words,
} from './system-call.js';

/** The mount calls of Linux 5.2, which work on descriptors instead of paths: open_tree(2), fsopen(2), move_mount(2). */

export type MountAttribute = keyof typeof MOUNT_ATTR;
export type PropagationFlag = 'MS_PRIVATE' | 'MS_SLAVE' | 'MS_SHARED' | 'MS_UNBINDABLE';

/** A copy of the mounts at a path, attached nowhere yet: the one there, or with `recursive` all below it too. */
export function cloneTree(path: string, recursive: boolean, result: Result): SystemCall {
  const below = recursive ? (['AT_RECURSIVE'] as const) : [];
  return {
    name: 'open_tree',
    arguments: [
      symbol('AT_FDCWD', AT_FDCWD),
      string(path),
      flags(OPEN_TREE, 'OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', ...below),
    ],
    result,
  };
}

/** The same of a place that is open already: whatever its path leads to by now. */
export function cloneTreeOf(place: Result, result: Result): SystemCall {
  return {
    name: 'open_tree',
    arguments: [
      resultOf(place),
      string(''),
      flags(OPEN_TREE, 'OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', 'AT_EMPTY_PATH', 'AT_RECURSIVE'),
    ],
    result,
  };
}

/** A new file system, attached nowhere yet. `parameters` are its mount options; of those that are `true`, the name is all. */
export function createMount(
  type: string,
  parameters: Readonly<Record<string, string | true>>,
  attributes: readonly MountAttribute[],
  result: Result,
): readonly SystemCall[] {
  const context: Result = { of: `fsopen ${type}` };
  const configure = ([key, value]: readonly [string, string | true]): SystemCall => ({
    name: 'fsconfig',
    arguments:
      value === true
        ? [resultOf(context), flags(FSCONFIG, 'FSCONFIG_SET_FLAG'), string(key), NULL, integer(0)]
        : [resultOf(context), flags(FSCONFIG, 'FSCONFIG_SET_STRING'), string(key), string(value), integer(0)],
  });
  // mount(2) has one flag for both: the file system is read-only, and so is this mount of it.
  const readOnly = attributes.includes('MOUNT_ATTR_RDONLY') ? [configure(['ro', true])] : [];
  return [
    { name: 'fsopen', arguments: [string(type), symbol('FSOPEN_CLOEXEC', 1)], result: context },
    configure(['source', type]),
    ...readOnly,
    ...Object.entries(parameters).map(configure),
    {
      name: 'fsconfig',
      arguments: [resultOf(context), flags(FSCONFIG, 'FSCONFIG_CMD_CREATE'), NULL, NULL, integer(0)],
    },
    {
      name: 'fsmount',
      arguments: [resultOf(context), symbol('FSMOUNT_CLOEXEC', 1), flags(MOUNT_ATTR, ...attributes)],
      result,
    },
  ];
}

/** Attaches a mount on an opened place. */
export function attach(mount: Result, place: Result): SystemCall {
  return {
    name: 'move_mount',
    arguments: [
      resultOf(mount),
      string(''),
      resultOf(place),
      string(''),
      flags(MOVE_MOUNT, 'MOVE_MOUNT_F_EMPTY_PATH', 'MOVE_MOUNT_T_EMPTY_PATH'),
    ],
  };
}

/** Makes a mount and all below it read-only, leaving their other flags. */
export const makeReadOnly = (mount: Result): SystemCall => addAttributes(mount, ['MOUNT_ATTR_RDONLY'], true);

/** Adds flags to a mount, `recursive` to all below it too, and takes none away: mount_setattr(2), Linux 5.12. */
export function addAttributes(mount: Result, attributes: readonly MountAttribute[], recursive: boolean): SystemCall {
  const value = attributes.reduce((sum, name) => sum + MOUNT_ATTR[name], 0);
  const shown = `{attr_set=${attributes.join('|')}, attr_clr=0, propagation=0, userns_fd=0}`;
  return setAttributes(mount, words(value, 0, 0, 0), shown, recursive);
}

/** Whether mounts made below this one travel to its peers and from them: mount_namespaces(7). */
export function setPropagation(mount: Result, propagation: PropagationFlag, recursive: boolean): SystemCall {
  const shown = `{attr_set=0, attr_clr=0, propagation=${propagation}, userns_fd=0}`;
  return setAttributes(mount, words(0, 0, MS[propagation], 0), shown, recursive);
}

/** Makes the one mount read-only. */
export const makeAloneReadOnly = (mount: Result): SystemCall => addAttributes(mount, ['MOUNT_ATTR_RDONLY'], false);

/** Takes that back, of the one mount. */
export function makeAloneWritable(mount: Result): SystemCall {
  const shown = '{attr_set=0, attr_clr=MOUNT_ATTR_RDONLY, propagation=0, userns_fd=0}';
  return setAttributes(mount, words(0, MOUNT_ATTR.MOUNT_ATTR_RDONLY, 0, 0), shown, false);
}

/** Shows the owners of files as a user namespace maps them: mount_setattr(2), Linux 5.12. The mount is attached nowhere. */
export function mapOwners(mount: Result, userNamespace: number, shownAs: string, recursive: boolean): SystemCall {
  const shown = `{attr_set=MOUNT_ATTR_IDMAP, attr_clr=0, propagation=0, userns_fd=<${shownAs}>}`;
  return setAttributes(mount, words(MOUNT_ATTR.MOUNT_ATTR_IDMAP, 0, 0, userNamespace), shown, recursive);
}

function setAttributes(mount: Result, attributes: Uint8Array, shown: string, recursive: boolean): SystemCall {
  const below = recursive ? (['AT_RECURSIVE'] as const) : [];
  return {
    name: 'mount_setattr',
    arguments: [
      resultOf(mount),
      string(''),
      flags(AT, 'AT_EMPTY_PATH', ...below),
      bytes(attributes, shown),
      integer(attributes.length),
    ],
  };
}
