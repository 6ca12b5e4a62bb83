import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { exampleFile, exampleNames, generatedFiles, staleFiles } from './generate.js';
import { execute, type Finished, nsgenPath } from './support/cli.js';
import { assertClean } from './support/lint.js';

describe('generated/', () => {
  test('holds the schema, and the script of every example, as they are generated now', async () => {
    assert.deepEqual(await staleFiles(), [], 'npm run generate');
  });

  test('its scripts parse, and shellcheck and shfmt find nothing in them', async () => {
    const files = [...(await generatedFiles())].filter(([name]) => name.endsWith('.sh'));
    // And one that is detached.
    assert.equal(files.length, exampleNames().length + 2);
    await assertClean(files.map(([, text]) => text));
  });

  test('a script is the same whoever generates it, and wherever', async () => {
    const wanted = await generatedFiles();
    // Nobody, but able to read a package that only root may.
    const capabilities = ['--inh-caps', '+dac_read_search', '--ambient-caps', '+dac_read_search'];
    const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups', ...capabilities, '--'];
    for (const name of exampleNames()) {
      const command = [process.execPath, nsgenPath, 'script', '-f', exampleFile(name)];
      const env = { PATH: process.env.PATH, TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8', HOME: '/nonexistent' };
      const options = { cwd: '/', env };
      const own = await execute(process.execPath, command.slice(1), options);
      const same = (run: Finished) => ({
        ...run,
        stdout: run.stdout === wanted.get(`${name}.sh`),
        stderr: run.stderr.replace(/^nsgen: note: .*\n/gm, ''),
      });
      assert.deepEqual(same(own), SAME, name);
      const others = await execute('setpriv', [...user, ...command], options);
      assert.deepEqual(same(others), SAME, name);
    }
  });

  test('an example names the schema, for editors', async () => {
    const { readFile } = await import('node:fs/promises');
    for (const name of exampleNames()) {
      const [, schema = ''] =
        /^# yaml-language-server: \$schema=(\S+)$/m.exec(await readFile(exampleFile(name), 'utf8')) ?? [];
      assert.ok(existsSync(new URL(schema, `file://${exampleFile(name)}`)), name);
    }
  });
});

const SAME = { status: 0, signal: null, stdout: true, stderr: '' };
