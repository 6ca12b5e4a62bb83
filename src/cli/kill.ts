import { BoxError } from '../box/problem.js';
import { signalNumber } from '../host/signal.js';
import { findBox, isPod, StateError } from '../state/boxes.js';
import { signalBox } from '../state/end.js';
import { signalPod } from '../state/pods.js';
import { DESCRIPTIONS } from './descriptions.js';
import { namedBoxesCommand } from './named-boxes.js';
import { write } from './output.js';

const FLAGS = {
  signal: { type: 'string', alias: 's', valueHint: 'SIGNAL', description: 'which: TERM, SIGTERM, 15, RTMIN+1 (KILL)' },
} as const;

export const killCommand = namedBoxesCommand('kill', DESCRIPTIONS.kill, FLAGS, flags => {
  const text = flags.one('signal') ?? 'KILL';
  const signal = signalNumber(text);
  if (signal === undefined)
    throw new BoxError([{ field: '--signal', message: `there is no signal ${JSON.stringify(text)}` }]);
  return async name => {
    const box = findBox(name);
    if (!(await (isPod(box) ? signalPod(box, signal) : signalBox(box, signal))))
      throw new StateError(`${isPod(box) ? 'pod' : 'box'} ${JSON.stringify(name)} has ended`);
    write(1, `${name}\n`);
  };
});
