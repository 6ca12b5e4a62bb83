import { type BoxState, findBox } from './boxes.js';
import { StateError } from './directory.js';

/**
 * One box in a word, for another process that is to find the same, and no later one of its name: with what isSame goes by.
 * No name has an @.
 */
export const wordOf = ({ name, created, maker }: BoxState): string => `${name}@${created}@${maker.pid}-${maker.start}`;

const FORM = /^([^@]+)@[^@]+@\d+-\d+$/;

/** A box by such a word, or by its name. @throws StateError */
export function findByWord(word: string): BoxState {
  const name = FORM.exec(word)?.[1];
  if (name === undefined) return findBox(word);
  const found = findBox(name);
  if (wordOf(found) === word) return found;
  throw new StateError(`box ${JSON.stringify(name)} has been removed, and another has its name`);
}
