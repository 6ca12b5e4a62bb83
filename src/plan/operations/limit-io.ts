import type { BlockIOLimits } from '../../box/resources.js';
import { type Limits, type Setting, type Value, type Write, writeSettings } from '../cgroup.js';
import type { OperationKind } from '../operation.js';

/** Limits what the box reads from block devices and writes to them, or weighs it against others. */
export interface LimitIo extends BlockIOLimits {
  readonly kind: 'limit-io';
}

/** Each list of rates: its file in version 1, its key in io.max of version 2, and what it counts. */
const RATES = [
  { field: 'throttleReadBpsDevice', file: 'read_bps_device', key: 'rbps', text: 'bytes/s read' },
  { field: 'throttleWriteBpsDevice', file: 'write_bps_device', key: 'wbps', text: 'bytes/s written' },
  { field: 'throttleReadIOPSDevice', file: 'read_iops_device', key: 'riops', text: 'reads/s' },
  { field: 'throttleWriteIOPSDevice', file: 'write_iops_device', key: 'wiops', text: 'writes/s' },
] as const;

export const limitIo: OperationKind<LimitIo> & Limits<LimitIo> = {
  describe(operation) {
    const parts = [
      ...(operation.weight === undefined ? [] : [`weight ${operation.weight}`]),
      ...(operation.weightDevice ?? []).map(({ major, minor, weight }) => `weight ${weight} on ${major}:${minor}`),
      ...RATES.flatMap(({ field, text }) =>
        (operation[field] ?? []).map(({ major, minor, rate }) => `${rate} ${text} on ${major}:${minor}`),
      ),
    ];
    return `limit block devices to ${parts.join(', ')}`;
  },

  settings(operation) {
    const { weight, weightDevice = [] } = operation;
    return [
      ...(weight === undefined ? [] : [setting('weight', v1Weight('weight', '', weight), v2Weight('', weight))]),
      ...weightDevice.map(({ major, minor, weight }, index) =>
        setting(
          `weightDevice[${index}]`,
          v1Weight('weight_device', `${major}:${minor} `, weight),
          v2Weight(`${major}:${minor} `, weight),
        ),
      ),
      ...RATES.flatMap(({ field, file, key }) =>
        (operation[field] ?? []).map(({ major, minor, rate }, index) =>
          setting(
            `${field}[${index}]`,
            { file: `blkio.throttle.${file}`, value: `${major}:${minor} ${rate}` },
            { file: 'io.max', value: `${major}:${minor} ${key}=${rate}` },
          ),
        ),
      ),
    ];
  },

  systemCalls: (operation, { cgroup }) => writeSettings(limitIo.settings(operation), cgroup.places),
};

/** BFQ is the scheduler that weighs; before Linux 5.0 there was CFQ, with a file of its own. */
const v1Weight = (file: string, device: string, weight: number): Write => ({
  file: `blkio.bfq.${file}`,
  value: `${device}${weight}`,
  otherwise: { file: `blkio.${file}`, value: `${device}${weight}` },
});

/** BFQ, else the io.cost of the kernel, which has another scale. */
const v2Weight = (device: string, weight: number): Write => ({
  file: 'io.bfq.weight',
  value: `${device}${weight}`,
  otherwise: { file: 'io.weight', value: `${device}${ioWeightOf(weight)}` },
});

/** 10 to 1000 as 1 to 10000, along a straight line: as runc and crun have it. */
export const ioWeightOf = (weight: number): number => 1 + Math.floor(((weight - 10) * 9999) / 990);

const setting = (name: string, v1: Value, v2: Value): Setting => ({
  controller: 'io',
  field: `resources.blockIO.${name}`,
  v1,
  v2,
});
