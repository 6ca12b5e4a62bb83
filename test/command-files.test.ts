import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { packageRoot } from '../src/package-root.js';
import { execute, nsgenPath } from './support/cli.js';

/** The files of the command: which there are, and which a subcommand loads. */

const directory = mkdtempSync(join(tmpdir(), 'nsgen-command-files-'));
after(() => rmSync(directory, { recursive: true, force: true }));

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

/** The files that are loaded with require(), as they are named in the package. */
async function loadedBy(...args: readonly string[]): Promise<readonly string[]> {
  const list = join(directory, 'loaded');
  const hook = join(directory, 'hook.cjs');
  const text = `Object.keys(require.cache).join('\\n')`;
  writeFileSync(
    hook,
    `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(list)}, ${text}));\n`,
  );
  const { status, stderr } = await execute(process.execPath, ['--require', hook, nsgenPath, ...args]);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  const paths = readFileSync(list, 'utf8').split('\n');
  return paths.filter(path => path !== hook).map(path => path.replace(`${packageRoot}/`, ''));
}

test('a plain run loads two files, and no package', async () => {
  const files = ['dist/bin/nsgen.cjs', 'dist/bin/cli/run.cjs'];
  assert.deepEqual(await loadedBy('run', '--', 'true'), files);
  assert.deepEqual(await loadedBy('run', '--hostname', 'box', '--tmpfs', '/mnt', '--', 'true'), files);
});

test('limits load what knows cgroups', async () => {
  const loaded = await loadedBy('run', '--pids-limit', '50', '--', 'true');
  assert.ok(loaded.includes('dist/bin/host/cgroup/places.cjs'), loaded.join('\n'));
});

test('the help of all loads no subcommand', async () => {
  const loaded = await loadedBy('--help');
  assert.ok(loaded.includes('dist/bin/packages/citty.cjs'), loaded.join('\n'));
  assert.deepEqual(
    loaded.filter(path => path.startsWith('dist/bin/cli/')),
    [],
  );
});

test('the binary of ffi-rs is found below ffi-rs, too', async () => {
  const modules = join(directory, 'elsewhere', 'node_modules');
  const installed = join(packageRoot, 'node_modules');
  for (const path of ['package.json', 'dist/bin'])
    cpSync(join(packageRoot, path), join(modules, 'nsgen', path), { recursive: true });
  cpSync(join(installed, 'ffi-rs'), join(modules, 'ffi-rs'), { recursive: true });
  cpSync(join(installed, '@yuuang'), join(modules, 'ffi-rs', 'node_modules', '@yuuang'), { recursive: true });
  const run = () =>
    execute(process.execPath, [join(modules, 'nsgen/dist/bin/nsgen.cjs'), 'run', '--', 'echo', 'found']);
  assert.deepEqual(await run(), { status: 0, signal: null, stdout: 'found\n', stderr: '' });
  rmSync(join(modules, 'ffi-rs', 'node_modules'), { recursive: true });
  const { status, stderr } = await run();
  assert.equal(status, 125);
  assert.match(stderr, /^nsgen: ffi-rs has no binary here \(looked for .*\): install without --omit=optional$/m);
});
