import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run, script } from '../../src/index.js';
import { execute } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';

/** How a command can end, and what a box with an init makes of it, each in a box of its own. */

const STATUSES = Array.from({ length: 256 }, (_, status) => status);
const HARMLESS = ['SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGWINCH'];
const NAMED = Object.entries(constants.signals).flatMap(([name, number]) => (HARMLESS.includes(name) ? [] : [number]));
const REAL_TIME = Array.from({ length: 31 }, (_, index) => 34 + index);
const DEADLY = [...new Set([...NAMED, ...REAL_TIME])].sort((one, other) => one - other);

const ending = (status: number): [string, ...string[]] => ['sh', '-c', `exit ${status}`];
const endingBy = (signal: number): [string, ...string[]] => ['sh', '-c', `ulimit -c 0; kill -${signal} $$; sleep 5`];

type Ways = Readonly<Record<string, (command: [string, ...string[]]) => Promise<number | null>>>;

const directory = ownDirectory('init-statuses');
const file = join(directory, 'box.sh');
const written = script({ command: ['true'], init: true }).then(text => writeFileSync(file, text));

const WAYS: Ways = {
  'nsgen starts': async command => (await run({ command, init: true }, { reject: false })).exitStatus,
  'a script starts': async command => {
    await written;
    return (await execute('bash', [file, '--', ...command])).status;
  },
};

/** Several at once: most of the time of a script goes by in waiting for processes. */
async function each(numbers: readonly number[], ask: (number: number) => Promise<number | null>) {
  const answers: (number | null)[] = [];
  const left = numbers.entries();
  const worker = async () => {
    for (const [index, number] of left) answers[index] = await ask(number);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return answers;
}

for (const [way, ended] of Object.entries(WAYS))
  describe(`a box with an init that ${way}`, () => {
    test('has one: the parent of its command is pid 1', async () => {
      assert.equal(await ended(['sh', '-c', 'exit $PPID']), 1);
    });

    test('ends with every exit status of its command', async () => {
      assert.deepEqual(await each(STATUSES, status => ended(ending(status))), STATUSES);
    });

    test('ends with 128 and the number of every signal that ends its command', async () => {
      assert.ok(DEADLY.length > 50);
      assert.deepEqual(
        await each(DEADLY, signal => ended(endingBy(signal))),
        DEADLY.map(signal => 128 + signal),
      );
    });
  });
