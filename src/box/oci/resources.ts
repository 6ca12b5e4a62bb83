import * as v from 'valibot';
import { fields } from '../fields.js';
import { isMapping } from '../values.js';
import { only, refused } from './refused.js';

/**
 * linux.resources of config.json. The names are the box's; but sizes are numbers of bytes alone, and there are fields
 * that nsgen does not carry out. The values are checked as those of the box.
 */

const number = v.optional(v.pipe(v.number(), v.integer('must be a whole number')));
const text = v.optional(v.string());

const memory = fields({
  limit: number,
  reservation: number,
  swap: number,
  kernel: refused(0, { message: 'is not carried out: Linux has no such limit any more' }),
  kernelTCP: refused(0),
  swappiness: number,
  disableOOMKiller: v.optional(v.boolean()),
  useHierarchy: only(true, 'must be true: a limit holds for the cgroups below as well'),
  checkBeforeUpdate: only(false, 'must be false: nothing is in the box when its limits are set'),
});

const cpu = fields({
  shares: number,
  quota: number,
  burst: number,
  period: number,
  realtimeRuntime: refused(0),
  realtimePeriod: refused(0),
  cpus: text,
  mems: text,
  idle: number,
});

const device = { major: v.number(), minor: v.number() };
const rates = v.optional(v.array(fields({ ...device, rate: v.number() })));

const blockIO = fields({
  weight: number,
  leafWeight: refused(0),
  weightDevice: v.optional(v.array(fields({ ...device, weight: number, leafWeight: refused(0) }))),
  throttleReadBpsDevice: rates,
  throttleWriteBpsDevice: rates,
  throttleReadIOPSDevice: rates,
  throttleWriteIOPSDevice: rates,
});

export const configResources = fields({
  devices: v.optional(v.array(fields({ allow: v.boolean(), type: text, major: number, minor: number, access: text }))),
  memory: v.optional(memory),
  cpu: v.optional(cpu),
  pids: v.optional(fields({ limit: number })),
  blockIO: v.optional(blockIO),
  hugepageLimits: v.optional(v.array(fields({ pageSize: v.string(), limit: v.number() }))),
  network: refused(1),
  rdma: refused(1),
  unified: v.optional(v.custom<Readonly<Record<string, unknown>>>(isMapping, 'must be a mapping of names to values')),
});

type Given = v.InferOutput<typeof configResources>;

/** As the resources of a box. 0 asks for nothing, where nobody can mean it: engines write structs out whole. */
export function boxResources({ memory = {}, cpu = {}, blockIO = {}, network, rdma, ...others }: Given) {
  const { useHierarchy, checkBeforeUpdate, kernel, kernelTCP, limit, reservation, swap, ...restOfMemory } = memory;
  const { shares, quota, period, cpus, mems, realtimeRuntime, realtimePeriod, ...restOfCpu } = cpu;
  const { weight, leafWeight, weightDevice = [], ...rates } = blockIO;
  return {
    ...others,
    memory: { ...restOfMemory, ...asked({ limit, reservation, swap }) },
    cpu: { ...restOfCpu, ...asked({ shares, quota, period, cpus, mems }) },
    blockIO: {
      ...rates,
      ...asked({ weight }),
      weightDevice: weightDevice.map(({ leafWeight: _, ...device }) => device),
    },
  };
}

const asked = (fields: Readonly<Record<string, number | string | undefined>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== 0 && value !== ''));
