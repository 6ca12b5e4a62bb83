import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { packageRoot } from '../src/package-root.js';
import { execute, nsgenPath } from './support/cli.js';

/** The files of the command: which there are, and which a subcommand loads. */

const directory = mkdtempSync(join(tmpdir(), 'nsgen-command-files-'));
after(() => rmSync(directory, { recursive: true, force: true }));
process.env.NSGEN_STATE_DIRECTORY = join(directory, 'boxes');

test('what a file of the command loads is in the package', async () => {
  const { stdout, stderr } = await execute('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: packageRoot,
    env: { ...process.env, npm_config_cache: join(directory, 'npm-cache') },
  });
  const [packed]: readonly { readonly files: readonly { readonly path: string }[] }[] = JSON.parse(stdout);
  const files = packed?.files.map(({ path }) => path) ?? [];
  const loads = files
    .filter(path => path.startsWith('dist/bin/'))
    .flatMap(path => {
      const content = readFileSync(join(packageRoot, path), 'utf8');
      return [...content.matchAll(/\brequire\("(\.[^"]*)"\)/g)].map(([, loaded = '']) => join(dirname(path), loaded));
    });
  assert.ok(loads.includes('dist/bin/cli/run.cjs'), stderr);
  assert.ok(loads.includes('dist/bin/cli/ps.cjs'));
  assert.deepEqual(
    loads.filter(path => !files.includes(path)),
    [],
  );
});

/** Runs the command after a hook, which writes what it finds to a file at the end. @returns its lines. */
async function linesOf(hook: string, found: string, args: readonly string[]): Promise<readonly string[]> {
  const list = join(directory, 'list');
  const file = join(directory, 'hook.cjs');
  const write = `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(list)}, ${found}.join('\\n')));`;
  writeFileSync(file, `${hook}\n${write}\n`);
  const { status, stderr } = await execute(process.execPath, ['--require', file, nsgenPath, ...args]);
  assert.equal(status, 0, stderr);
  return readFileSync(list, 'utf8')
    .split('\n')
    .filter(line => line !== file && line !== '');
}

/** The files that are loaded with require(), as they are named in the package. */
async function loadedBy(...args: readonly string[]): Promise<readonly string[]> {
  const paths = await linesOf('', 'Object.keys(require.cache)', args);
  return paths.map(path => path.replace(`${packageRoot}/`, ''));
}

test('a plain run loads two files, and no package', async () => {
  const files = ['dist/bin/nsgen.cjs', 'dist/bin/cli/run.cjs'];
  assert.deepEqual(await loadedBy('run', '--', 'true'), files);
  assert.deepEqual(await loadedBy('run', '--hostname', 'box', '--tmpfs', '/mnt', '--', 'true'), files);
});

test('of Node itself a plain run loads what costs little', async () => {
  const hook = 'const before = new Set(process.moduleLoadList);';
  const added = await linesOf(hook, 'process.moduleLoadList.filter(name => !before.has(name))', ['run', '--', 'true']);
  const loaded = added.flatMap(name => /^NativeModule (\w+)$/.exec(name)?.[1] ?? []);
  assert.ok(loaded.includes('os'), added.join('\n'));
  const dear = ['child_process', 'crypto', 'module', 'net', 'stream', 'tty', 'worker_threads'];
  assert.deepEqual(
    loaded.filter(name => dear.includes(name)),
    [],
  );
});

/**
 * Tells the files that are loaded before the first process is started from those that are loaded afterwards, also when the
 * box is to stop.
 */
