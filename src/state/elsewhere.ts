import type { BoxState } from './boxes.js';
import { StateError } from './directory.js';

/** Of a box whose processes have other numbers here, or none. A start time differs in another time namespace too. */
export const ELSEWHERE = 'started in another pid namespace, or another time namespace';

/**
 * What needs the processes of a box is refused where they cannot be told from others.
 *
 * @throws StateError
 */
export function requireHere({ name, directory, status }: Pick<BoxState, 'name' | 'directory' | 'status'>): void {
  if (status !== 'elsewhere') return;
  throw new StateError(
    `box ${JSON.stringify(name)} was ${ELSEWHERE}, and only there are its processes known: use nsgen there (in the container, or on the host); if that is no more, remove ${directory} by hand`,
  );
}
