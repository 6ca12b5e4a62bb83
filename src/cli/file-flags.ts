import { readFileSync, statSync } from 'node:fs';
import type { Problem } from '../box/problem.js';
import type { GivenFlags } from './arguments.js';

/** --symlink and --add-file: what is made in the rootfs, by its path. */

type Entries = Readonly<Record<string, unknown>>;

export function symlinksOf(flags: GivenFlags, problems: Problem[]): Entries {
  const links: Record<string, string> = Object.create(null);
  for (const value of flags.all('symlink')) {
    const [target = '', path = '', ...rest] = value.split(':');
    if (target !== '' && path !== '' && rest.length === 0) links[path] = target;
    else problems.push({ field: '--symlink', message: `${JSON.stringify(value)} is not TARGET:DST${COLON}` });
  }
  return links;
}

const COLON = ' (a path with ":" in it goes into a file, -f)';

export function filesOf(flags: GivenFlags, problems: Problem[]): Entries {
  const files: Record<string, unknown> = Object.create(null);
  for (const value of flags.all('add-file')) {
    const [source = '', path = '', mode, ...rest] = value.split(':');
    if (source === '' || path === '' || rest.length > 0) {
      problems.push({ field: '--add-file', message: `${JSON.stringify(value)} is not SRC:DST[:MODE]${COLON}` });
      continue;
    }
    try {
      const content = readSmall(source);
      files[path] = mode === undefined ? content : { content, mode };
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).replace(
        /, (?:open|read|stat)(?: '.*')?$/s,
        '',
      );
      problems.push({ field: '--add-file', message: `cannot read ${JSON.stringify(source)}: ${reason}` });
    }
  }
  return files;
}

/** More than a box takes, so that it is the box that is refused, and by its own words. */
const ENOUGH = 65 * 1024;

function readSmall(path: string): string {
  const { size } = statSync(path);
  if (size > ENOUGH) throw new Error(`it has ${size} bytes: bind it instead, --bind`);
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
}
