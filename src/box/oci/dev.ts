import type { Problem } from '../problem.js';
import type { Config } from './config.js';
import { fieldsOfOptions } from './mount-options.js';
import { sourceProblems } from './mounts.js';

/**
 * /dev in config.json is a tmpfs in which the runtime, unbidden, makes the default devices; /dev/pts and /dev/shm are
 * listed besides. A box has one field for all of it.
 */

type ConfigMount = NonNullable<Config['mounts']>[number];
type Device = NonNullable<NonNullable<Config['linux']>['devices']>[number];

/** What each is in a /dev of a box: what runtimes agree on. */
const OWN: Readonly<Record<string, Readonly<Record<string, unknown>>>> = Object.assign(Object.create(null), {
  '/dev': { type: 'tmpfs', readOnly: false, nosuid: true, nodev: false, noexec: false, mode: '755', size: '65536k' },
  '/dev/pts': {
    type: 'devpts',
    readOnly: false,
    nosuid: true,
    nodev: false,
    noexec: true,
    mode: '620',
    ptmxmode: '666',
  },
  '/dev/shm': { type: 'tmpfs', readOnly: false, nosuid: true, nodev: true, noexec: true, mode: '1777', size: '65536k' },
});

/**
 * Whether a mount is the /dev of a runtime. A tmpfs there with other options is refused: it would have no devices.
 *
 * @param before the mounts that are listed before it; a box's /dev comes first.
 */
export function isDev(mount: ConfigMount, index: number, before: readonly ConfigMount[], problems: Problem[]): boolean {
  if (mount.type !== 'tmpfs' || lexical(mount.destination) !== '/dev') return false;
  problems.push(...sourceProblems(mount.type, mount.source ?? '', `mounts[${index}]`));
  if (!isOwn(mount)) {
    const message = 'must be nosuid, strictatime, mode=755, size=65536k: the /dev that has the default devices in it';
    problems.push({ field: `mounts[${index}].options`, message });
  }
  if (before.some(({ destination }) => `${lexical(destination)}/`.startsWith('/dev/'))) {
    problems.push({ field: `mounts[${index}]`, message: 'must come before what is mounted in /dev: it covers it' });
  }
  return true;
}

/** Whether a mount is what a box's /dev has of itself. */
export const isPartOfDev = (mount: ConfigMount): boolean =>
  lexical(mount.destination) !== '/dev' &&
  isOwn(mount) &&
  sourceProblems(mount.type ?? '', mount.source ?? '', '').length === 0;

function isOwn({ destination, type = '', options = [] }: ConfigMount): boolean {
  const own = OWN[lexical(destination)];
  if (own === undefined) return false;
  const problems: Problem[] = [];
  // Access times of device nodes in memory: with relatime they are a little coarser.
  const others = lexical(destination) === '/dev' ? options.filter(option => option !== 'strictatime') : options;
  const fields = Object.entries({ type, ...fieldsOfOptions(type, others, '', problems) });
  const normal = (value: unknown) => (typeof value === 'string' ? value.replace(/^0+(?=\d)/, '') : value);
  return (
    problems.length === 0 &&
    fields.length === Object.keys(own).length &&
    fields.every(([name, value]) => own[name] === normal(value))
  );
}

/** A path as written, without what means nothing. */
const lexical = (path: string): string =>
  `/${path
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .join('/')}`;

/** The default devices: null(4), random(4), full(4), tty(4). */
const DEFAULT_DEVICES: Readonly<Record<string, readonly [major: number, minor: number]>> = Object.assign(
  Object.create(null),
  {
    '/dev/null': [1, 3],
    '/dev/zero': [1, 5],
    '/dev/full': [1, 7],
    '/dev/random': [1, 8],
    '/dev/urandom': [1, 9],
    '/dev/tty': [5, 0],
  },
);

const PERMISSIONS = 0o666;

/** Devices that are there anyway may be listed. */
export function deviceProblems(devices: readonly Device[], hasDev: boolean): readonly Problem[] {
  return devices.flatMap((device, index) => {
    const field = `linux.devices[${index}]`;
    const [major, minor] = DEFAULT_DEVICES[device.path] ?? [];
    const isDefault = device.type === 'c' && major !== undefined && device.major === major && device.minor === minor;
    if (!isDefault) {
      const known = Object.keys(DEFAULT_DEVICES).join(', ');
      return [{ field, message: `is not carried out: the devices of a box are ${known}, with the numbers of Linux` }];
    }
    if (!hasDev) return [{ field, message: 'needs a tmpfs on /dev among the mounts' }];
    const wishes = [
      ['fileMode', PERMISSIONS],
      ['uid', 0],
      ['gid', 0],
    ] as const;
    return wishes
      .filter(([name, value]) => (device[name] ?? value) !== value)
      .map(([name, value]) => ({ field: `${field}.${name}`, message: `must be ${value}: others are not carried out` }));
  });
}
