import { cgroupFor } from '../../src/backends/ffi/cgroup.js';
import { programFiles } from '../../src/host/program-files.js';
import type { Operation } from '../../src/index.js';
import { type Caller, NO_TERMINAL } from '../../src/plan/operation.js';

/** Somebody whom a plan can be shown to, without anything open for it. */
export const callerOf = (plan: readonly Operation[]): Caller => ({
  uid: 0,
  gid: 0,
  descriptorLimit: 1024,
  ignoredSignals: [],
  pidfd: -1,
  streams: [0, 1, 2],
  inInitialUserNamespace: true,
  terminal: NO_TERMINAL,
  rootfs: { of: 'rootfs' },
  cgroups: [],
  cgroup: cgroupFor(plan),
  idMaps: new Map<never, number>(),
  life: undefined,
  nullDevice: { of: 'null device' },
  pod: [],
  programFiles: programFiles(plan),
});
