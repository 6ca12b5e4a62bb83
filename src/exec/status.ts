import type { Capabilities } from '../plan/operations/set-capabilities.js';

/** What /proc/PID/status says of who a process is: proc_pid_status(5). Ids as the reader's user namespace numbers them. */
export interface Status {
  readonly uids: Ids;
  readonly gids: Ids;
  readonly groups: readonly number[];
  readonly mask: number;
  readonly capabilities: Capabilities;
  readonly noNewPrivileges: boolean;
  /** How many seccomp filters it has; Infinity: some, and the kernel (before 5.9) does not say how many. */
  readonly seccompFilters: number;
}

export type Ids = readonly [real: number, effective: number, saved: number];

export function parseStatus(text: string): Status {
  const fields = new Map(
    text.split('\n').map(line => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    }),
  );
  const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter(Boolean);
  const ids = (name: string): Ids => {
    const [real = 0, effective = 0, saved = 0] = words(name).map(Number);
    return [real, effective, saved];
  };
  const set = (name: string) => BigInt(`0x${fields.get(name) ?? '0'}`);
  const filtered = fields.get('Seccomp') !== '0' && fields.has('Seccomp');
  return {
    uids: ids('Uid'),
    gids: ids('Gid'),
    groups: words('Groups').map(Number),
    mask: Number.parseInt(fields.get('Umask') ?? '22', 8),
    capabilities: {
      inheritable: set('CapInh'),
      permitted: set('CapPrm'),
      effective: set('CapEff'),
      bounding: set('CapBnd'),
      ambient: set('CapAmb'),
    },
    noNewPrivileges: fields.get('NoNewPrivs') === '1',
    seccompFilters: filtered ? Number(fields.get('Seccomp_filters') ?? Number.POSITIVE_INFINITY) : 0,
  };
}
