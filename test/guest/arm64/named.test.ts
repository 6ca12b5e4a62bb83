import { testNamed } from '../named.js';

/**
 * One box at least for each kind of operation, by system calls alone: the numbers and structs of this architecture are
 * what is tested, and bash has none. The table says what must come of them.
 */
testNamed(
  [
    'uts joined',
    'user and net joined by an ordinary user',
    'everything joined',
    'pid joined and a rootfs',
    'rootfs by chroot',
    'rootfs with a user namespace',
    'a file bound into the rootfs',
    'a read-only bind with a mount below its source',
    'memory file systems',
    'mount points that are missing in the rootfs',
    'propagation slave',
    'every type, ro, in a rootfs',
    'the cgroup hierarchies of this host, cgroup namespace new',
    'a bind with options covers the mounts below',
    'files and symlinks',
    'overlay, kept',
    'programs of the host, propagation slave, no /proc',
    '/dev, nodes of its own',
    '/dev, nodes of the host, of an ordinary user',
    'masked and read-only paths on the tree of the host',
    'a read-only root',
    'lookup: not found in the rootfs',
    'ended by KILL',
    'caller: descriptors 3 to 20 open',
    'caller: signals blocked',
    'caller: fewer capabilities',
  ],
  ['ffi'],
);
