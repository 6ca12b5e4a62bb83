import { foregroundProblems } from '../backends/detached.js';
import type { Box } from '../box/box.js';
import { BoxError, type Problem } from '../box/problem.js';
import { isBoxName, NAME_RULE } from '../state/names.js';

/** @throws BoxError when it is none. */
export function checkName(name: string | undefined): void {
  if (name !== undefined && !isBoxName(name)) throw new BoxError([{ field: '--name', message: NAME_RULE }]);
}

/** Of a box that whoever starts it waits for. @throws BoxError when it is none, or the box cannot have one. */
export function checkForeground(name: string, box: Box): void {
  const problems: readonly Problem[] = foregroundProblems(box);
  if (problems.length > 0) throw new BoxError(problems);
  checkName(name);
}
