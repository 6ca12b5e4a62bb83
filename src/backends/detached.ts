import { type Box, inputOf, parseBox } from '../box/box.js';
import { BoxError, type Problem } from '../box/problem.js';

/**
 * The box that a description makes when it is to go on by itself: with nsgen's own init, which writes down how it ends.
 *
 * @throws BoxError for what cannot be in such a box, by field.
 */
export function detachedBox(box: Box): Box {
  const problems = detachedProblems(box);
  if (problems.length > 0) throw new BoxError(problems);
  return box.init === true ? box : parseBox({ ...inputOf(box), init: true });
}

function detachedProblems({ init, namespaces, terminal }: Box): readonly Problem[] {
  const problems: Problem[] = [];
  if (terminal)
    problems.push({
      field: 'terminal',
      message: 'a box that is detached has a log, and no terminal: nobody sits there',
    });
  if (init !== undefined && init !== true)
    problems.push({
      field: 'init',
      message: "a box that is detached has nsgen's own init, which writes its exit status down",
    });
  if (namespaces.pid.kind !== 'new')
    problems.push({
      field: 'namespaces.pid',
      message: 'a box that is detached needs a pid namespace of its own (new): with its first process all of it ends',
    });
  return [...problems, ...timeProblems(namespaces, 'that is detached')];
}

/** What cannot be in a box that has a name while somebody waits for its end. */
export const foregroundProblems = ({ namespaces }: Box): readonly Problem[] => timeProblems(namespaces, 'with a name');

/** A process is known by when it was started, and a clock that others have moved tells that differently. */
function timeProblems({ time }: Box['namespaces'], which: string): readonly Problem[] {
  if (time.kind !== 'joined') return [];
  return [{ field: 'namespaces.time', message: `a box ${which} cannot join one: make a new one, or none` }];
}
