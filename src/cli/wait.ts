import { findBox, StateError } from '../state/boxes.js';
import { endOfBox } from '../state/end.js';
import { namedBoxesCommand } from './named-boxes.js';
import { write } from './output.js';

/** As docker's: a line for each, in the order in which they end. */
export const waitCommand = namedBoxesCommand(
  'wait',
  'wait until boxes end, and print their exit statuses',
  {},
  () => async name => {
    const end = await endOfBox(findBox(name));
    if (end === undefined) throw new StateError(`box ${JSON.stringify(name)} has been removed meanwhile`);
    write(1, `${end.exitStatus}\n`);
  },
);
