import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { renderScript } from '../../src/backends/script/render.js';
import { parseBox } from '../../src/box/box.js';
import { BoxError } from '../../src/box/problem.js';
import { script } from '../../src/index.js';
import { nsgen } from '../support/cli.js';

const TRUE: [string] = ['true'];

const problemsOf = (act: () => unknown): readonly string[] => {
  try {
    act();
  } catch (error) {
    if (error instanceof BoxError) return error.problems.map(({ field }) => field);
    throw error;
  }
  return [];
};

describe('the field init', () => {
  test('is true, false or the absolute path of a program', () => {
    assert.equal(parseBox({ command: TRUE, init: true }).init, true);
    assert.equal(parseBox({ command: TRUE, init: false }).init, undefined);
    assert.equal(parseBox({ command: TRUE }).init, undefined);
    assert.equal(parseBox({ command: TRUE, init: '/usr/bin/tini' }).init, '/usr/bin/tini');
    for (const init of ['tini', '', '/a\0b', 1, null, {}, []])
      assert.deepEqual(
        problemsOf(() => parseBox({ command: TRUE, init })),
        ['init'],
        String(init),
      );
  });

  test('needs a pid namespace of its own', () => {
    for (const pid of ['shared', '/proc/1/ns/pid'])
      assert.deepEqual(
        problemsOf(() => parseBox({ command: TRUE, init: true, namespaces: { pid } })),
        ['init'],
      );
  });

  test('needs mounts of its own to show a program of the host in a rootfs', () => {
    const box = { command: TRUE, rootfs: { path: '/srv', change: 'chroot' }, namespaces: { mount: 'shared' } };
    assert.deepEqual(
      problemsOf(() => parseBox({ ...box, init: '/usr/bin/tini' })),
      ['init'],
    );
    assert.deepEqual(
      problemsOf(() => parseBox({ ...box, init: true })),
      [],
    );
  });

  test('needs a /proc in the box when a script is to execute it', () => {
    const refused = [
      { rootfs: '/srv', proc: false },
      { namespaces: { mount: '/proc/1/ns/mnt' } },
      { rootfs: { path: '/srv', change: 'chroot' }, namespaces: { mount: 'shared' } },
    ];
    for (const box of refused)
      assert.deepEqual(
        problemsOf(() => renderScript(parseBox({ command: TRUE, init: true, ...box }))),
        ['init'],
      );
    const mounts = [{ type: 'proc', destination: '/proc' }];
    assert.deepEqual(
      problemsOf(() => renderScript(parseBox({ command: TRUE, init: true, rootfs: '/srv', proc: false, mounts }))),
      [],
    );
  });

  test('a box without one has a script without one', async () => {
    assert.doesNotMatch(await script({ command: TRUE }), /init/);
  });
});

describe('the flag --init', () => {
  for (const [words, message] of [
    [['--init='], '--init: must not be empty'],
    [['--init', '--init'], '--init: is given more than once'],
    [['--init', '--share', 'pid'], /^nsgen: init: needs a pid namespace of its own/],
  ] as const) {
    test(`${words.join(' ')} is refused`, async () => {
      const { status, stderr } = await nsgen(['run', ...words, '--', 'true']);
      assert.equal(status, 2);
      if (typeof message === 'string') assert.equal(stderr, `nsgen: ${message}\n`);
      else assert.match(stderr, message);
    });
  }

  test('without a value takes no word of the command for one', async () => {
    const { status, stdout } = await nsgen(['run', '--init', 'cat', '/proc/1/comm']);
    assert.deepEqual({ status, stdout }, { status: 0, stdout: 'nsgen-init\n' });
  });
});
