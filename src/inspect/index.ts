import { type BoxState, findBox, listBoxes, StateError } from '../state/boxes.js';
import { requireHere } from '../state/elsewhere.js';
import type { KnownBox } from './boxes.js';
import { InspectError, inspectProcess } from './inspect.js';
import type { Inspection } from './inspection.js';

/**
 * Looks at a box or a process: its namespaces and with whom it shares them, its ids, rights, limits, cgroups and mounts,
 * and the processes around it.
 *
 * @param target the name of a box, or a pid as this /proc counts: what is all digits, for no box has such a name.
 * @param options whether the tree has all processes, and not only those that have to do with it.
 * @throws InspectError when there is no such process, StateError when there is no such box.
 */
export function inspect(target: number | string, { everybody = false } = {}): Inspection {
  const { pid, start } = processOf(target);
  const known = knownBoxes();
  const inspection = inspectProcess(pid, { everybody, start, boxes: known.boxes });
  if (known.problem === undefined) return inspection;
  return { ...inspection, unreadable: { ...inspection.unreadable, boxes: known.problem } };
}

function processOf(target: number | string): { readonly pid: number; readonly start?: string } {
  const word = String(target);
  if (/^\d{1,10}$/.test(word)) return { pid: Number(word) };
  const box = findBox(word);
  requireHere(box);
  if (box.process !== undefined) return box.process;
  throw new InspectError(`inspect box ${JSON.stringify(word)}: ${whyNone(box)}`);
}

function whyNone({ status, exitStatus }: BoxState): string {
  if (status === 'ended') return `it has ended, with status ${exitStatus}`;
  return status === 'starting' ? 'it is being started' : 'its first process is ending';
}

/** A process can be looked at where nobody knows of boxes. */
function knownBoxes(): { readonly boxes: readonly KnownBox[]; readonly problem?: string } {
  try {
    return { boxes: listBoxes() };
  } catch (error) {
    if (error instanceof StateError) return { boxes: [], problem: error.message };
    throw error;
  }
}
