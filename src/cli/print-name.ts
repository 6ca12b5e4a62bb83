import { describeErrno } from '../linux/errno.js';
import { StateError } from '../state/directory.js';
import { findAny, removeBox } from '../state/remove.js';
import { write } from './output.js';

/** Of a box that goes on alone. One that nobody has the name of is nobody's to stop. */
export async function printName(name: string): Promise<void> {
  const why = failureOf(() => write(1, `${name}\n`));
  if (why === undefined) return;
  await removeBox(findAny(name), true);
  throw notPrinted('box', why);
}

/** Of a pod, for who takes it away then. @throws StateError */
export function printPodName(name: string): void {
  const why = failureOf(() => write(1, `${name}\n`));
  if (why !== undefined) throw notPrinted('pod', why);
}

const notPrinted = (what: string, why: string) =>
  new StateError(`cannot print the name of the ${what}: ${why}: it has been ended, and removed`);

function failureOf(print: () => boolean): string | undefined {
  try {
    return print() ? undefined : 'EPIPE (Broken pipe)';
  } catch (error) {
    return error instanceof Error && 'errno' in error ? describeErrno(-Number(error.errno)) : String(error);
  }
}
