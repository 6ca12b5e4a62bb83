import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { nsgen, nsgenPath } from '../support/cli.js';
import { Session } from '../support/session.js';
import { ended, ownBoxes, startDetached, WAYS } from './named-boxes.js';

/** nsgen logs -f, of a box that goes on. */

const { parent, named, clear } = ownBoxes('follow');
afterEach(() => clear());

const follow = (name: string) => new Session(process.execPath, [nsgenPath, 'logs', '-f', name]);

/** Writes a line, and the next when a file is there. */
const STEPS = 'echo one; for file; do until [ -e "$file" ]; do sleep 0.05; done; echo "$file" >&2; done; exit 3';

for (const way of WAYS)
  describe(way, () => {
    test('logs -f prints what is written meanwhile, and ends with the box', async () => {
      const files = ['second', 'third'].map(name => join(dirname(parent), `${way}-${name}`));
      await startDetached(way, ['--name', 'web', '--', 'sh', '-c', STEPS, 'sh', ...files]);
      const session = follow('web');
      await session.until(/^one\n$/);
      let text = 'one\n';
      for (const file of files) {
        assert.deepEqual([session.child.exitCode, session.output, existsSync(file)], [null, text, false]);
        writeFileSync(file, '');
        text += `${file}\n`;
        await session.until(new RegExp(`${file}\n$`));
      }
      assert.deepEqual(await session.ended, { status: 0, signal: null });
      assert.equal(session.output, text);
      assert.equal(named('web')?.exitStatus, 3);
    });

    test('and with one that is killed; of one that has ended it prints all', async () => {
      await startDetached(way, ['--name', 'web', '--', 'sh', '-c', 'echo one; exec sleep 1000']);
      const session = follow('web');
      await session.until(/^one\n$/);
      await nsgen(['kill', 'web']);
      assert.deepEqual(await session.ended, { status: 0, signal: null });
      await ended('web', named);
      assert.deepEqual(await nsgen(['logs', '-f', 'web']), { status: 0, signal: null, stdout: 'one\n', stderr: '' });
    });
  });
