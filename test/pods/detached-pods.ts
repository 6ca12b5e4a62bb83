import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BoxState } from '../../src/state/boxes.js';
import { ownBoxes } from '../detached/named-boxes.js';
import { execute, type Finished, nsgen } from '../support/cli.js';
import { until } from '../support/until.js';
import { WAYS, type Way } from './ways.js';

export { WAYS, type Way };

/** Pods that go on alone, in a directory of this test file's own, all gone at its end. */
export function ownPods(name: string) {
  const boxes = ownBoxes(name);
  let files = 0;
  const fileOf = (pod: unknown): string => {
    files += 1;
    const file = join(boxes.parent, `.pod-${files}.json`);
    writeFileSync(file, JSON.stringify(pod));
    return file;
  };
  const start = async (way: Way, pod: unknown): Promise<Finished> => {
    const file = fileOf(pod);
    if (way !== 'pod.sh') return nsgen(['run', '--detach', '--backend', way, '-f', file]);
    const script = await nsgen(['script', '--detach', '-f', file]);
    return script.status === 0 ? execute('bash', ['-s'], { input: script.stdout }) : script;
  };
  const running = (name: string): BoxState => {
    const found = boxes.named(name) ?? assert.fail(`no box ${name}`);
    assert.equal(found.status, 'running', name);
    return found;
  };
  /** What a box has written, once that is so. */
  const logged = async (name: string, pattern: RegExp): Promise<string> => {
    let text = '';
    await until(async () => {
      text = (await nsgen(['logs', name])).stdout;
      return pattern.test(text);
    }, `the log of ${name} has ${pattern}`);
    return text;
  };
  return { ...boxes, fileOf, start, running, logged };
}

export const printed = (stdout: string) => ({ status: 0, signal: null, stdout, stderr: '' });

/** Without what only a script has to say of itself. */
export const withoutNotes = (text: string): string => text.replace(/^nsgen: note: .*\n/gm, '');
