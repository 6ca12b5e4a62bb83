/**
 * Why a host has no file for a limit, or its kernel refuses what is written there: for both backends. The script has
 * the same words in templates/functions/limit_hint.ejs, and a test that they are the same.
 */
interface Hint {
  readonly files: RegExp;
  readonly missing?: string;
  readonly refused?: string;
}

const HINTS: readonly Hint[] = [
  { files: /^cpuset\.cpus$/, refused: 'the CPUs must be among those of the cgroup above' },
  { files: /^cpuset\.mems$/, refused: 'the memory nodes must be among those of the cgroup above' },
  {
    files: /^cpu\.(cfs_.*|max.*)$/,
    missing: 'the kernel was built without CONFIG_CFS_BANDWIDTH, or is too old for this file',
    refused: 'it must not be more than a cgroup above has, nor so little that the kernel cannot measure it',
  },
  {
    files: /^memory\.(memsw\..*|swap\..*)$/,
    missing: 'the kernel does not count swap (boot it with swapaccount=1, or one that has CONFIG_SWAP)',
  },
  {
    files: /^hugetlb\..*$/,
    missing: 'the kernel has no pages of this size (see /sys/kernel/mm/hugepages)',
  },
  {
    files: /^(blkio\.(bfq\.)?weight|io\.(bfq\.)?weight|blkio\.(bfq\.)?weight_device)$/,
    missing: 'nothing in this kernel weighs block devices (the scheduler BFQ does, and io.cost)',
    refused: 'there must be such a device, a whole disk whose scheduler is BFQ (see /sys/block/*/queue/scheduler)',
  },
  {
    files: /^(blkio\.throttle\..*|io\.max)$/,
    missing: 'the kernel was built without CONFIG_BLK_DEV_THROTTLING',
    refused: 'there must be such a device, and a whole disk: a partition has no limit of its own',
  },
  { files: /^devices\.allow$/, refused: 'the cgroup above does not allow it, or it takes root on the host' },
  { files: /^devices\.deny$/, refused: 'it takes root on the host' },
];

const MISSING = 'the kernel is too old for it, or was built without it';
const REFUSED = 'the kernel does not take this there';

export function limitHint(what: 'missing' | 'refused', file: string): string {
  const hint = HINTS.find(({ files }) => files.test(file))?.[what];
  return hint ?? (what === 'missing' ? MISSING : REFUSED);
}
