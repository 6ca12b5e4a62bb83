import type { BackendName } from '../backends/backend.js';
import { detachedBox } from '../backends/detached.js';
import { startDetached } from '../backends/ffi/detached.js';
import { inputOf, parseBox } from '../box/box.js';
import { BoxError } from '../box/problem.js';
import { claimName } from '../state/claim.js';
import type { GivenFlags } from './arguments.js';
import { checkName } from './box-name.js';
import { printName } from './print-name.js';

/** What only makes sense as long as nsgen is there. */
const NEEDS_NSGEN = ['stats', 'stats-json', 'tty'];

/**
 * `nsgen run --detach`: prints the name of the box.
 *
 * @param input of parseBox: this bundle of the command has its own.
 */
export async function detach(input: unknown, backend: BackendName, flags: GivenFlags): Promise<number> {
  const message = 'needs nsgen until the box ends: not with --detach';
  const refused = NEEDS_NSGEN.filter(name => flags.has(name)).map(name => ({ field: `--${name}`, message }));
  if (refused.length > 0) throw new BoxError(refused);
  const own = detachedBox(parseBox(input));
  const name = flags.one('name');
  checkName(name);
  if (backend === 'script') {
    const { runDetachedScript } = await import('../backends/script/detached.js');
    return runDetachedScript(own, { name });
  }
  const claim = claimName({ name, command: own.command, pod: undefined, backend, box: inputOf(own) });
  try {
    await startDetached(own, claim);
  } catch (error) {
    claim.remove();
    throw error;
  }
  claim.close();
  await printName(claim.name);
  return 0;
}
