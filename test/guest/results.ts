/** What the run of tests in a guest tells the one outside, one line each. */

export type Told =
  | {
      readonly kind: 'result';
      readonly file: string;
      /** The suites that the test is in, and its own name. */
      readonly path: readonly string[];
      readonly seconds: number;
      readonly skipped: boolean;
      readonly failure?: string;
    }
  /** The last one of a file: whether all the others have come through. */
  | { readonly kind: 'end'; readonly file: string; readonly results: number };

export type Result = Extract<Told, { kind: 'result' }>;

const MARK = '@nsgen-test ';

// What else is on the console may not have ended its line.
export const toLine = (told: Told): string => `\n${MARK}${JSON.stringify(told)}\n`;

/** What a line tells, or undefined when it is somebody else's. */
export function fromLine(line: string): Told | undefined {
  const start = line.indexOf(MARK);
  if (start === -1) return undefined;
  try {
    return JSON.parse(line.slice(start + MARK.length));
  } catch {
    // Broken by what else wrote to the console; the count at the end shows that one is missing.
    return undefined;
  }
}
