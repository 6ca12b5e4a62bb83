import { fieldOf, type Setting, type Value } from '../../plan/cgroup.js';
import { type Operation, settingsOf } from '../../plan/operations.js';
import type { Plan } from '../../plan/plan.js';

/** What operations on cgroups are in words of bash. */

/** By which an error names what the host lacks. */
export function fieldsOfControllers(plan: Plan) {
  const settings = plan.flatMap(settingsOf);
  const controllers = plan.flatMap(operation => (operation.kind === 'make-cgroup' ? operation.controllers : []));
  return controllers.map(controller => ({ controller, field: fieldOf(controller, settings) }));
}

export const isOfCgroup = (operation: Operation): boolean =>
  operation.kind === 'make-cgroup' || settingsOf(operation).length > 0;

/**
 * The arguments of set_limit: file and value of version 1, then of version 2, and these four again for what a file may be
 * called otherwise. A file - is none: the value says why.
 */
export function limitWords({ field, controller, v1, v2 }: Setting): readonly string[] {
  const [ones, twos] = [pairsOf(v1), pairsOf(v2)];
  const words = Array.from({ length: Math.max(ones.length, twos.length) }, (_, index) =>
    [ones, twos].flatMap(pairs => pairs[Math.min(index, pairs.length - 1)] ?? []),
  );
  return [field, controller, ...words.flat()];
}

function pairsOf(value: Value): readonly (readonly string[])[] {
  if ('refused' in value) return [['-', value.refused]];
  if ('calls' in value) return [['-', value.script]];
  return [[value.file, value.value], ...(value.otherwise === undefined ? [] : pairsOf(value.otherwise))];
}
