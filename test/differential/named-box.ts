import assert from 'node:assert/strict';
import type { Run } from '../../src/compare/comparison.js';
import type { SectionName } from '../../src/compare/probe.js';
import type { World } from '../../src/compare/world.js';
import type { BoxInput } from '../../src/index.js';

/** A box of the table: what is compared, and what must come of it. */
export interface NamedBox {
  readonly name: string;
  readonly box: (place: Place) => BoxInput;
  /** What the box is about, as any of its columns shows it: equality alone would pass for two backends that fail alike. */
  readonly expect: (seen: Seen) => void;
  /** Bash that runs before nsgen, in the process that becomes it. */
  readonly caller?: string;
  readonly callerDirectory?: (place: Place) => string;
  readonly input?: Uint8Array;
  /** Options of unshare(1) for a process whose namespaces the box joins. */
  readonly holder?: readonly string[];
  /** What starts that process, if not this one: setpriv(1) and its options. */
  readonly holderAs?: readonly string[];
  /** The command of the box in the same box, made by another program. Its `ps -ef` must be that of the columns. */
  readonly peer?: (place: Place) => readonly string[];
  /** The command is not started: what is on stderr is each backend's own message. */
  readonly fails?: true;
  /** Only the end of the command is looked at: the world of such a box has no shell in it. */
  readonly withoutWorld?: true;
}

/** What the test has prepared. */
export interface Place {
  /** Programs and libraries copied from the host, some directories, and symlinks: see place.ts. */
  readonly rootfs: string;
  /** A directory of the host's for everything else. */
  readonly directory: string;
  /** The path of a namespace of the holder. */
  joined(file: string): string;
}

export interface Seen {
  readonly run: Run;
  readonly world: World;
}

export const TRUE: readonly [string, ...string[]] = ['true'];

/** Asserts about one section of the world. */
export function sees(section: SectionName, ...patterns: readonly RegExp[]): (seen: Seen) => void {
  return ({ world }) => {
    for (const pattern of patterns) assert.match(worldText(world, section), pattern);
  };
}

export function misses(section: SectionName, ...patterns: readonly RegExp[]): (seen: Seen) => void {
  return ({ world }) => {
    for (const pattern of patterns) assert.doesNotMatch(worldText(world, section), pattern);
  };
}

export function ends(exitStatus: number, stdout?: string): (seen: Seen) => void {
  return ({ run }) => {
    assert.equal(run.exitStatus, exitStatus);
    if (stdout !== undefined) assert.equal(run.stdout.toString('utf8'), stdout);
  };
}

export const all =
  (...expectations: readonly ((seen: Seen) => void)[]) =>
  (seen: Seen): void => {
    for (const expect of expectations) expect(seen);
  };

/** The text of a section as UTF-8. */
export function worldText(world: World, section: SectionName): string {
  const text = world.get(section);
  assert.ok(text !== undefined, `the world has no section ${section}`);
  return Buffer.from(text, 'latin1').toString('utf8');
}
