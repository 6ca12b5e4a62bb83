import type { Operation } from '../../plan/operations.js';
import type { Plan } from '../../plan/plan.js';
import { followedVariables } from './followed-variables.js';

/**
 * Where in the script an operation is carried out.
 *
 * prepare: by the script itself, before anything is started; what it does is inherited.
 * launch: by unshare(1) or nsenter(1), as one of their options.
 * enter: inside the new namespaces, by the host's tools.
 * leave: the same, but from a mount namespace beside the box's, which has lost the tools of the host by then.
 */
export type Place = 'prepare' | 'launch' | 'enter' | 'leave';

export interface PlacedOperation {
  readonly operation: Operation;
  readonly place: Place;
}

/**
 * unshare(1) can do the beginning of most plans on its own command line, and of some plans all: then no second bash is
 * needed. From the first operation that it cannot do, the rest runs inside.
 */
export function placeOperations(plan: Plan): readonly PlacedOperation[] {
  let inside = false;
  let pivoted = false;
  return plan.map(operation => {
    const fixed = alwaysPlace(operation);
    if (fixed !== undefined) return { operation, place: fixed };
    inside ||= !unshareCan(operation, plan);
    const place = pivoted ? 'leave' : inside ? 'enter' : 'launch';
    pivoted ||= operation.kind === 'pivot-root';
    return { operation, place };
  });
}

/** Whether the script needs its function `enter`, and a bash inside the namespaces to run it. */
export const needsShell = (placed: readonly PlacedOperation[]): boolean =>
  placed.some(
    ({ operation, place }) =>
      place === 'enter' ||
      place === 'leave' ||
      joinsMount(operation) ||
      operation.kind === 'record-life' ||
      (operation.kind === 'execute' && (operation.init !== undefined || followedVariables(operation.env).length > 0)),
  );

/** The mount namespace is joined last, by nsenter(1) inside: in there, no other tool need exist. */
export const joinsMount = (operation: Operation): boolean =>
  operation.kind === 'join-namespaces' && operation.namespaces.some(({ type }) => type === 'mount');

function alwaysPlace({ kind }: Operation): Place | undefined {
  switch (kind) {
    case 'close-descriptors':
    case 'descriptor-limit':
    case 'file-mode-mask':
    case 'limit-cpu':
    case 'limit-cpuset':
    case 'limit-devices':
    case 'limit-hugetlb':
    case 'limit-io':
    case 'limit-memory':
    case 'limit-pids':
    case 'limit-unified':
    case 'make-cgroup':
    case 'record-life':
    case 'standard-streams':
      return 'prepare';
    case 'create-namespaces':
    case 'execute':
    case 'join-namespaces':
    case 'map-ids':
    case 'new-session':
    case 'offset-clocks':
    case 'open-launcher':
    case 'parent-death-signal':
    case 'reset-signals':
    case 'take-terminal':
      return 'launch';
    default:
      return undefined;
  }
}

const isUsualProc = (operation: Operation): boolean =>
  operation.kind === 'mount-proc' &&
  operation.destination === '/proc' &&
  operation.flags.join() === 'nosuid,nodev,noexec';

function unshareCan(operation: Operation, plan: Plan): boolean {
  // What makes the terminal comes between unshare and the box.
  if (plan.some(({ kind }) => kind === 'open-terminal')) return operation.kind === 'mount-propagation';
  switch (operation.kind) {
    case 'mount-proc':
      // Without --fork, it is still in the pid namespace of the host; and who it is, the box reads in the host's.
      if (plan.some(({ kind }) => kind === 'record-life')) return false;
      // It knows one place and one set of options, and mounts only once.
      if (operation !== plan.find(isUsualProc)) return false;
      // For any other propagation, --mount-proc first makes the /proc of the host private, which shows in mountinfo.
      return plan.some(other => other.kind === 'mount-propagation' && other.propagation === 'private');
    case 'working-directory':
      return operation.rootfs === undefined;
    case 'mount-propagation':
      return true;
    default:
      return false;
  }
}
