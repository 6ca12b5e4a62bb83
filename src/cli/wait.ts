import { type BoxState, findBox, isPod, StateError } from '../state/boxes.js';
import { endOfBox } from '../state/end.js';
import { waitForPod } from '../state/pods.js';
import { DESCRIPTIONS } from './descriptions.js';
import { namedBoxesCommand } from './named-boxes.js';
import { report, write } from './output.js';

/** As docker's: a line for each, in the order in which they end. A pod's is that of the first of its boxes that is not 0. */
export const waitCommand = namedBoxesCommand('wait', DESCRIPTIONS.wait, {}, () => async name => {
  const box = findBox(name);
  const onLeft = (error: Error) => void report(new Error(`box ${JSON.stringify(name)}: ${error.message}`));
  write(1, `${await (isPod(box) ? waitForPod(box, onLeft) : statusOf(box, onLeft))}\n`);
});

async function statusOf(box: BoxState, onLeft: (error: Error) => void): Promise<number | undefined> {
  const end = await endOfBox(box, { onLeft });
  if (end === undefined) throw new StateError(`box ${JSON.stringify(box.name)} has been removed meanwhile`);
  return end.exitStatus;
}
