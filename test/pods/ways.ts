import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderPod } from '../../src/backends/script/pod.js';
import { parsePod } from '../../src/pod/pod.js';
import { execute, type Finished, nsgenPath } from '../support/cli.js';

/** The ways to start a pod. What a box in it can see must be the same. */
export const WAYS = ['ffi', 'script', 'pod.sh'] as const;
export type Way = (typeof WAYS)[number];

let files = 0;

/** @param pod is written as JSON, which YAML is a superset of. */
export function commandFor(
  way: Way,
  directory: string,
  pod: unknown,
  nsgen: readonly string[] = [process.execPath, nsgenPath],
): readonly string[] {
  files += 1;
  const file = join(directory, `pod-${files}.${way === 'pod.sh' ? 'sh' : 'json'}`);
  writeFileSync(file, way === 'pod.sh' ? renderPod(parsePod(pod)) : JSON.stringify(pod), { mode: 0o644 });
  return way === 'pod.sh' ? ['bash', file] : [...nsgen, 'run', '--backend', way, '-f', file];
}

export function runPod(way: Way, directory: string, pod: unknown, input?: string): Promise<Finished> {
  const [program = '', ...args] = commandFor(way, directory, pod);
  return execute(program, args, input === undefined ? {} : { input });
}

/** In a shell of a box: waits until another process of the pod is called so, and makes none of its own. */
export const until = (pid: number, name: string): string =>
  `until read -r name </proc/${pid}/comm && [ "$name" = ${name} ]; do :; done 2>/dev/null; `;

export const shell = (script: string): readonly string[] => ['sh', '-c', script];
