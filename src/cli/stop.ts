import { BoxError } from '../box/problem.js';
import { findBox, isPod } from '../state/boxes.js';
import { stopBox } from '../state/end.js';
import { stopPod } from '../state/pods.js';
import { DESCRIPTIONS } from './descriptions.js';
import { namedBoxesCommand } from './named-boxes.js';
import { write } from './output.js';

const FLAGS = {
  'stop-timeout': {
    type: 'string',
    alias: 't',
    valueHint: 'SECONDS',
    description: 'how long it has to end after SIGTERM, before SIGKILL (10, or what it was started with)',
  },
} as const;

export const stopCommand = namedBoxesCommand('stop', DESCRIPTIONS.stop, FLAGS, flags => {
  const text = flags.one('stop-timeout');
  if (text !== undefined && !/^\d{1,9}(\.\d{1,3})?$/.test(text))
    throw new BoxError([{ field: '--stop-timeout', message: 'must be a number of seconds' }]);
  const timeout = text === undefined ? undefined : Number(text) * 1000;
  return async name => {
    const box = findBox(name);
    await (isPod(box) ? stopPod(box, timeout) : stopBox(box, timeout));
    write(1, `${name}\n`);
  };
});
