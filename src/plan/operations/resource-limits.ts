import { bytes, integer, NULL, type SystemCall, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Sets limits of setrlimit(2). */
export interface ResourceLimits {
  readonly kind: 'resource-limits';
  readonly limits: readonly ResourceLimit[];
}

export interface ResourceLimit {
  readonly name: ResourceName;
  /** In the unit of getrlimit(2); undefined: none. */
  readonly soft: bigint | undefined;
  readonly hard: bigint | undefined;
}

/** The numbers of include/uapi/asm-generic/resource.h. */
export const RESOURCES = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
} as const;

export type ResourceName = keyof typeof RESOURCES;

/** RLIM64_INFINITY */
const INFINITY = 0xffff_ffff_ffff_ffffn;

/** For setrlimit(2), and as prlimit(1) takes it. */
export const shownLimit = (value: bigint | undefined): string => (value === undefined ? 'unlimited' : String(value));

export const resourceLimits: OperationKind<ResourceLimits> = {
  describe: ({ limits }) =>
    `set ${limits.map(({ name, soft, hard }) => `${name}=${shownLimit(soft)}:${shownLimit(hard)}`).join(', ')}`,

  systemCalls: ({ limits }) =>
    limits.map(({ name, soft, hard }): SystemCall => {
      const values = new BigUint64Array([soft ?? INFINITY, hard ?? INFINITY]);
      const shown = `{rlim_cur=${shownLimit(soft)}, rlim_max=${shownLimit(hard)}}`;
      return {
        name: 'prlimit64',
        arguments: [integer(0), symbol(name, RESOURCES[name]), bytes(new Uint8Array(values.buffer), shown), NULL],
      };
    }),
};
