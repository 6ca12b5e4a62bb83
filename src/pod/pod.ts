import * as v from 'valibot';
import { type Box, parseBoxOfPod } from '../box/box.js';
import { issueProblems } from '../box/issues.js';
import { BoxError, fieldName, type Problem } from '../box/problem.js';
import { byteLength, isMapping } from '../box/values.js';
import { boxNameProblem, podSchema, SHARABLE, type Sharable } from './schema.js';

/** Several boxes in one pid namespace, whose init is nsgen's. */
export interface Pod {
  readonly name: string;
  /** The pid namespace first. */
  readonly share: readonly Sharable[];
  readonly user: 'new' | 'unprivileged';
  readonly hostname: string | undefined;
  /** In the order in which they are started. */
  readonly boxes: readonly BoxOfPod[];
}

export interface BoxOfPod {
  readonly name: string;
  readonly box: Box;
}

/**
 * Checks a pod and its boxes, and fills their defaults in.
 *
 * @param input the pod as written: parsed YAML or JSON.
 * @throws BoxError with every problem found, each with its field: `boxes.web.mounts[2].source`.
 */
export function parsePod(input: unknown): Pod {
  const result = v.safeParse(podSchema, input);
  const problems: Problem[] = (result.issues ?? []).flatMap(issue => [
    ...issueProblems(issue, 'is not a field of a pod'),
  ]);
  const given = isMapping(input) ? input : {};
  const share = shareOf(given.share);
  const boxes = isMapping(given.boxes) ? boxesOf(given.boxes, share, problems) : [];
  const name = typeof given.pod === 'string' ? given.pod : '';
  if (isMapping(given.boxes)) problems.push(...namesProblems(name, Object.keys(given.boxes)));
  if (given.hostname !== undefined && !share.includes('uts'))
    problems.push({ field: 'hostname', message: 'needs uts among share: each box has a host name of its own else' });
  if (problems.length > 0 || !result.success) throw new BoxError(problems);
  const { user, hostname } = result.output;
  return { name, share, user: user === 'new' ? 'new' : 'unprivileged', hostname, boxes };
}

/** Of what is no list of namespaces, the schema has said so. */
function shareOf(given: unknown): readonly Sharable[] {
  const wanted: readonly unknown[] = Array.isArray(given) ? given : [];
  return SHARABLE.filter(type => type === 'pid' || wanted.includes(type));
}

function boxesOf(
  given: Readonly<Record<string, unknown>>,
  share: readonly Sharable[],
  problems: Problem[],
): readonly BoxOfPod[] {
  return Object.entries(given).flatMap(([name, input]) => {
    try {
      const box = parseBoxOfPod(input, share);
      if (box.terminal)
        throw new BoxError([{ field: 'terminal', message: 'is not for a box of a pod: nobody types to several' }]);
      return [{ name, box }];
    } catch (error) {
      if (!(error instanceof BoxError)) throw error;
      problems.push(...inPod(name, error.problems));
      return [];
    }
  });
}

/** The problems of a box, named by the fields of the pod. */
export const inPod = (name: string, problems: readonly Problem[]): readonly Problem[] =>
  problems.map(({ field, message }) => {
    const box = fieldName(['boxes', name]);
    return { field: field === '' ? box : field.startsWith('[') ? `${box}${field}` : `${box}.${field}`, message };
  });

/** A pod without boxes, for one that is started next; it shares what a pod shares in any case. */
export const emptyPod = (name: string): Pod => ({
  name,
  share: ['pid'],
  user: 'unprivileged',
  hostname: undefined,
  boxes: [],
});

/** Both names and the dot between them are the name of a directory, and 64 characters at most. */
const LONGEST_NAME = 64;

function namesProblems(pod: string, names: readonly string[]): readonly Problem[] {
  if (names.length === 0) return [{ field: 'boxes', message: 'must have a box' }];
  return names.flatMap(name => {
    const field = fieldName(['boxes', name]);
    const problem = boxNameProblem(name);
    if (problem !== undefined) return [{ field, message: problem }];
    return lengthProblems(field, `${pod}.${name}`);
  });
}

export function lengthProblems(field: string, name: string): readonly Problem[] {
  if (byteLength(name) <= LONGEST_NAME) return [];
  return [{ field, message: `is ${name} as a box of this pod: more than ${LONGEST_NAME} characters` }];
}
