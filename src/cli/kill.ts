import { BoxError } from '../box/problem.js';
import { signalNumber } from '../host/signal.js';
import { findBox, StateError } from '../state/boxes.js';
import { signalBox } from '../state/end.js';
import { namedBoxesCommand } from './named-boxes.js';
import { write } from './output.js';

const FLAGS = {
  signal: { type: 'string', alias: 's', valueHint: 'SIGNAL', description: 'which: TERM, SIGTERM, 15, RTMIN+1 (KILL)' },
} as const;

export const killCommand = namedBoxesCommand('kill', 'send a signal to the commands of boxes', FLAGS, flags => {
  const text = flags.one('signal') ?? 'KILL';
  const signal = signalNumber(text);
  if (signal === undefined)
    throw new BoxError([{ field: '--signal', message: `there is no signal ${JSON.stringify(text)}` }]);
  return async name => {
    if (!(await signalBox(findBox(name), signal))) throw new StateError(`box ${JSON.stringify(name)} has ended`);
    write(1, `${name}\n`);
  };
});
