import type { DeviceRule } from '../box/resources.js';

/**
 * Rules about devices, in order: the last that fits decides, for each kind of access by itself, and what no rule fits is
 * allowed. That is what the OCI runtime specification says; the two versions of cgroups have it in different forms.
 */

/** Bits as version 2 has them: BPF_DEVCG_ACC_MKNOD, READ and WRITE of include/uapi/linux/bpf.h. */
export const ACCESS = { m: 1, r: 2, w: 4 } as const;
export const EVERY_ACCESS = ACCESS.m | ACCESS.r | ACCESS.w;

/** Of a number: all of them. */
export const ANY = -1;

/** What a /dev of the box's own has in it: devices.txt of the kernel. */
const DEVICES_OF_DEV = [
  [1, 3],
  [1, 5],
  [1, 7],
  [1, 8],
  [1, 9],
  [5, 0],
  [5, 2],
  [136, ANY],
] as const;

/** null, zero, full, random, urandom, tty, ptmx, and the terminals in pts. */
export const RULES_OF_DEV: readonly DeviceRule[] = DEVICES_OF_DEV.map(([major, minor]) => ({
  allow: true,
  type: 'c',
  major,
  minor,
  access: 'rwm',
}));

export function accessBits(access = 'rwm'): number {
  return (['r', 'w', 'm'] as const).reduce((bits, letter) => bits | (access.includes(letter) ? ACCESS[letter] : 0), 0);
}

export const accessText = (bits: number): string =>
  (['r', 'w', 'm'] as const).filter(letter => (bits & ACCESS[letter]) !== 0).join('');

export type DeviceType = 'b' | 'c';

/** Devices of one type: of one number, or of ANY. */
export interface Devices {
  readonly type: DeviceType;
  readonly major: number;
  readonly minor: number;
}

export interface Exception extends Devices {
  readonly access: number;
}

/** What version 1 has: one default, and exceptions to it, of which any that fits decides. */
export type DeviceList =
  | { readonly allowsRest: boolean; readonly exceptions: readonly Exception[] }
  | { readonly inexpressible: string };

/** The shortest list that decides like the rules, if there is one. */
export function deviceList(rules: readonly DeviceRule[]): DeviceList {
  const named = devicesNamed(rules);
  const allowed = named.map(devices => ({ ...devices, access: decide(rules, devices) }));
  const denied = allowed.map(devices => ({ ...devices, access: EVERY_ACCESS & ~devices.access }));
  const [allowing, denying] = [exceptionsOf(allowed), exceptionsOf(denied)];
  if (!('hole' in allowing) && ('hole' in denying || allowing.length <= denying.length))
    return { allowsRest: false, exceptions: allowing };
  if (!('hole' in denying)) return { allowsRest: true, exceptions: denying };
  return { inexpressible: 'hole' in allowing ? holeText(allowing) : '' };
}

/** The devices about which the rules may decide differently, each with everything that is narrower. */
function devicesNamed(rules: readonly DeviceRule[]): readonly Devices[] {
  return (['b', 'c'] as const).flatMap(type => {
    const found = new Map<string, Devices>();
    const add = (major: number, minor: number) => found.set(`${major}:${minor}`, { type, major, minor });
    add(ANY, ANY);
    for (const rule of rules) if (isOfType(rule, type)) add(rule.major ?? ANY, rule.minor ?? ANY);
    const [wideMinors, wideMajors] = [[...found.values()], [...found.values()]];
    for (const { major } of wideMinors.filter(({ minor }) => minor === ANY))
      for (const { minor } of wideMajors.filter(({ major }) => major === ANY)) add(major, minor);
    return [...found.values()];
  });
}

const isOfType = (rule: DeviceRule, type: DeviceType): boolean => rule.type !== (type === 'b' ? 'c' : 'b');

/** What is allowed of devices, about all of which the rules think alike. */
export function decide(rules: readonly DeviceRule[], { type, major, minor }: Devices): number {
  return rules.reduce((allowed, rule) => {
    if (!isOfType(rule, type) || !covers(rule.major, major) || !covers(rule.minor, minor)) return allowed;
    const bits = accessBits(rule.access);
    return rule.allow ? allowed | bits : allowed & ~bits;
  }, EVERY_ACCESS);
}

const covers = (given: number | undefined, number: number): boolean =>
  given === undefined || given === ANY || given === number;

interface Hole {
  readonly hole: Exception;
  readonly of: Exception;
}

/** An exception holds for all that is narrower: none of it may be without what the wider has. */
function exceptionsOf(all: readonly Exception[]): readonly Exception[] | Hole {
  const byName = new Map(all.map(exception => [nameOf(exception), exception]));
  const needed: Exception[] = [];
  for (const devices of all) {
    const around = widerThan(devices).flatMap(wider => byName.get(nameOf(wider)) ?? []);
    const of = around.find(({ access }) => (access & ~devices.access) !== 0);
    if (of !== undefined) return { hole: devices, of };
    // One exception has to have all of an access: r and w in two of them do not open a device for both.
    if (devices.access !== 0 && around.every(({ access }) => access !== devices.access)) needed.push(devices);
  }
  return needed;
}

const nameOf = ({ type, major, minor }: Devices): string => `${type} ${major}:${minor}`;

function widerThan(devices: Devices): readonly Devices[] {
  const name = nameOf(devices);
  const wider = [{ major: ANY }, { minor: ANY }, { major: ANY, minor: ANY }].map(change => ({ ...devices, ...change }));
  return wider.filter(other => nameOf(other) !== name);
}

const holeText = ({ hole, of }: Hole): string =>
  `version 1 of cgroups cannot allow ${exceptionText(of)} without ${devicesText(hole)}: its exceptions know no exceptions`;

const number = (value: number): string => (value === ANY ? '*' : String(value));
const devicesText = ({ type, major, minor }: Devices): string => `${type} ${number(major)}:${number(minor)}`;

/** As it is written to devices.allow and devices.deny. */
export const exceptionText = (exception: Exception): string =>
  `${devicesText(exception)} ${accessText(exception.access)}`;
