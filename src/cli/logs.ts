import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { pause } from '../host/clock.js';
import { type BoxState, findBox, hasEnded, isPod, StateError } from '../state/boxes.js';
import { requireHere } from '../state/elsewhere.js';
import { isEnded } from '../state/end.js';
import { membersOf } from '../state/pods.js';
import { LOG_FILE } from '../state/record.js';
import { DESCRIPTIONS } from './descriptions.js';
import { LabelledLines, labelsFor } from './labelled-lines.js';
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
  DESCRIPTIONS.logs,
  FLAGS,
  flags => async name => {
    const box = findBox(name);
    const follow = flags.has('follow');
    if (isPod(box)) await printPod(box, follow);
    else await print(box, follow, chunk => write(1, chunk));
  },
  1,
);

/** One box after the other, or all at once while they go on; each line with the name of its box before it. */
async function printPod(pod: BoxState, follow: boolean): Promise<void> {
  const members = membersOf(pod);
  const labels = labelsFor(members.map(({ name }) => name.slice(pod.name.length + 1)));
  const prints = members.map((box, index) => async () => {
    const lines = new LabelledLines(labels[index] ?? Buffer.alloc(0), 1);
    await print(box, follow, chunk => lines.add(chunk));
    lines.end();
  });
  if (follow) await Promise.all(prints.map(one => one()));
  else for (const one of prints) await one();
}

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

/** @param show returns false when nobody reads any more. */
async function print(box: BoxState, follow: boolean, show: (chunk: Buffer) => boolean): Promise<void> {
  // Nobody could tell here when it ends.
  if (follow && !hasEnded(box)) requireHere(box);
  const descriptor = openLog(box);
  try {
    await copy(descriptor, box, follow, show);
  } finally {
    closeSync(descriptor);
  }
}

async function copy(
  descriptor: number,
  box: BoxState,
  follow: boolean,
  show: (chunk: Buffer) => boolean,
): Promise<void> {
  const room = Buffer.alloc(AT_ONCE);
  for (let position = 0; ; ) {
    // In this order: what has been written before the end is there then.
    const over = !follow || isEnded(box);
    for (let length = -1; length !== 0; position += length) {
      // The box may have emptied it.
      if (fstatSync(descriptor).size < position) position = 0;
      length = readSync(descriptor, room, 0, room.length, position);
      if (length > 0 && !show(room.subarray(0, length))) return;
    }
    if (over) return;
    await pause(BETWEEN);
  }
}