const BEFORE_AND_AFTER = `
  const found = [];
  let started = '';
  const start = () => {
    if (started === '') setImmediate(() => ['SIGTSTP', 'SIGCONT'].forEach(name => process.emit(name, name)));
    started = 'after ';
  };
  process.on('newListener', name => { if (name === 'SIGCHLD') start(); });
  const childProcess = require('node:child_process');
  const { spawn } = childProcess;
  childProcess.spawn = (...words) => { start(); return spawn(...words); };
  const Module = require('node:module');
  const { _load } = Module;
  Module._load = function (name, ...more) {
    if (!Module.isBuiltin(name)) found.push(started + name);
    return _load.call(this, name, ...more);
  };
  const { dlopen } = process;
  process.dlopen = (module, name, ...more) => {
    found.push(started + name);
    return dlopen(module, name, ...more);
  };
  process.on('exit', () => found.push(started + 'the end'));`;

const ALL_SORTS: readonly (readonly string[])[] = [
  [],
  ['--memory', '64M', '--pids-limit', '50', '--stats'],
  ['--freezer', '--stats-json', join(directory, 'stats.json'), '--name', 'command-files'],
  ['--init', '--with', 'true', '--mount', 'type=cgroup,dst=/sys/fs/cgroup'],
  ['--tty', '--stats'],
  ['--backend', 'script', '--memory', '64M', '--stats'],
];

for (const flags of ALL_SORTS)
  test(`nothing is loaded once the box runs: ${flags.join(' ') || 'a plain run'}`, async () => {
    const found = await linesOf(BEFORE_AND_AFTER, 'found', ['run', ...flags, '--', 'true']);
    assert.ok(
      found.some(line => line.endsWith('cli/run.cjs')),
      found.join('\n'),
    );
    assert.deepEqual(
      found.filter(line => line.startsWith('after ')),
      ['after the end'],
    );
  });

test('limits load what knows cgroups', async () => {
  const loaded = await loadedBy('run', '--pids-limit', '50', '--', 'true');
  assert.ok(loaded.includes('dist/bin/host/cgroup.cjs'), loaded.join('\n'));
});

test('the help of all loads no subcommand', async () => {
  const loaded = await loadedBy('--help');
  assert.ok(loaded.includes('dist/bin/packages/citty.cjs'), loaded.join('\n'));
  assert.deepEqual(
    loaded.filter(path => path.startsWith('dist/bin/cli/')),
    [],
  );
});

/** @returns what runs a copy of the command, in which the binary of ffi-rs lies in this directory of the other packages. */
function installElsewhere(name: string, binaries: string) {
  const modules = join(directory, name, 'node_modules');
  const installed = join(packageRoot, 'node_modules');
  for (const path of ['package.json', 'dist/bin'])
    cpSync(join(packageRoot, path), join(modules, 'nsgen', path), { recursive: true });
  cpSync(join(installed, 'ffi-rs'), join(modules, 'ffi-rs'), { recursive: true });
  const place = join(modules, binaries);
  cpSync(join(installed, '@yuuang'), place, { recursive: true });
  const run = () =>
    execute(process.execPath, [join(modules, 'nsgen/dist/bin/nsgen.cjs'), 'run', '--', 'echo', 'found']);
  return { place, run };
}

test('the binary of ffi-rs is found below ffi-rs, too', async () => {
  const { place, run } = installElsewhere('below', 'ffi-rs/node_modules/@yuuang');
  assert.deepEqual(await run(), { status: 0, signal: null, stdout: 'found\n', stderr: '' });
  rmSync(place, { recursive: true });
  const { status, stderr } = await run();
  assert.equal(status, 125);
  assert.match(stderr, /^nsgen: ffi-rs has no binary here \(looked for .*\): install without --omit=optional$/m);
});

test('a binary of ffi-rs that is there and cannot be loaded is not called missing', async () => {
  const { place, run } = installElsewhere('broken', '@yuuang');
  const paths = readdirSync(place, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.node'))
    .map(path => join(place, path));
  for (const path of paths) writeFileSync(path, 'not a program');
  const { status, stderr } = await run();
  assert.equal(status, 125);
  assert.match(stderr, /^nsgen: the binary of ffi-rs cannot be loaded: \S+\.node: .+: install it again on this system/);
  assert.ok(
    paths.some(path => stderr.includes(path)),
    stderr,
  );
});
