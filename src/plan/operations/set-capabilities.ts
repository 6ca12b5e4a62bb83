import { type CapabilitySet, capabilitiesIn, capabilityName } from '../../linux/capabilities.js';
import {
  LINUX_CAPABILITY_VERSION_3,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_RAISE,
  PR_CAPBSET_DROP,
  PR_SET_KEEPCAPS,
  PR_SET_NO_NEW_PRIVS,
} from '../../linux/constants.js';
import { bytes, integer, type SystemCall, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Takes the user and the capabilities of another process: what a program that it executes would have. */
export interface SetCapabilities {
  readonly kind: 'set-capabilities';
  /** As its user namespace numbers them; undefined: the caller has them already. */
  readonly uids: readonly [real: number, effective: number, saved: number] | undefined;
  readonly capabilities: Capabilities;
  /** What is taken out of the bounding set. */
  readonly dropped: CapabilitySet;
  readonly noNewPrivileges: boolean;
  /** Whether they are those of a user namespace that has been joined, and so all at first. */
  readonly joinedUser: boolean;
}

/** capabilities(7) */
export interface Capabilities {
  readonly inheritable: CapabilitySet;
  readonly permitted: CapabilitySet;
  readonly effective: CapabilitySet;
  readonly bounding: CapabilitySet;
  readonly ambient: CapabilitySet;
}

const hex = (set: CapabilitySet) => `0x${set.toString(16)}`;

export const setCapabilities: OperationKind<SetCapabilities> = {
  describe({ uids, capabilities, noNewPrivileges }) {
    const { inheritable, permitted, bounding, ambient } = capabilities;
    const others = Object.entries({ inheritable, ambient }).filter(([, set]) => set !== 0n);
    const sets = [['permitted', permitted] as const, ['bounding', bounding] as const, ...others];
    return [
      ...(uids === undefined ? [] : [`be user ${uids[0]}`]),
      `have the capabilities ${sets.map(([name, set]) => `${name} ${hex(set)}`).join(', ')}`,
      ...(noNewPrivileges ? ['gain no new privileges'] : []),
    ].join('; ');
  },

  systemCalls: capabilityCalls,
};

/** The bounding set first, while CAP_SETPCAP is there; without PR_SET_KEEPCAPS, who stops being root keeps nothing. */
export function capabilityCalls(operation: SetCapabilities): readonly SystemCall[] {
  const { uids, capabilities, dropped, noNewPrivileges } = operation;
  return [
    ...capabilitiesIn(dropped).map(number =>
      prctl('PR_CAPBSET_DROP', PR_CAPBSET_DROP, symbol(capabilityName(number), number)),
    ),
    ...(uids === undefined
      ? []
      : [
          prctl('PR_SET_KEEPCAPS', PR_SET_KEEPCAPS, integer(1)),
          { name: 'setresuid', arguments: uids.map(integer) } as const,
        ]),
    capset(capabilities),
    ...capabilitiesIn(capabilities.ambient).map(number =>
      prctl(
        'PR_CAP_AMBIENT',
        PR_CAP_AMBIENT,
        symbol('PR_CAP_AMBIENT_RAISE', PR_CAP_AMBIENT_RAISE),
        symbol(capabilityName(number), number),
      ),
    ),
    ...(noNewPrivileges ? [prctl('PR_SET_NO_NEW_PRIVS', PR_SET_NO_NEW_PRIVS, integer(1))] : []),
  ];
}

function prctl(text: string, value: number, ...given: SystemCall['arguments']): SystemCall {
  const rest = [integer(0), integer(0), integer(0)].slice(given.length - 1);
  return { name: 'prctl', arguments: [symbol(text, value), ...given, ...rest] };
}

/** Two structs of the low and the high halves. */
function capset({ effective, permitted, inheritable }: Capabilities): SystemCall {
  const sets = [effective, permitted, inheritable];
  const halves = [...sets.map(set => set & 0xffff_ffffn), ...sets.map(set => set >> 32n)].map(Number);
  const header = new Uint8Array(new Uint32Array([LINUX_CAPABILITY_VERSION_3, 0]).buffer);
  const shown = `{effective=${hex(effective)}, permitted=${hex(permitted)}, inheritable=${hex(inheritable)}}`;
  return {
    name: 'capset',
    arguments: [
      bytes(header, '{version=_LINUX_CAPABILITY_VERSION_3, pid=0}'),
      bytes(new Uint8Array(new Uint32Array(halves).buffer), shown),
    ],
  };
}
