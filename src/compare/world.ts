import { readFileSync, readlinkSync, statSync } from 'node:fs';
import type { Box } from '../box/box.js';
import { NAMESPACE_TYPES, namespaceFile } from '../box/values.js';
import { normalise } from './normalise.js';
import { PROBE_SECTIONS, SECTIONS, type SectionName } from './probe.js';

/** What a process inside can observe, section by section, without what differs from start to start. */
export type World = ReadonlyMap<SectionName, string>;

/** Who looks on from outside: what is only a number inside gets its meaning from here. */
export interface Outside {
  /** By inode: "the caller's", "joined". */
  readonly namespaces: ReadonlyMap<string, string>;
  /** Process group and session of the caller. */
  readonly group: string;
  readonly session: string;
  /** Seconds since boot, before the box was started and after it ended. */
  readonly uptime: readonly [before: number, after: number];
}

/** What is known outside before a box starts; its end is added by `until`. */
export interface Onlooker {
  until(): Outside;
}

export function lookOn(box: Box): Onlooker {
  const namespaces = new Map<string, string>();
  for (const type of NAMESPACE_TYPES) {
    namespaces.set(readlinkSync(`/proc/self/ns/${namespaceFile(type)}`), "the caller's");
    const choice = box.namespaces[type];
    if (choice.kind !== 'joined') continue;
    const inode = inodeOf(choice.path);
    if (inode !== undefined) namespaces.set(`${namespaceFile(type)}:[${inode}]`, 'joined');
  }
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const [, , group = '', session = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const before = uptime();
  return { until: () => ({ namespaces, group, session, uptime: [before, uptime()] }) };
}

/** A namespace that is gone cannot be joined: the start of the box says so. */
const inodeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;

const uptime = (): number => Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);

/** What the probe cannot tell. */
export interface Besides {
  /** What the command that shows signals has printed. */
  readonly signals: string;
  /** What limits the box, as resourcesOf has it. */
  readonly resources: string;
}

/**
 * Takes the output of the probe apart.
 *
 * @throws Error when a section is missing: the probe did not get to its end, and nothing may be said to be the same.
 */
export function readWorld(output: Buffer, mark: string, outside: Outside, besides: Besides): World {
  const pieces = written(output.toString('latin1'), mark).split(`\n${mark} `).slice(1);
  const raw = new Map(pieces.map(piece => split(piece, '\n')));
  const missing = PROBE_SECTIONS.filter(name => !raw.has(name));
  if (missing.length > 0 || raw.size !== PROBE_SECTIONS.length) {
    throw new Error(`the probe did not reach its end: no section ${missing.join(', ')}`);
  }
  const text = (name: SectionName) =>
    name === 'signals' || name === 'resources' ? besides[name] : (raw.get(name) ?? '');
  return new Map(SECTIONS.map(name => [name, normalise(name, text, outside)]));
}

/** A terminal shows what is written with a carriage return before each newline. */
const written = (shown: string, mark: string): string =>
  shown.includes(`\r\n${mark} `) ? shown.replaceAll('\r\n', '\n') : shown;

function split(text: string, separator: string): readonly [string, string] {
  const place = text.indexOf(separator);
  return place < 0 ? [text, ''] : [text.slice(0, place), text.slice(place + separator.length)];
}
