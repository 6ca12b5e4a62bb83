import { readFileSync } from 'node:fs';
import { BoxError, fieldName } from './problem.js';
import { isMapping } from './values.js';

/** Whether what a file holds is meant to be a pod: several boxes. */
export const isPodInput = (input: unknown): boolean =>
  isMapping(input) && (Object.hasOwn(input, 'pod') || Object.hasOwn(input, 'boxes'));

/**
 * Reads a box from a file, YAML or JSON. It is not checked yet: flags may override parts of it.
 *
 * @param file a path; `-` is stdin.
 * @throws BoxError when it cannot be read or parsed.
 */
export async function readBoxFile(file: string): Promise<unknown> {
  const name = file === '-' ? 'stdin' : file;
  const text = readText(file, name);
  if (file.endsWith('.json') || text.trimStart().startsWith('{')) {
    const parsed = parseJson(text);
    if ('value' in parsed) {
      if (parsed.duplicates.length === 0) return parsed.value;
      throw new BoxError(parsed.duplicates.map(field => ({ field, message: 'is given more than once' })));
    }
    // Flow style YAML begins with a brace too.
    if (file.endsWith('.json')) throw unreadable(name, parsed.error);
  }
  const { load } = await import('js-yaml');
  try {
    return load(text);
  } catch (error) {
    throw unreadable(name, error);
  }
}

type ParsedJson = { readonly value: unknown; readonly duplicates: readonly string[] } | { readonly error: unknown };

/** The value of a text, and the names of the fields that are in it more than once. */
export function parseJson(text: string): ParsedJson {
  try {
    return { value: JSON.parse(text), duplicates: duplicateKeys(text) };
  } catch (error) {
    return { error };
  }
}

/** JSON.parse keeps the last of several and drops the others in silence; YAML refuses them. The text is valid JSON. */
function duplicateKeys(text: string): readonly string[] {
  const open: { readonly keys: Set<string>; element: string | number }[] = [];
  const found: string[] = [];
  for (const [token, string] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[[\]{},]/g)) {
    const inner = open.at(-1);
    if (token === '{' || token === '[') {
      open.push({ keys: new Set(), element: token === '[' ? 0 : '' });
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (token === ',' && typeof inner?.element === 'number') {
      inner.element++;
    } else if (string !== undefined && inner !== undefined) {
      const key = String(JSON.parse(string));
      inner.element = key;
      if (inner.keys.has(key)) found.push(fieldName(open.map(({ element }) => element)));
      inner.keys.add(key);
    }
  }
  return found;
}

function readText(file: string, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file === '-' ? 0 : file));
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(name: string, error: unknown): BoxError {
  // js-yaml goes on with a picture of the place, of several lines.
  const [message] = (error instanceof Error ? error.message : String(error)).split('\n');
  return new BoxError([{ field: '', message: `cannot read the box from ${name}: ${message}` }]);
}
