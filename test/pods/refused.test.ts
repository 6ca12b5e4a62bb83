import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { renderPod } from '../../src/backends/script/pod.js';
import { BoxError } from '../../src/box/problem.js';
import { parsePod } from '../../src/pod/pod.js';
import { execute, nsgen } from '../support/cli.js';
import { assertClean } from '../support/lint.js';
import { ownDirectory } from '../support/own-directory.js';
import { runPod, WAYS } from './ways.js';

/** Pods that are refused, each problem by its field; and names and words that try to be more than that. */

const directory = ownDirectory('pods-refused');
const TRUE = { command: ['true'] };
const boxes = { web: TRUE };

const problemsOf = (input: unknown): readonly string[] => {
  try {
    parsePod(input);
    return [];
  } catch (error) {
    if (!(error instanceof BoxError)) throw error;
    return error.problems.map(({ field, message }) => `${field}: ${message}`);
  }
};

const BAD: readonly (readonly [input: unknown, ...problems: readonly RegExp[]])[] = [
  [undefined, /^: must be a mapping/],
  [[], /^: must be a mapping/],
  [{ boxes }, /^pod: is missing$/],
  [{ pod: 'p' }, /^boxes: is missing$/],
  [{ pod: 'p', boxes: {} }, /^boxes: must have a box$/],
  [{ pod: 'p', boxes: [TRUE] }, /^boxes: must be a mapping of names to boxes$/],
  [{ pod: '../p', boxes }, /^pod: must be 1 to 64 letters/],
  [{ pod: 1, boxes }, /^pod: must be a string; it is 1$/],
  [{ pod: 'p', boxes, share: 'net' }, /^share: must be a list/],
  [{ pod: 'p', boxes, share: ['mount'] }, /^share\[0\]: must be "pid" or "net" or "ipc" or "uts"; it is "mount"$/],
  [{ pod: 'p', boxes, user: 'shared' }, /^user: must be "auto" or "new"/],
  [{ pod: 'p', boxes, hostname: 'x' }, /^hostname: needs uts among share/],
  [{ pod: 'p', boxes, share: ['uts'], hostname: '' }, /^hostname: must not be empty$/],
  [{ pod: 'p', boxes, toString: 1 }, /^toString: is not a field of a pod$/],
  [{ pod: 'p', boxes: { 'a.b': TRUE } }, /^boxes\["a\.b"\]: the name of a box/],
  [{ pod: 'p', boxes: { '2': TRUE } }, /^boxes\["2"\]: the name of a box/],
  [{ pod: 'p', boxes: { 'a\nEND OF web': TRUE } }, /^boxes\["a\\nEND OF web"\]: the name of a box/],
  [
    JSON.parse('{ "pod": "p", "boxes": { "__proto__": { "command": ["true"] } } }'),
    /^boxes\["?__proto__"?\]?: the name|^boxes\.__proto__: the name/,
  ],
  [{ pod: 'p'.repeat(60), boxes: { longer: TRUE } }, /^boxes\.longer: is p+\.longer as a box of this pod/],
  [{ pod: 'p', boxes: { web: {} } }, /^boxes\.web\.command: is missing$/],
  [{ pod: 'p', boxes: { web: { ...TRUE, terminal: true } } }, /^boxes\.web\.terminal: is not for a box of a pod/],
  [{ pod: 'p', boxes: { web: 'true' } }, /^boxes\.web: must be a mapping/],
  [
    { pod: 'p', boxes: { web: { ...TRUE, namespaces: { pid: 'new' } } } },
    /^boxes\.web\.namespaces\.pid: is shared in the pod/,
  ],
  [
    { pod: 'p', boxes: { web: { ...TRUE, namespaces: { user: 'new' } } } },
    /^boxes\.web\.namespaces\.user: is the pod's/,
  ],
  [
    { pod: 'p', share: ['net'], boxes: { web: { ...TRUE, namespaces: { net: '/proc/1/ns/net' } } } },
    /^boxes\.web\.namespaces\.net: is shared in the pod/,
  ],
  [
    { pod: 'p', share: ['uts'], boxes: { web: { ...TRUE, hostname: 'x' } } },
    /^boxes\.web\.hostname: is the same for all/,
  ],
  [{ pod: 'p', share: ['net'], boxes: { web: { ...TRUE, loopback: true } } }, /^boxes\.web\.loopback: is the pod's/],
  [{ pod: 'p', boxes: { web: { ...TRUE, init: true } } }, /^boxes\.web\.init: the pod has one/],
  [
    { pod: 'p', boxes: { one: { command: [] }, two: { ...TRUE, cwd: 'x' } }, share: ['x'] },
    /^share\[0\]: /,
    /^boxes\.one\.command: must name a program/,
    /^boxes\.two\.cwd: must be an absolute path/,
  ],
];

describe('a pod with problems', () => {
  for (const [input, ...expected] of BAD) {
    test(JSON.stringify(input) ?? 'nothing', () => {
      const found = problemsOf(input);
      assert.equal(found.length, expected.length, found.join('\n'));
      for (const problem of expected)
        assert.ok(
          found.some(line => problem.test(line)),
          `${problem}: ${found.join('\n')}`,
        );
    });
  }
});

const podFile = (pod: unknown): string => {
  const file = join(directory, 'pod.json');
  writeFileSync(file, JSON.stringify(pod));
  return file;
};

describe('what does not go with a pod is refused by name', () => {
  const file = podFile({ pod: 'p', boxes });
  for (const [words, message] of [
    [['run', '-f', file, '--hostname', 'x'], /^nsgen: --hostname: does not go with a pod/],
    [['run', '-f', file, '-d', '--name', 'x'], /^nsgen: --name: does not go with a pod/],
    [['run', '-f', file, '--pod', 'x'], /^nsgen: --pod: does not go with a pod/],
    [['run', '-f', file, '--', 'true'], /^nsgen: the boxes of a pod have their commands in its file/],
    [['script', '-f', file, '-d', '--name', 'x'], /^nsgen: --name: does not go with a pod/],
    [['plan', '-f', file], /^nsgen: --file: has a pod, which only nsgen run and nsgen script take/],
    [['compare', '-f', file], /^nsgen: --file: has a pod, which only nsgen run and nsgen script take/],
  ] as const) {
    test(`nsgen ${words.filter(word => word !== file).join(' ')}`, async () => {
      const { status, stdout, stderr } = await nsgen(words);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, message);
    });
  }

  for (const way of WAYS) {
    test(`a rootfs that is not there, ${way}: before anything is started`, async () => {
      const pod = { pod: 'p', boxes: { web: TRUE, other: { ...TRUE, rootfs: '/nonexistent/root' } } };
      const { status, stdout, stderr } = await runPod(way, directory, pod);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /boxes\.other\.rootfs: there is no directory "\/nonexistent\/root"/);
    });
  }
});

