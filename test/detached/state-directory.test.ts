import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, describe, test } from 'node:test';
import { execute, nsgen } from '../support/cli.js';
import { installForEveryone } from '../support/installed.js';
import { ownDirectory } from '../support/own-directory.js';

/** Where boxes are kept unless somebody says otherwise: in a mount namespace that has a /run of its own, in memory. */

const aside = ownDirectory('state-directory');
chmodSync(aside, 0o755);
const installed = installForEveryone(join(aside, 'nsgen'));
const NOBODY = 65534;
const USER_DIRECTORY = `/run/user/${NOBODY}`;

const holder = spawn(
  'unshare',
  ['--mount', 'sh', '-c', 'mount -t tmpfs -o mode=755 tmpfs /run && echo ready; read -r end'],
  {
    stdio: ['pipe', 'pipe', 'inherit'],
  },
);
const closed = once(holder, 'close');
/** The script of a box that is detached: it finds the directory where it runs. */
let script = '';
before(async () => {
  await once(holder.stdout, 'data');
  script = (await nsgen(['script', '--detach', '--name', 'by-script', '--', 'sleep', '1000'])).stdout;
});
after(async () => {
  holder.stdin.end();
  await closed;
});

const enter = ['--target', String(holder.pid), '--mount', '--'];

interface Caller {
  readonly who: string;
  readonly directory: string;
  readonly before: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const CALLERS: readonly Caller[] = [
  { who: 'root', directory: '/run/nsgen', before: [], env: { XDG_RUNTIME_DIR: '/run/user/0' } },
  {
    who: 'an ordinary user',
    directory: `${USER_DIRECTORY}/nsgen`,
    before: ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'],
    env: { XDG_RUNTIME_DIR: USER_DIRECTORY },
  },
];

/** Of root there, by sh(1). */
async function prepare(script: string): Promise<string> {
  const { status, stdout, stderr } = await execute('nsenter', [...enter, 'sh', '-ec', script]);
  assert.equal(status, 0, stderr);
  return stdout;
}

const reset = `rm -rf /run/nsgen /run/user; mkdir -p ${USER_DIRECTORY}; chmod 700 ${USER_DIRECTORY}; chown ${NOBODY} ${USER_DIRECTORY}`;

/** A program that tries, for each line that it reads, to start a box by the library, and to list all; it says what came of it. */
const TRIES = `
import { createInterface } from 'node:readline';
import { boxes, startDetached } from ${JSON.stringify(join(aside, 'nsgen/dist/index.js'))};
const outcome = action => action().then(() => 'it was done', ({ exitStatus, message }) => exitStatus + ' ' + message);
for await (const _ of createInterface({ input: process.stdin })) {
  const start = () => startDetached({ command: ['true'] }, { name: 'by-library' });
  console.log(JSON.stringify([await outcome(start), await outcome(boxes)]));
}`;

/** Where one is refused, by what all of them have in common, so once is enough. */
const ALL = [
  ['run', '--detach', '--name', 'by-nsgen', '--', 'true'],
  ['ps'],
  ['prune'],
  ['stop', 'x'],
  ['rm', '-f', 'x'],
  ['wait', 'x'],
  ['exec', 'x', '--', 'true'],
  ['run', '--name', 'x', '--', 'true'],
];

for (const { who, directory, before: as, env } of CALLERS)
  describe(who, () => {
    const run = (words: readonly string[], input = '', more: Readonly<Record<string, string>> = {}) =>
      execute('nsenter', [...enter, ...as, ...words], {
        input,
        cwd: '/',
        env: { PATH: process.env.PATH, LC_ALL: 'C', ...env, ...more },
      });
    const own = (...words: readonly string[]) => run([...installed, ...words]);

    afterEach(async () => {
      const left = await prepare(`ls ${directory} 2>/dev/null || true`);
      if (left !== '') await own('rm', '-f', 'by-nsgen', 'by-script');
      await prepare(reset);
    });

    test(`boxes are kept in ${directory}, which nobody else can read`, async () => {
      await prepare(reset);
      const started = await own('run', '--detach', '--name', 'by-nsgen', '--', 'sleep', '1000');
      assert.deepEqual([started.status, started.stdout], [0, 'by-nsgen\n'], started.stderr);
      const scripted = await run(['bash', '-s'], script);
      assert.deepEqual([scripted.status, scripted.stdout], [0, 'by-script\n'], scripted.stderr);
      assert.match(
        await prepare(`stat -c '%a %u' ${directory} ${directory}/*`),
        new RegExp(`^(700 ${as.length > 0 ? NOBODY : 0}\n){3}$`),
      );
      const { stdout } = await own('ps');
      for (const name of ['by-nsgen', 'by-script'])
        assert.match(stdout, new RegExp(`^${name} +\\d+ +1 .* running `, 'm'));
      assert.deepEqual((await own('stop', 'by-nsgen', 'by-script')).status, 0);
      assert.deepEqual((await own('rm', 'by-nsgen', 'by-script')).status, 0);
      assert.equal(await prepare(`ls ${directory}`), '');
    });

    test('one that is not the caller’s alone is refused by name, and left as it is', async () => {
      const [node] = installed;
      const library = spawn('nsenter', [...enter, ...as, node, '--input-type=module', '-e', TRIES], {
        cwd: '/',
        env: { PATH: process.env.PATH, ...env },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const ended = once(library, 'close');
      const answers = createInterface({ input: library.stdout })[Symbol.asyncIterator]();
      const byLibrary = async (): Promise<readonly string[]> => {
        library.stdin.write('\n');
        return JSON.parse((await answers.next()).value ?? '[]');
      };
      const parent = directory.replace(/\/nsgen$/, '');
      const other = as.length > 0 ? 0 : NOBODY;
      for (const [setup, message] of [
        [`chown ${other} ${directory}`, /: belongs to another user/],
        [`chmod 770 ${directory}`, /: can be written to by others than its owner/],
        [`chmod 702 ${directory}`, /: can be written to by others than its owner/],
        [`mv ${directory} ${parent}/else; ln -s else ${directory}`, /: is not a directory/],
        [`rmdir ${directory}; ln -s else ${directory}`, /: is not a directory/],
        [`rmdir ${directory}; touch ${directory}`, /: is not a directory/],
        [`chmod 777 ${parent}`, /: the directory that it is in can be written to by everybody/],
      ] as const) {
        await prepare(
          `${reset}; rm -rf ${parent}/else; mkdir -m 700 ${directory}; chown ${as.length > 0 ? NOBODY : 0} ${directory}; ${setup}`,
        );
        const look = `find ${parent} -printf '%p %y %m %u %l\\n' | sort`;
        const before = await prepare(look);
        const tries = byLibrary();
        const outcomes = await Promise.all([
          run(['bash', '-s'], script),
          ...(setup.startsWith('chown') ? ALL : []).map(words => own(...words)),
        ]);
        const thrown = await tries;
        assert.equal(thrown.length, 2);
        for (const text of thrown) {
          assert.ok(text.startsWith(`125 ${directory}: `), `${setup}: ${text}`);
          assert.match(text, message);
        }
        for (const { status, stdout, stderr } of outcomes) {
          assert.deepEqual([status, stdout], [125, ''], `${setup}: ${stderr}`);
          assert.ok(stderr.includes(`: ${directory}: `), stderr);
          assert.match(stderr, message);
        }
        assert.equal(await prepare(look), before);
        await prepare(`chmod 755 ${parent}`);
      }
      library.stdin.end();
      assert.deepEqual(await ended, [0, null]);
    });
  });

test('an ordinary user with the directory of another is told so, and without one', async () => {
  const [, nobody] = CALLERS;
  assert.ok(nobody);
  const as = (env: Readonly<Record<string, string>>, words: readonly string[], input = '') =>
    execute('nsenter', [...enter, ...nobody.before, ...words], {
      input,
      cwd: '/',
      env: { PATH: process.env.PATH, ...env },
    });
  const foreign = { XDG_RUNTIME_DIR: '/run/user/0' };
  await prepare(`${reset}; mkdir -m 700 /run/user/0`);
  const tries = [
    [
      foreign,
      [...installed, 'run', '-d', '--', 'true'],
      '',
      /cannot look at the directory \/run\/user\/0\/nsgen: EACCES/,
    ],
    [foreign, [...installed, 'ps'], '', /cannot look at the directory \/run\/user\/0\/nsgen: EACCES/],
    [foreign, ['bash', '-s'], script, /\/run\/user\/0\/nsgen: is not a directory, and cannot be made/],
    [{}, [...installed, 'run', '-d', '--', 'true'], '', /XDG_RUNTIME_DIR is not set: .*NSGEN_STATE_DIRECTORY/],
    [{}, ['bash', '-s'], script, /XDG_RUNTIME_DIR is not set: .*NSGEN_STATE_DIRECTORY/],
  ] as const;
  const outcomes = await Promise.all(
    tries.map(async ([env, words, input, message]) => ({ message, ...(await as(env, words, input)) })),
  );
  for (const { message, status, stdout, stderr } of outcomes) {
    assert.deepEqual([status, stdout], [125, ''], stderr);
    assert.match(stderr, message);
  }
  assert.equal(await prepare('ls -A /run/user/0'), '');
});
