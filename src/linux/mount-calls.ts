import { AT, AT_FDCWD, FSCONFIG, MOUNT_ATTR, MOVE_MOUNT, OPEN_TREE } from './constants.js';
import {
  type Argument,
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

type MountAttribute = keyof typeof MOUNT_ATTR;

/** A copy of the mounts at a path, attached nowhere yet. */
export function cloneTree(path: string, result: Result): SystemCall {
  return {
    name: 'open_tree',
    arguments: [
      symbol('AT_FDCWD', AT_FDCWD),
      string(path),
      flags(OPEN_TREE, 'OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', 'AT_RECURSIVE'),
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
  const configure = (key: string, value: string | true): SystemCall => ({
    name: 'fsconfig',
    arguments:
      value === true
        ? [resultOf(context), flags(FSCONFIG, 'FSCONFIG_SET_FLAG'), string(key), NULL, integer(0)]
        : [resultOf(context), flags(FSCONFIG, 'FSCONFIG_SET_STRING'), string(key), string(value), integer(0)],
  });
  return [
    { name: 'fsopen', arguments: [string(type), symbol('FSOPEN_CLOEXEC', 1)], result: context },
    configure('source', type),
    ...Object.entries(parameters).map(([key, value]) => configure(key, value)),
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

/** Makes a mount and all below it read-only, leaving their other flags: mount_setattr(2), Linux 5.12. */
export const makeReadOnly = (mount: Result): SystemCall =>
  setReadOnly(mount, flags(AT, 'AT_EMPTY_PATH', 'AT_RECURSIVE'), true);

/** The same of the one mount. */
export const makeAloneReadOnly = (mount: Result): SystemCall => setReadOnly(mount, flags(AT, 'AT_EMPTY_PATH'), true);

/** Takes that back, of the one mount. */
export const makeAloneWritable = (mount: Result): SystemCall => setReadOnly(mount, flags(AT, 'AT_EMPTY_PATH'), false);

function setReadOnly(mount: Result, reach: Argument, readOnly: boolean): SystemCall {
  const attribute = MOUNT_ATTR.MOUNT_ATTR_RDONLY;
  const attributes = readOnly ? words(attribute, 0, 0, 0) : words(0, attribute, 0, 0);
  const [set, clear] = readOnly ? ['MOUNT_ATTR_RDONLY', '0'] : ['0', 'MOUNT_ATTR_RDONLY'];
  return {
    name: 'mount_setattr',
    arguments: [
      resultOf(mount),
      string(''),
      reach,
      bytes(attributes, `{attr_set=${set}, attr_clr=${clear}, propagation=0, userns_fd=0}`),
      integer(attributes.length),
    ],
  };
}
