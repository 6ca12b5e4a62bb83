import { LIFE_DESCRIPTOR } from '../../init/names.js';
import { O } from '../../linux/constants.js';
import { LAUNCHER_DESCRIPTOR } from '../../linux/launcher.js';
import {
  flags,
  integer,
  type Output,
  output,
  type Result,
  resultOf,
  type SystemCall,
  string,
} from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/**
 * Whether a box has the file life of a name. True: its init keeps it, and writes down there how the box ends, for nobody
 * else waits. `until-command`: whoever starts the box waits for its end and writes that; the command has nothing of it.
 */
export type Life = boolean | 'until-command';

/** Where it is open while the last steps are made: the launcher knows the two below. */
export const lifeDescriptor = (launcher: boolean | undefined): number =>
  launcher ? LAUNCHER_DESCRIPTOR + 1 : LIFE_DESCRIPTOR;

/**
 * A box that has a name writes down who it is, before anything else: then whoever starts it may be killed at any moment,
 * and it is still known.
 */
export interface RecordLife {
  readonly kind: 'record-life';
}

/** A line of proc_pid_stat(5) is at most so long: 52 numbers and a name. */
const LONGEST_LINE = 2048;

export const recordLife: OperationKind<RecordLife> = {
  describe: () => 'write down who it is, in the file life of its name',

  /** By the /proc of nsgen, open before: a mount namespace that is joined may have that of others. */
  systemCalls(_operation, { life }) {
    const stat: Result = { of: 'open self/stat' };
    const length: Result = { of: 'read' };
    const line: Output = { length: LONGEST_LINE, text: '<stat>' };
    const read: SystemCall = {
      name: 'read',
      arguments: [resultOf(stat), output(line), integer(LONGEST_LINE)],
      result: length,
    };
    return [
      {
        name: 'openat',
        arguments: [integer(life?.proc ?? -1), string('self/stat'), flags(O, 'O_RDONLY', 'O_CLOEXEC')],
        result: stat,
      },
      read,
      { name: 'write', arguments: [integer(life?.descriptor ?? -1), output(line), resultOf(length)] },
    ];
  },
};
