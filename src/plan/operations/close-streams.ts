import { LIFE_DESCRIPTOR } from '../../init/names.js';
import { integer } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Closes 0, 1 and 2: whose process says and reads nothing lets nobody else in by them, through /proc/PID/fd. */
export interface CloseStreams {
  readonly kind: 'close-streams';
  /** Descriptor 3 is the file life, which is closed too. */
  readonly life: boolean;
}

export const closeStreams: OperationKind<CloseStreams> = {
  describe: ({ life }) => `close stdin, stdout and stderr${life ? ', and life' : ''}`,
  systemCalls: ({ life }) => [
    { name: 'close_range', arguments: [integer(0), integer(life ? LIFE_DESCRIPTOR : 2), integer(0)] },
  ],
};
