import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { build, transform } from 'esbuild';

/**
 * Builds the command, dist/bin, which loads no more than what it is asked for, and that as CommonJS: the loader of
 * modules takes 10 ms to begin with, and half of one for each file.
 *
 * - nsgen.cjs reads the name of a subcommand.
 * - cli/run.cjs is a box by ffi, in one file: `nsgen run` is what there is most of. Beside it lies, in a file each, what
 *   most boxes have no use for (WHEN_CALLED).
 * - What these import with `import()`, and all that it needs, is divided into files by who needs them. It has modules
 *   of its own: no class and no variable of run.cjs.
 */

const SOURCE = resolve('src');
/** As build:library has made it. */
const LIBRARY = resolve('dist');
const OUTPUT = join(LIBRARY, 'bin');

/** @type {import('esbuild').BuildOptions} */
const OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  minify: true,
  define: { 'import.meta.filename': '__filename', 'import.meta.dirname': '__dirname' },
  external: ['ffi-rs'],
  write: false,
  logLevel: 'warning',
};

/**
 * Modules of run.cjs that are loaded when one of their functions is called, and then with all that they import: a second
 * time, if run.cjs has it too. So they neither keep nor look up what others have kept (a WeakMap of calls, say), and what
 * they throw is told by its fields, never by its class.
 */
const WHEN_CALLED = [
  'backends/samples',
  'host/cgroup/leftovers',
  'host/cgroup/places',
  'host/cgroup/remove',
  'host/cgroup/room',
  'host/cgroup/stats',
  'host/cgroups',
  'host/overlay',
  'host/process-tree',
  'host/program-files',
  'init/elf',
];

/** Makes require() of import(). @type {import('esbuild').TransformOptions} */
const COMMON_JS = { format: 'cjs', supported: { 'dynamic-import': false } };

/** Files of the source are named by their path there, packages by themselves. */
const nameOf = file => (isAbsolute(file) ? relative(SOURCE, file).replace(/\.ts$/, '') : `packages/${file}`);

const written = new Set();

function write(path, content) {
  if (written.has(path)) throw new Error(`${path} is built twice`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  written.add(path);
}

/** Functions in the place of those of a module, which load it. Anything else of it cannot be imported: esbuild says so. */
async function whenCalled(name, from) {
  const functions = Object.entries(await import(join(LIBRARY, `${name}.js`)))
    .filter(([, value]) => typeof value === 'function' && !/^class\b/.test(String(value)))
    .map(([key]) => `export const ${key} = (...values) => require(${JSON.stringify(from)}).${key}(...values);`);
  return { contents: functions.join('\n') };
}

/**
 * One file of a module and of what it imports, but for what it imports with `import()`.
 *
 * @returns that: files and packages by name.
 */
async function buildOne(name, { outputName = name, called = [] } = {}) {
  const outfile = join(OUTPUT, `${outputName}.cjs`);
  const besides = imported => `./${relative(dirname(outfile), join(OUTPUT, `${imported}.cjs`))}`;
  const later = new Map();
  const leaveOut = {
    name: 'leave out what is loaded later',
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /./ }, ({ kind, path, resolveDir }) => {
        if (kind === 'require-call' && path.endsWith('.cjs')) return { external: true };
        if (kind !== 'dynamic-import') return undefined;
        const file = path.startsWith('.') ? resolve(resolveDir, path.replace(/\.js$/, '.ts')) : path;
        const imported = nameOf(file);
        later.set(imported, file);
        return { path: besides(imported), external: true };
      });
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const imported = nameOf(path);
        return called.includes(imported) ? whenCalled(imported, besides(imported)) : undefined;
      });
    },
  };
  const entryPoints = [join(SOURCE, `${name}.ts`)];
  const { outputFiles } = await build({ ...OPTIONS, ...COMMON_JS, entryPoints, outfile, plugins: [leaveOut] });
  for (const { path, contents } of outputFiles) write(path, contents);
  return later;
}

/** esbuild divides only modules. */
async function buildDivided(entryPoints) {
  const { outputFiles } = await build({
    ...OPTIONS,
    entryPoints: Object.fromEntries(entryPoints),
    outdir: OUTPUT,
    outExtension: { '.js': '.cjs' },
    chunkNames: 'shared/[name]-[hash]',
    format: 'esm',
    splitting: true,
  });
  for (const { path, text } of outputFiles)
    write(path, (await transform(text, { ...COMMON_JS, platform: 'node', target: OPTIONS.target, minify: true })).code);
}

function removeOlder() {
  for (const entry of readdirSync(OUTPUT, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isDirectory() && !written.has(path)) rmSync(path);
  }
}

const RUN = 'cli/run';
const later = new Map([
  ...(await buildOne('cli/main', { outputName: 'nsgen' })),
  ...(await buildOne(RUN, { called: WHEN_CALLED })),
]);
later.delete(RUN);
for (const name of WHEN_CALLED) await buildOne(name);
await buildDivided(later);
removeOlder();
chmodSync(join(OUTPUT, 'nsgen.cjs'), 0o755);
