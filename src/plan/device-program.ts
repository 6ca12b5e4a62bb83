import type { DeviceRule } from '../box/resources.js';
import {
  and,
  type BpfInstruction,
  copy,
  exit,
  jump,
  jumpIfSet,
  jumpUnless,
  load,
  set,
  shiftRight,
} from '../linux/bpf.js';
import { ANY, accessBits, EVERY_ACCESS } from './device-rules.js';

/**
 * The rules as a program of type BPF_PROG_TYPE_CGROUP_DEVICE: version 2 of cgroups asks it, each time a device is opened
 * or made, with a struct bpf_cgroup_dev_ctx (access << 16 | type, major, minor), and 0 denies.
 */

/** BPF_DEVCG_DEV_BLOCK and _CHAR of include/uapi/linux/bpf.h. The bits of an access, BPF_DEVCG_ACC_*, are those of ACCESS. */
const TYPE = { b: 1, c: 2 } as const;
const ACCESS_SHIFT = 16;
const TYPE_MASK = 0xffff;

/** Registers: 0 is the answer, and 1 points at the struct. */
const ANSWER = 0;
const ASKED = 1;
const KIND = 2;
/** What is asked for and no rule has decided yet. */
const OPEN = 3;
const MAJOR = 4;
const MINOR = 5;

const answer = (allow: boolean): readonly BpfInstruction[] => [set(ANSWER, allow ? 1 : 0), exit()];

export function deviceProgram(rules: readonly DeviceRule[]): readonly BpfInstruction[] {
  const program = [
    load(KIND, ASKED, 0),
    copy(OPEN, KIND),
    shiftRight(OPEN, ACCESS_SHIFT),
    and(KIND, TYPE_MASK),
    load(MAJOR, ASKED, 4),
    load(MINOR, ASKED, 8),
  ];
  // From the last rule on: the first that fits decides.
  for (const rule of rules.toReversed()) {
    program.push(...ruleCode(rule));
    // The kernel takes no program with a part that is never reached.
    if (decidesAll(rule)) return program;
  }
  return [...program, ...answer(true)];
}

function conditionsOf({ type = 'a', major = ANY, minor = ANY }: DeviceRule) {
  return [
    ...(type === 'a' ? [] : [[KIND, TYPE[type]] as const]),
    ...(major === ANY ? [] : [[MAJOR, major] as const]),
    ...(minor === ANY ? [] : [[MINOR, minor] as const]),
  ];
}

const decidesAll = (rule: DeviceRule): boolean =>
  conditionsOf(rule).length === 0 && accessBits(rule.access) === EVERY_ACCESS;

function ruleCode(rule: DeviceRule): readonly BpfInstruction[] {
  const conditions = conditionsOf(rule);
  const decision = decisionCode(rule);
  return [
    ...conditions.map(([register, value], index) =>
      jumpUnless(register, value, conditions.length - index - 1 + decision.length),
    ),
    ...decision,
  ];
}

/** Of a request for more than one kind of access, each must be allowed. */
function decisionCode({ allow, access }: DeviceRule): readonly BpfInstruction[] {
  const bits = accessBits(access);
  const end = answer(allow);
  if (bits === EVERY_ACCESS) return end;
  if (!allow) return [jumpIfSet(OPEN, bits, 1), jump(end.length), ...end];
  return [and(OPEN, EVERY_ACCESS & ~bits), jumpUnless(OPEN, 0, end.length), ...end];
}
