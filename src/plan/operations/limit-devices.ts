import type { DeviceRule } from '../../box/resources.js';
import { attachDeviceProgram, loadDeviceProgram } from '../../linux/bpf.js';
import { O } from '../../linux/constants.js';
import { flags, type Result, resultOf, type SystemCall, string } from '../../linux/system-call.js';
import { type Calls, type Limits, type Setting, type Value, writeSettings } from '../cgroup.js';
import { deviceProgram } from '../device-program.js';
import { ANY, deviceList, exceptionText, RULES_OF_DEV } from '../device-rules.js';
import type { OperationKind } from '../operation.js';

/** Says which devices the box may use: open them, and make their nodes. */
export interface LimitDevices {
  readonly kind: 'limit-devices';
  /** In order: the last that fits decides. */
  readonly rules: readonly DeviceRule[];
  /** The box has a /dev of its own: what is in it may be used in any case. */
  readonly ownDev: boolean;
}

export const limitDevices: OperationKind<LimitDevices> & Limits<LimitDevices> = {
  describe({ rules, ownDev }) {
    const shown =
      rules.length > MOST_SHOWN ? [...rules.slice(0, MOST_SHOWN).map(ruleText), '...'] : rules.map(ruleText);
    return `limit devices: ${shown.join(', ')}${ownDev ? '; those of /dev always' : ''}`;
  },

  settings({ rules, ownDev }) {
    const all = ownDev ? [...rules, ...RULES_OF_DEV] : rules;
    const v2: Calls = { calls: directory => attachProgram(all, directory), script: NOT_IN_BASH };
    const list = deviceList(all);
    if ('inexpressible' in list) return [setting({ refused: list.inexpressible }, v2)];
    const [rest, exception] = list.allowsRest ? (['allow', 'deny'] as const) : (['deny', 'allow'] as const);
    return [
      setting({ file: `devices.${rest}`, value: EVERYTHING }, v2),
      ...list.exceptions.map(devices =>
        setting({ file: `devices.${exception}`, value: exceptionText(devices) }, NOTHING_MORE),
      ),
    ];
  },

  systemCalls: (operation, { cgroup }) => writeSettings(limitDevices.settings(operation), cgroup.places),
};

const MOST_SHOWN = 12;
const EVERYTHING = 'a *:* rwm';
const NOT_IN_BASH = 'the script cannot load the program that version 2 of cgroups asks about devices: use nsgen run';
/** The program has all of the rules. */
const NOTHING_MORE: Calls = { calls: () => [], script: '' };

const setting = (v1: Value, v2: Value): Setting => ({ controller: 'devices', field: 'resources.devices', v1, v2 });

function attachProgram(rules: readonly DeviceRule[], cgroup: Result): readonly SystemCall[] {
  const program: Result = { of: 'device program' };
  const directory: Result = { of: 'cgroup to attach it to' };
  return [
    loadDeviceProgram(deviceProgram(rules), program),
    // A descriptor with O_PATH does not do.
    {
      name: 'openat',
      arguments: [resultOf(cgroup), string('.'), flags(O, 'O_RDONLY', 'O_CLOEXEC')],
      result: directory,
    },
    attachDeviceProgram(program, directory),
    { name: 'close', arguments: [resultOf(directory)] },
    { name: 'close', arguments: [resultOf(program)] },
  ];
}

function ruleText({ allow, type = 'a', major = ANY, minor = ANY, access = 'rwm' }: DeviceRule): string {
  const [first, second] = [major, minor].map(number => (number === ANY ? '*' : String(number)));
  const devices = type === 'a' && major === ANY && minor === ANY ? 'all' : `${type} ${first}:${second}`;
  return `${allow ? 'allow' : 'deny'} ${devices} ${access}`;
}
