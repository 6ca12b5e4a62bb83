import * as v from 'valibot';
import { check, fields } from '../box/fields.js';
import { isMapping, utsNameProblem } from '../box/values.js';
import { isBoxName, NAME_RULE } from '../state/names.js';

/** The schema of a pod as people write it; that of its boxes is src/box/schema.ts. */

/** What the boxes of a pod may share besides the pid namespace. Mounts and root are each box's own. */
export const SHARABLE = ['pid', 'net', 'ipc', 'uts'] as const;
export type Sharable = (typeof SHARABLE)[number];

/**
 * Without a dot: a box is called POD.BOX, and that has to mean one box only. Not a digit first: of a mapping, JavaScript
 * takes keys that are numbers before all others, and boxes start in the order in which they are written.
 */
const BOX_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

export const podNameProblem = (name: string): string | undefined => (isBoxName(name) ? undefined : NAME_RULE);

export function boxNameProblem(name: string): string | undefined {
  if (BOX_NAME.test(name)) return undefined;
  return 'the name of a box in a pod must be 1 to 64 letters, digits, "_" and "-", and begin with a letter';
}

export const podSchema = fields({
  $schema: v.optional(v.pipe(v.string(), v.description('The address of this schema, for editors. Nothing reads it.'))),
  pod: v.pipe(v.string(), check(podNameProblem), v.description('The name of the pod.')),
  share: v.optional(
    v.pipe(
      v.array(v.picklist(SHARABLE)),
      v.description('The namespaces that all boxes of the pod share: pid (in any case), net, ipc, uts.'),
    ),
  ),
  user: v.optional(
    v.pipe(
      v.picklist(['auto', 'new']),
      v.description(
        'Whether the pod has a user namespace of its own, which all its boxes are in. "auto": for an ordinary user.',
      ),
    ),
  ),
  hostname: v.optional(
    v.pipe(v.string(), check(utsNameProblem), v.description('The host name of all boxes. Needs uts among share.')),
  ),
  boxes: v.pipe(
    v.custom<Readonly<Record<string, unknown>>>(isMapping, 'must be a mapping of names to boxes'),
    v.description('The boxes, by name, in the order in which they are started.'),
  ),
});
