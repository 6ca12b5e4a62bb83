import type { CgroupHierarchy } from '../../host/cgroups.js';
import { mkdirAt, symlinkAt } from '../../linux/directory-calls.js';
import { addAttributes, attach, createMount } from '../../linux/mount-calls.js';
import { openInRoot } from '../../linux/open-path.js';
import type { Result, SystemCall } from '../../linux/system-call.js';
import { attributesOf, describeFlags, type FileSystemPlace, mountFileSystem } from '../file-system.js';
import type { OperationKind } from '../operation.js';

/**
 * Shows the cgroup hierarchies that the host has under /sys/fs/cgroup: cgroups(7). Where that is one of version 2, it is
 * one mount; else one for each, in a small tmpfs.
 */
export interface MountCgroup extends FileSystemPlace {
  readonly kind: 'mount-cgroup';
}

export const mountCgroup: OperationKind<MountCgroup> = {
  describe: ({ destination, flags }) =>
    `mount the cgroup hierarchies on ${JSON.stringify(destination)}${describeFlags(flags, ['nosuid', 'nodev', 'noexec'])}`,

  systemCalls(operation, caller) {
    const [only] = caller.cgroups;
    if (only?.name === '') {
      return mountFileSystem(only.type, { ...operation, parameters: only.options }, caller);
    }
    const tree: Result = { of: 'mount of tmpfs' };
    const flags = operation.flags.filter(flag => flag !== 'ro');
    const names = caller.cgroups.map(({ name }) => name);
    return [
      ...mountFileSystem('tmpfs', { ...operation, flags, parameters: { mode: '755' } }, caller, tree),
      ...caller.cgroups.flatMap(hierarchy => mountHierarchy(tree, hierarchy, operation)),
      ...names.flatMap(name => linksTo(name, names).map(link => symlinkAt(name, tree, link))),
      ...(operation.flags.includes('ro') ? [addAttributes(tree, ['MOUNT_ATTR_RDONLY'], false)] : []),
    ];
  },
};

function mountHierarchy(tree: Result, hierarchy: CgroupHierarchy, { flags }: MountCgroup): readonly SystemCall[] {
  const { name, type, options } = hierarchy;
  const mount: Result = { of: `mount of ${type} ${name}` };
  const place: Result = { of: `open ${name}` };
  return [
    mkdirAt(tree, name, 0o755),
    ...createMount(type, options, attributesOf(flags), mount),
    openInRoot(tree, name, place),
    attach(mount, place),
  ];
}

/** `cpu` and `cpuacct` lead to `cpu,cpuacct`, as systemd has it. */
function linksTo(name: string, names: readonly string[]): readonly string[] {
  return name.includes(',') ? name.split(',').filter(part => part !== '' && !names.includes(part)) : [];
}
