import type { AbsolutePath } from '../../box/values.js';
import { S_IFREG } from '../../linux/constants.js';
import { type DeviceNode, makeNode, openHostNode } from '../../linux/device-node.js';
import { mkdirAt, symlinkAt } from '../../linux/directory-calls.js';
import { attach, cloneTreeOf, createMount, makeAloneReadOnly } from '../../linux/mount-calls.js';
import { openEntry, openMountPoint } from '../../linux/open-path.js';
import { integer, octal, type Result, resultOf, type SystemCall, string, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Mounts a /dev of the box's own, with the devices, links and mounts that the OCI runtime specification asks for. */
export interface MakeDev {
  readonly kind: 'make-dev';
  readonly rootfs: AbsolutePath;
  /** The umask that is set by then, to be set again. */
  readonly mask: number;
  /** Something is going to be masked by its null device. */
  readonly keepsNull: boolean;
  /** Whether pts is mounted too; else open-terminal does it. */
  readonly terminals: boolean;
}

/** Documentation/admin-guide/devices.txt of the kernel. */
export const NULL_DEVICE: DeviceNode = { name: 'null', major: 1, minor: 3 };
const OTHER_DEVICES: readonly DeviceNode[] = [
  { name: 'zero', major: 1, minor: 5 },
  { name: 'full', major: 1, minor: 7 },
  { name: 'random', major: 1, minor: 8 },
  { name: 'urandom', major: 1, minor: 9 },
  { name: 'tty', major: 5, minor: 0 },
];

const LINKS: readonly (readonly [name: string, target: string])[] = [
  ['ptmx', 'pts/ptmx'],
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
];

export const makeDev: OperationKind<MakeDev> = {
  describe: () => 'mount a /dev with null, zero, full, random, urandom, tty, ptmx, pts, shm',

  /**
   * The descriptor of the new mount leads there whatever becomes of the rootfs, and nobody else can change what is in
   * it: everything is made relative to it, without following anything.
   */
  systemCalls({ mask, keepsNull, terminals }, { rootfs, nullDevice }) {
    const dev: Result = { of: 'mount of /dev' };
    const place: Result = { of: 'open /dev' };
    return [
      ...createMount('tmpfs', { mode: '755', size: '65536k' }, ['MOUNT_ATTR_NOSUID'], dev),
      ...openMountPoint(rootfs, '/dev', 'directory', place),
      attach(dev, place),
      { name: 'umask', arguments: [symbol('000', 0)] },
      {
        ...makeNode(dev, NULL_DEVICE),
        tolerate: ['EPERM'],
        onSuccess: OTHER_DEVICES.map(node => makeNode(dev, node)),
        onTolerated: [NULL_DEVICE, ...OTHER_DEVICES].flatMap(node => bindNode(dev, node)),
      },
      { name: 'umask', arguments: [octal(mask)] },
      ...(keepsNull ? [openEntry(dev, NULL_DEVICE.name, nullDevice)] : []),
      ...LINKS.map(([name, target]) => symlinkAt(target, dev, name)),
      // Each mount of devpts is an instance of its own since Linux 4.7. No gid=5: that group may have no id in the box.
      ...(terminals ? mountIn(dev, 'pts', createPts) : [mkdirAt(dev, 'pts', 0o755)]),
      ...mountIn(dev, 'shm', shm =>
        createMount(
          'tmpfs',
          { mode: '1777', size: '65536k' },
          ['MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NODEV', 'MOUNT_ATTR_NOEXEC'],
          shm,
        ),
      ),
    ];
  },
};

const createPts = (pts: Result): readonly SystemCall[] =>
  createMount('devpts', { mode: '0620', ptmxmode: '0666' }, ['MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NOEXEC'], pts);

/**
 * mknod(2) of a device takes CAP_MKNOD on the host, which no user namespace gives, and the leave of the device cgroup. The
 * host's nodes are second best: they are the host's own inodes. Read-only keeps chmod(2) and chown(2) from them; a device
 * is written to all the same.
 */
function bindNode(dev: Result, node: DeviceNode): readonly SystemCall[] {
  const source: Result = { of: `open /dev/${node.name}` };
  const mount: Result = { of: `mount of /dev/${node.name}` };
  const place: Result = { of: `open ${node.name}` };
  const file = symbol('S_IFREG|0666', S_IFREG + 0o666);
  return [
    ...openHostNode(node, source),
    cloneTreeOf(source, mount),
    makeAloneReadOnly(mount),
    { name: 'mknodat', arguments: [resultOf(dev), string(node.name), file, integer(0)] },
    openEntry(dev, node.name, place),
    attach(mount, place),
  ];
}

function mountIn(dev: Result, name: string, create: (mount: Result) => readonly SystemCall[]): readonly SystemCall[] {
  const mount: Result = { of: `mount of /dev/${name}` };
  const place: Result = { of: `open ${name}` };
  return [mkdirAt(dev, name, 0o755), ...create(mount), openEntry(dev, name, place), attach(mount, place)];
}
