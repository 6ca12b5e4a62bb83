import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { nsgen } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';
import { assertLines, type Lines } from '../support/refusal.js';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';
import { changed, MINIMAL, PATH } from './configs.js';

const directory = ownDirectory('bundle');
const rootfs = makeRootfs(['sh', 'cat', 'env', 'true'], ['proc', 'tmp']);
after(() => removeRootfs(rootfs));

/** A directory with this config.json, and an empty rootfs. */
function bundle(config: unknown): string {
  const path = mkdtempSync(join(directory, 'bundle-'));
  mkdirSync(join(path, 'rootfs'));
  const text = typeof config === 'string' || config instanceof Uint8Array ? config : JSON.stringify(config);
  writeFileSync(join(path, 'config.json'), text);
  return path;
}

async function assertRefused(args: readonly string[], lines: Lines, commands = ['run']): Promise<void> {
  for (const command of commands) {
    const { status, stdout, stderr } = await nsgen([command, ...args]);
    assertLines(stderr, lines);
    assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
  }
}

const CONTENT: readonly (readonly [content: string | Uint8Array, lines: Lines])[] = [
  ['', [/^cannot read the bundle from \S+config\.json: Unexpected end of JSON input/]],
  ['# no JSON', [/^cannot read the bundle from /]],
  ['{"ociVersion": "1.0.0",}', [/^cannot read the bundle from /]],
  [Buffer.from('{"hostname": "\xff"}', 'latin1'), [/^cannot read the bundle from .*utf-8/i]],
  [' '.repeat(1024 * 1024 + 1), [/^cannot read the bundle from .*config.json: it is longer than 1048576 bytes$/]],
  ['['.repeat(1024 * 1024), [/^cannot read the bundle from /]],
  [`${'['.repeat(500_000)}${']'.repeat(500_000)}`, [/^must be a mapping; it is a list$/]],
  ['{"hostname": "a", "process": {"args": [], "args": ["sh"]}}', ['process.args: is given more than once']],
  [`{"ociVersion": "${'x'.repeat(1_000_000)}"}`, [/^ociVersion: must be a version/, /^root: is/, /^process: is/]],
];

describe('--bundle, before anything of it is looked at', () => {
  for (const [content, lines] of CONTENT) {
    test(`config.json with ${JSON.stringify(content.toString().slice(0, 40))}`, async () => {
      await assertRefused(['--bundle', bundle(content)], lines);
    });
  }

  test('no bundle, no config.json, or something else of that name', async () => {
    await assertRefused(['--bundle', ''], ['--bundle: must not be empty']);
    await assertRefused(
      ['--bundle', '/nowhere'],
      [/^cannot read the bundle from \/nowhere: ENOENT: no such file or directory/],
    );
    const fifo = mkdtempSync(join(directory, 'bundle-'));
    execFileSync('mkfifo', [join(fifo, 'config.json')]);
    const door = mkdtempSync(join(directory, 'bundle-'));
    symlinkSync('/dev/zero', join(door, 'config.json'));
    const folder = mkdtempSync(join(directory, 'bundle-'));
    mkdirSync(join(folder, 'config.json'));
    for (const path of [fifo, door, folder])
      await assertRefused(['--bundle', path], [/^cannot read the bundle from .*: it is not a regular file$/]);
  });

  test('a box file and a bundle contradict each other', async () => {
    const refused = ['--bundle: contradicts --file: give one of them'];
    await assertRefused(['-f', 'box.yaml', '--bundle', bundle(MINIMAL)], refused, ['run', 'script', 'plan', 'compare']);
  });

  test('a root that is a symlink, or leads through one, out of the bundle', async () => {
    const path = bundle(MINIMAL);
    rmSync(join(path, 'rootfs'), { recursive: true });
    symlinkSync('/', join(path, 'rootfs'));
    await assertRefused(['--bundle', path], ['root.path: must not be a symlink or lead through one: it is "/"']);
    const through = bundle(changed(MINIMAL, ['root', 'path'], 'link/rootfs'));
    symlinkSync('.', join(through, 'link'));
    await assertRefused(
      ['--bundle', through],
      [/^root\.path: must not be a symlink or lead through one: it is "\/.*rootfs"$/],
    );
  });
});

