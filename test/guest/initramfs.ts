import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';
import { cpio } from './cpio.js';
import type { Module } from './kernel.js';

/** What the kernel starts from: busybox, modules, and a script that makes the guest's root of the host's files. */

export interface Command {
  readonly words: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Guest {
  /** The directory of the host that is the guest's root. */
  readonly root: string;
  /** Paths of the host that the guest has too: where they are in the guest, and where they come from. */
  readonly brought: ReadonlyMap<string, string>;
  /** Directories of the guest that ordinary users have to get into. */
  readonly reachable: readonly string[];
  readonly command: Command;
}

export function initramfs(busybox: Buffer, modules: readonly Module[], guest: Guest): Buffer {
  const script = (path: string, text: string) =>
    ({ type: 'file', path, mode: 0o755, content: Buffer.from(text) }) as const;
  return cpio([
    { type: 'directory', path: 'bin' },
    { type: 'file', path: 'bin/busybox', mode: 0o755, content: busybox },
    { type: 'directory', path: 'modules' },
    ...modules.map(({ name, content }, index) => {
      const number = String(index).padStart(2, '0');
      return { type: 'file', path: `modules/${number}-${name}.ko`, mode: 0o644, content } as const;
    }),
    script('init', readFileSync(join(packageRoot, 'test', 'guest', 'init.sh'), 'utf8')),
    script('inside.sh', readFileSync(join(packageRoot, 'test', 'guest', 'inside.sh'), 'utf8')),
    script('guest.sh', guestScript(guest)),
    script('command.sh', commandScript(guest.command)),
  ]);
}

const guestScript = ({ root, brought, reachable }: Guest): string =>
  [
    `enter ${quote(root)}`,
    ...[...brought].map(([destination, source]) => `bring ${quote(source)} ${quote(destination)}`),
    ...reachable.map(path => `reachable ${quote(path)}`),
    '',
  ].join('\n');

const commandScript = ({ words, directory, environment }: Command): string =>
  [
    ...Object.entries(environment).map(([name, value]) => `export ${name}=${quote(value)}`),
    `cd ${quote(directory)} && exec ${words.map(quote).join(' ')}`,
    '',
  ].join('\n');

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
