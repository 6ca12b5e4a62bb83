import { AT_FDCWD, O } from '../../linux/constants.js';
import { type Argument, changing, flags, octal, type SystemCall, symbol } from '../../linux/system-call.js';
import { writeFileCalls } from '../../linux/write-file.js';
import { type CgroupPlace, type Controller, writeIn } from '../cgroup.js';
import type { OperationKind } from '../operation.js';

/** Makes a cgroup for the box in each hierarchy that it needs one in. */
export interface MakeCgroup {
  readonly kind: 'make-cgroup';
  readonly controllers: readonly Controller[];
  /** Those of them that only count something: a host that lacks one leaves it unknown. */
  readonly optional: readonly Controller[];
  /**
   * In all that there are, if the caller is root: what shows the box its cgroups, and what it mounts itself, must not
   * show it the root of a hierarchy, whose release_agent is a program that the kernel runs outside of the box. `all`: it
   * is an error that one is mounted nowhere, since the box could do that.
   */
  readonly everywhere: 'mounted' | 'all' | undefined;
  readonly parent: string | undefined;
}

export const makeCgroup: OperationKind<MakeCgroup> = {
  describe({ controllers, everywhere, parent }) {
    const what = everywhere ? 'in every hierarchy (if the caller is root)' : `for ${controllers.join(', ')}`;
    return `make a cgroup ${what}${parent === undefined ? '' : ` in ${JSON.stringify(parent)}`}`;
  },

  systemCalls: (_, { cgroup }) =>
    cgroup.places.flatMap(place => [
      ...place.enable.flatMap(({ directory, controllers }) => enable(directory, controllers)),
      ...makeIn(place, pathIn(place, cgroup.name)),
    ]),
};

/** pid_max, a start time and a counter have at most 7, 20 and 16 digits. */
const LONGEST_NAME = 64;

const pathIn = ({ parent }: CgroupPlace, name: () => string): Argument =>
  changing(() => `${parent}/${name()}`, parent.length * 3 + LONGEST_NAME, JSON.stringify(`${parent}/nsgen-...`));

function makeIn({ directory, cpuset }: CgroupPlace, path: Argument): readonly SystemCall[] {
  return [
    { name: 'mkdirat', arguments: [symbol('AT_FDCWD', AT_FDCWD), path, octal(0o755)] },
    {
      name: 'openat',
      arguments: [symbol('AT_FDCWD', AT_FDCWD), path, flags(O, 'O_PATH', 'O_CLOEXEC')],
      result: directory,
    },
    ...(cpuset === undefined
      ? []
      : [...writeIn(directory, 'cpuset.cpus', cpuset.cpus), ...writeIn(directory, 'cpuset.mems', cpuset.mems)]),
  ];
}

const enable = (directory: string, controllers: readonly Controller[]): readonly SystemCall[] =>
  writeFileCalls(`${directory}/cgroup.subtree_control`, controllers.map(name => `+${name}`).join(' '));
