import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nsgen } from '../support/cli.js';
import { adoptOrphans, descendants, reapOrphans } from '../support/leftovers.js';
import { ownDirectory } from '../support/own-directory.js';
import { until } from '../support/until.js';
import { ownBoxes } from './named-boxes.js';

/** A script that is interrupted while its box has not yet said who it is. */

const { parent } = ownBoxes('interrupted');
const directory = ownDirectory('interrupted-gates');

const pod = join(directory, 'pod.json');
writeFileSync(pod, JSON.stringify({ pod: 'shop', boxes: { web: { command: ['sleep', '1000'] } } }));
const SCRIPTS = {
  box: ['script', '-d', '--name', 'web', '--', 'sleep', '1000'],
  pod: ['script', '-d', '-f', pod],
};

// Who loses a parent is looked for here.
adoptOrphans();

for (const [kind, words] of Object.entries(SCRIPTS))
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    test(`${signal} leaves nothing of a ${kind}`, async () => {
      const [reached, interrupted, gate] = ['reached', 'interrupted', 'gate'].map(name =>
        join(directory, `${kind}-${signal}-${name}`),
      );
      const { stdout } = await nsgen(words);
      // What enters the namespaces waits before it makes the first process there: a sleep would be that.
      const text = stdout
        .replace('\nbegin() {\n', `$&  : >${reached}\n  until [[ -e ${gate} ]]; do :; done\n`)
        .replace('\nabandon() {\n', `$&  : >${interrupted}\n`);
      assert.ok(text.includes(`${reached}\n`) && text.includes(`${interrupted}\n`));
      const script = spawn('bash', ['-s'], { stdio: ['pipe', 'ignore', 'ignore'] });
      const closed = once(script, 'close');
      script.stdin.end(text);
      await until(() => existsSync(reached ?? ''), 'it is about to begin');
      script.kill(signal);
      await until(() => existsSync(interrupted ?? ''), 'it is interrupted');
      writeFileSync(gate ?? '', '');
      const [, by] = await closed;
      assert.equal(by, signal);
      await until(() => {
        reapOrphans();
        return descendants().length === 0;
      }, 'all that it has started has ended');
      assert.deepEqual(
        readdirSync(parent).filter(name => name !== '.lock'),
        [],
      );
    });
