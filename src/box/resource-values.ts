/** CPUs or memory nodes as cpuset(7) lists them: 0-2,4. */
export function cpuListProblem(value: string): string | undefined {
  const message = 'must be a list of numbers and ranges: 0-2,4';
  if (!/^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/.test(value)) return message;
  const ranges = value.split(',').map(range => range.split('-').map(Number));
  return ranges.every(([first = 0, last = first]) => first <= last) ? undefined : message;
}

/** As the kernel names the files of its hugetlb controller, and the specification the sizes: 2MB, 1GB. */
export function hugePageSizeProblem(value: string): string | undefined {
  return /^[1-9]\d{0,5}[KMG]B$/.test(value) ? undefined : 'must be a size of huge pages: 64KB, 2MB, 1GB';
}

/** Files of the cgroup itself say who is in it, and what its children have: they are nsgen's affair. */
const OWN_FILES = ['cgroup.max.depth', 'cgroup.max.descendants'];

/** Controllers that a box has cgroups for; rdma and misc limit nothing that a box has. */
const OF_CONTROLLERS = ['memory', 'cpu', 'cpuset', 'pids', 'io', 'hugetlb'];

export function unifiedNameProblem(name: string): string | undefined {
  if (!/^[a-z]\w*(?:\.[A-Za-z0-9_]+)+$/.test(name)) return 'must be the name of a file of cgroup v2: memory.high';
  if (name.startsWith('cgroup.') && !OWN_FILES.includes(name)) return 'is no limit';
  const [prefix = ''] = name.split('.');
  if (prefix !== 'cgroup' && !OF_CONTROLLERS.includes(prefix))
    return `is of no controller of a box: ${OF_CONTROLLERS.join(', ')}`;
  return undefined;
}
