import { parseBox } from '../../src/box/box.js';
import { BoxError } from '../../src/box/problem.js';

/** The problems of a box, `field: message` each; empty when it is taken. */
export function problemsOf(input: unknown): readonly string[] {
  try {
    parseBox(input);
    return [];
  } catch (error) {
    if (!(error instanceof BoxError)) throw error;
    return error.problems.map(({ field, message }) => `${field}: ${message}`);
  }
}
