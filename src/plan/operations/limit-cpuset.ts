import type { CpusetLimits } from '../../box/resources.js';
import { type Limits, type Setting, writeSettings } from '../cgroup.js';
import type { OperationKind } from '../operation.js';

/** Says which CPUs and memory nodes the box may use: cpuset(7). */
export interface LimitCpuset extends CpusetLimits {
  readonly kind: 'limit-cpuset';
}

export const limitCpuset: OperationKind<LimitCpuset> & Limits<LimitCpuset> = {
  describe({ cpus, mems }) {
    const parts = [
      ...(cpus === undefined ? [] : [`CPUs ${cpus}`]),
      ...(mems === undefined ? [] : [`memory nodes ${mems}`]),
    ];
    return `use only ${parts.join(', ')}`;
  },

  settings: ({ cpus, mems }) => [...(cpus ? [setting('cpus', cpus)] : []), ...(mems ? [setting('mems', mems)] : [])],

  systemCalls: (operation, { cgroup }) => writeSettings(limitCpuset.settings(operation), cgroup.places),
};

function setting(name: 'cpus' | 'mems', value: string): Setting {
  const file = { file: `cpuset.${name}`, value };
  return { controller: 'cpuset', field: `resources.cpu.${name}`, v1: file, v2: file };
}
