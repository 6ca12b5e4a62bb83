import { type BoxState, findBox, isPod, StateError } from '../state/boxes.js';
import { endOfBox } from '../state/end.js';
import { waitForPod } from '../state/pods.js';
import { DESCRIPTIONS } from './descriptions.js';
import { namedBoxesCommand } from './named-boxes.js';
import { write } from './output.js';

/** As docker's: a line for each, in the order in which they end. A pod's is that of the first of its boxes that is not 0. */
export const waitCommand = namedBoxesCommand('wait', DESCRIPTIONS.wait, {}, () => async name => {
  const box = findBox(name);
  write(1, `${await (isPod(box) ? waitForPod(box) : statusOf(box))}\n`);
});

async function statusOf(box: BoxState): Promise<number | undefined> {
  const end = await endOfBox(box);
  if (end === undefined) throw new StateError(`box ${JSON.stringify(box.name)} has been removed meanwhile`);
  return end.exitStatus;
}