describe('a bundle', () => {
  const config = (args: readonly string[], more: object = {}): string =>
    bundle({
      ...MINIMAL,
      root: { path: rootfs },
      process: { cwd: '/tmp', args, env: [`PATH=${PATH}`, 'FROM=bundle'] },
      linux: { namespaces: ['pid', 'mount', 'uts', 'ipc', 'network'].map(type => ({ type })) },
      ...more,
    });

  for (const backend of ['ffi', 'script']) {
    const run = (...args: readonly string[]) => nsgen(['run', '--backend', backend, ...args]);

    test(`runs as it says, by ${backend}`, async () => {
      const path = config(['sh', '-c', 'pwd; echo $$; exit 3']);
      assert.deepEqual(await run('--bundle', path), { status: 3, signal: null, stdout: '/tmp\n1\n', stderr: '' });
    });

    test(`has the environment of the list and nothing else, by ${backend}`, async () => {
      const { stdout } = await run('--bundle', config(['env']));
      assert.equal(stdout, `PATH=${PATH}\nFROM=bundle\n`);
      const empty = config(['/bin/env'], { process: { cwd: '/', args: ['/bin/env'] } });
      assert.deepEqual(await run('-b', empty), { status: 0, signal: null, stdout: '', stderr: '' });
    });

    test(`is overridden by flags and by a command, by ${backend}`, async () => {
      const path = config(['false'], { hostname: 'of-bundle' });
      const words = ['--', 'sh', '-c', 'read -r name </proc/sys/kernel/hostname; echo $name; env'];
      const flags = ['--hostname', 'of-flag', '-e', 'FROM=flag', '--proc'];
      const { stdout, stderr } = await run('--bundle', path, ...flags, ...words);
      assert.equal(stderr, '');
      assert.match(stdout, /^of-flag\nPATH=\S+\nFROM=flag\nPWD=\/tmp\n/);
    });

    test(`binds what lies in the bundle, by ${backend}`, async () => {
      const path = config(['cat', '/tmp/note'], {
        mounts: [{ destination: '/tmp', type: 'none', source: 'data', options: ['rbind', 'ro'] }],
      });
      mkdirSync(join(path, 'data'));
      writeFileSync(join(path, 'data', 'note'), 'of the bundle\n');
      assert.deepEqual(await run('--bundle', path), {
        status: 0,
        signal: null,
        stdout: 'of the bundle\n',
        stderr: '',
      });
      const { stderr, status } = await run('--bundle', path, '--', 'sh', '-c', '>/tmp/new');
      assert.match(stderr, /[Rr]ead-only file system/);
      assert.notEqual(status, 0);
    });
  }

  test('shows its annotations at the head of the script', async () => {
    const annotations = { 'org.example.team': 'a\nb', plain: 'x' };
    const { stdout } = await nsgen([
      'script',
      '--bundle',
      config(['true'], { annotations }),
      '--annotation',
      'plain=y',
    ]);
    assert.match(stdout, /^# {3}about {4}org\.example\.team: a\\u\{a\}b\n# {3}about {4}plain: y$/m);
  });

  test('a problem is named as config.json names it, one of a flag as the flag', async () => {
    const path = config(['true'], { process: { cwd: 'tmp', args: ['/bin/true'] } });
    const { stderr, status } = await nsgen(['run', '--bundle', path, '--hostname=']);
    assert.deepEqual(stderr.trimEnd().split('\n').sort(), [
      'nsgen: hostname: must not be empty',
      'nsgen: process.cwd: must be an absolute path (it does not start with "/")',
    ]);
    assert.equal(status, 2);
  });
});
