import { patience } from '../guest/patience.js';
import { delay } from './session.js';

/** Waits until something is so, half a minute at most on a machine of its own. @throws Error naming it. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 30_000 * patience; !(await condition()); await delay(10))
    if (Date.now() > end) throw new Error(`not so in time: ${what}`);
}
