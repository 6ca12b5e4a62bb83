import { readFileSync } from 'node:fs';
import { BoxError } from './problem.js';

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
    try {
      return JSON.parse(text);
    } catch (error) {
      // Flow style YAML begins with a brace too.
      if (file.endsWith('.json')) throw unreadable(name, error);
    }
  }
  const { load } = await import('js-yaml');
  try {
    return load(text);
  } catch (error) {
    throw unreadable(name, error);
  }
}

function readText(file: string, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file === '-' ? 0 : file));
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(name: string, error: unknown): BoxError {
  const message = error instanceof Error ? error.message : String(error);
  return new BoxError([{ field: '', message: `cannot read the box from ${name}: ${message}` }]);
}