const HOSTILE = [
  "'; touch pwned; '",
  '$(touch pwned)',
  '`touch pwned`',
  '"\\',
  'a\nEND OF web\ntouch pwned',
  '-n',
  '',
  '日本',
  '|&;<>',
];

/** Those of its boxes. */
const scriptsIn = (text: string): readonly string[] =>
  [...text.matchAll(/^ {2}cat <<'(END OF \w+)'\n(.*?)^\1$/gms)].map(([, , script = '']) => script);

describe('hostile words', () => {
  const pod = {
    pod: 'hostile',
    share: ['uts'],
    hostname: '$(touch pwned)',
    boxes: {
      web: { command: ['printf', '<%s>\\n', ...HOSTILE], env: { A: '$(touch pwned)' } },
      other: { command: ['printenv', 'A'], env: { A: "'\nEND OF other\n" } },
    },
  };
  const expected = [
    ...`${HOSTILE.map(word => `<${word}>\n`).join('')}`
      .split('\n')
      .slice(0, -1)
      .map(line => `web   | ${line}`),
    ...["'", 'END OF other', ''].map(line => `other | ${line}`),
  ].sort();

  for (const way of WAYS) {
    test(`are words, ${way}`, async () => {
      const { status, stdout, stderr } = await runPod(way, directory, pod);
      assert.deepEqual([status, stderr], [0, '']);
      assert.deepEqual(stdout.split('\n').slice(0, -1).sort(), expected);
      assert.equal((await execute('find', [directory, '-name', 'pwned'])).stdout, '');
    });
  }

  test('the script of a pod, and those of its boxes, pass shellcheck and shfmt; --dry-run starts nothing', async () => {
    const text = renderPod(parsePod(pod));
    const inner = scriptsIn(text);
    assert.equal(inner.length, 2);
    const single = { pod: 'single', user: 'new', boxes };
    const alone = [pod, single].map(input => renderPod(parsePod(input), { detached: true }));
    await assertClean([text, ...inner, renderPod(parsePod(single)), ...alone, ...alone.flatMap(scriptsIn)]);
    const dry = await execute('bash', ['-s', '--', '--dry-run'], { input: text, cwd: directory });
    assert.deepEqual([dry.status, dry.stderr], [0, '']);
    for (const part of [
      /^enter \(\)/m,
      /^empty_root \(\)/m,
      /unshare .*--pid .*enter pod\.sh/,
      /^# web$/m,
      /nsenter .*--pid=.* printenv A/,
    ])
      assert.match(dry.stdout, part);
    const help = await execute('bash', ['-s', '--', '--help'], { input: text });
    assert.match(help.stdout, /^usage: pod\.sh /);
    assert.equal((await execute('bash', ['-s', '--', 'word'], { input: text })).status, 2);
  });
});
