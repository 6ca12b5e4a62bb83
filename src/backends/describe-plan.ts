import type { Box } from '../box/box.js';
import { hardDescriptorLimit, ignoredSignals, inInitialUserNamespace } from '../host/caller.js';
import { cgroupPlaces } from '../host/cgroup/places.js';
import { cgroupHierarchies } from '../host/cgroups.js';
import { programFiles } from '../host/program-files.js';
import { formatSystemCall, type SystemCall } from '../linux/system-call.js';
import { NO_TERMINAL } from '../plan/operation.js';
import { describe, type OperationName, settingsOf, systemCalls } from '../plan/operations.js';
import { makePlan } from '../plan/plan.js';
import { renderOperations } from './script/render.js';

/** One operation of a plan, as both backends carry it out. */
export interface PlannedOperation {
  readonly operation: OperationName;
  readonly description: string;
  /** What the ffi backend issues, in the manner of strace(1). */
  readonly systemCalls: readonly string[];
  /** What the script does for it. */
  readonly bash: string;
}

/** A box's plan for people to read, as it would be carried out for the caller here and now. */
export function describePlan(box: Box): readonly PlannedOperation[] {
  const plan = makePlan(box);
  const make = plan.find(operation => operation.kind === 'make-cgroup');
  const caller = {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    inInitialUserNamespace: inInitialUserNamespace(),
    descriptorLimit: hardDescriptorLimit(),
    ignoredSignals: ignoredSignals(),
    pidfd: -1,
    streams: [0, 1, 2],
    terminal: NO_TERMINAL,
    rootfs: { of: 'rootfs' },
    idMaps: new Map<never, number>(),
    cgroups: cgroupHierarchies(),
    cgroup: { places: make === undefined ? [] : cgroupPlaces(make, plan.flatMap(settingsOf)).places, name: () => '' },
    life: undefined,
    nullDevice: { of: 'null device' },
    pod: [],
    programFiles: programFiles(plan),
  } as const;
  const bash = renderOperations(box);
  return plan.map((operation, index) => ({
    operation: operation.kind,
    description: describe(operation),
    systemCalls: systemCalls(operation, caller).flatMap(call => formatBranches(call)),
    bash: bash[index] ?? '',
  }));
}

/** A call, and below it what is made only because of how it ended. */
function formatBranches(call: SystemCall): readonly string[] {
  const branch = (condition: string, calls: readonly SystemCall[] = []) =>
    calls.flatMap(formatBranches).map(line => `  ${condition}: ${line.trimStart()}`);
  return [
    formatSystemCall(call),
    ...branch('on success', call.onSuccess),
    ...branch('by the launcher', call.launches),
    ...branch(`on ${call.tolerate?.join(', ')}`, call.onTolerated),
  ];
}
