import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { pause } from '../host/clock.js';
import { type BoxState, findBox, StateError } from '../state/boxes.js';
import { isEnded } from '../state/end.js';
import { LOG_FILE } from '../state/record.js';
import { namedBoxesCommand } from './named-boxes.js';
import { write } from './output.js';

const FLAGS = {
  follow: { type: 'boolean', alias: 'f', description: 'go on with what it writes, until it ends' },
} as const;

const AT_ONCE = 64 * 1024;

/** Milliseconds. */
const BETWEEN = 100;

export const logsCommand = namedBoxesCommand(
  'logs',
  'print what a box has written to its stdout and stderr',
  FLAGS,
  flags => async name => {
    const box = findBox(name);
    const descriptor = openLog(box);
    try {
      await print(descriptor, box, flags.has('follow'));
    } finally {
      closeSync(descriptor);
    }
  },
  1,
);

function openLog({ name, directory, foreground }: BoxState): number {
  if (foreground)
    throw new StateError(
      `box ${JSON.stringify(name)} has no log: it was started in the foreground, and what it writes goes where its nsgen or script writes`,
    );
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const descriptor = openSync(`${directory}/${LOG_FILE}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new StateError(`box ${JSON.stringify(name)}: ${LOG_FILE} is not a file`);
}

async function print(descriptor: number, box: BoxState, follow: boolean): Promise<void> {
  const room = Buffer.alloc(AT_ONCE);
  for (let position = 0; ; ) {
    // In this order: what has been written before the end is there then.
    const over = !follow || isEnded(box);
    for (let length = -1; length !== 0; position += length) {
      // The box may have emptied it.
      if (fstatSync(descriptor).size < position) position = 0;
      length = readSync(descriptor, room, 0, room.length, position);
      if (length > 0 && !write(1, room.subarray(0, length))) return;
    }
    if (over) return;
    await pause(BETWEEN);
  }
}
