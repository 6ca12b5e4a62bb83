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
 * Files beside run.cjs, which are loaded when one of their functions is called, and which of its modules each has, with all
 * that those import: a second time, if run.cjs has it too. So they neither keep nor look up what others have kept (a WeakMap
 * of calls, say), and what they throw is told by its fields, never by its class.
 *
 * Once a box runs, nothing is loaded any more: somebody may have replaced or removed the files by then, the box itself if
 * it can write there. So what the end of a box needs is in run.cjs, or in one file with what its start needs.
 */
const WHEN_CALLED = {
  // From cgroupPlaces, before the start, to removeCgroups.
  'host/cgroup': [
    'backends/samples',
    'host/cgroup/leftovers',
    'host/cgroup/places',
    'host/cgroup/remove',
    'host/cgroup/room',
    'host/cgroup/stats',
  ],
  'host/cgroups': ['host/cgroups'],
  'host/overlay': ['host/overlay'],
  'host/program-files': ['host/program-files'],
  'init/elf': ['init/elf'],
};

/** Its system calls go through the binary of ffi-rs, which it is to open at once, not when a box has ended. */
const CALLED_AT_THE_END = 'host/cgroup';

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

const functionsOf = async name =>
  Object.entries(await import(join(LIBRARY, `${name}.js`)))
    .filter(([, value]) => typeof value === 'function' && !/^class\b/.test(String(value)))
    .map(([key]) => key);

/**
 * Functions in the place of those of a module, which load a file. Anything else of the module cannot be imported: esbuild
 * says so.
 */
async function whenCalled(name, file) {
  const functions = await functionsOf(name);
  const lines = functions.map(key => `export const ${key} = (...values) => load().${key}(...values);`);
  return {
    contents: [`import { load } from ${JSON.stringify(`${LOAD}${file}`)};`, ...lines].join('\n'),
    resolveDir: SOURCE,
  };
}

/** What stands before the name of a file, in the name of the module that loads it, once for all who call it. */
const LOAD = 'load:';

const loadOnce = path => ({
  contents: `let loaded; export const load = () => (loaded ??= require(${JSON.stringify(path)}));`,
});

/** The functions of several modules. */
async function fileWhenCalled(file, modules) {
  const all = (await Promise.all(modules.map(functionsOf))).flat();
  const twice = all.filter((key, index) => all.indexOf(key) !== index);
  if (twice.length > 0) throw new Error(`in two modules of one file: ${twice.join(', ')}`);
  const lines = modules.map(name => `export * from './${name}.js';`);
  if (file === CALLED_AT_THE_END) lines.push("import { libc } from './linux/libc.js';", 'libc();');
  return lines.join('\n');
}

/**
 * One file of modules and of what they import, but for what they import with `import()`.
 *
 * @param input of esbuild.
 * @returns that: files and packages by name.
 */
async function buildOne(outputName, input, files = {}) {
  const outfile = join(OUTPUT, `${outputName}.cjs`);
  const besides = imported => `./${relative(dirname(outfile), join(OUTPUT, `${imported}.cjs`))}`;
  const later = new Map();
  const called = new Map(Object.entries(files).flatMap(([file, modules]) => modules.map(name => [name, file])));
  const unused = new Set(called.keys());
  const leaveOut = {
    name: 'leave out what is loaded later',
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /./ }, ({ kind, path, resolveDir }) => {
        if (path.startsWith(LOAD)) return { path: path.slice(LOAD.length), namespace: LOAD };
        if (kind === 'require-call' && path.endsWith('.cjs')) return { external: true };
        if (kind !== 'dynamic-import') return undefined;
        const file = path.startsWith('.') ? resolve(resolveDir, path.replace(/\.js$/, '.ts')) : path;
        const imported = nameOf(file);
        later.set(imported, file);
        return { path: besides(imported), external: true };
      });
      onLoad({ filter: /./, namespace: LOAD }, ({ path }) => loadOnce(besides(path)));
      onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) => {
        const imported = nameOf(path);
        const file = called.get(imported);
        unused.delete(imported);
        return file === undefined ? undefined : whenCalled(imported, file);
      });
    },
  };
  const { outputFiles } = await build({ ...OPTIONS, ...COMMON_JS, ...input, outfile, plugins: [leaveOut] });
  if (unused.size > 0) throw new Error(`${outputName} imports no ${[...unused].join(', ')}: see WHEN_CALLED`);
  for (const { path, contents } of outputFiles) write(path, contents);
  return later;
}

const entry = name => ({ entryPoints: [join(SOURCE, `${name}.ts`)] });

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
  ...(await buildOne('nsgen', entry('cli/main'))),
  ...(await buildOne(RUN, entry(RUN), WHEN_CALLED)),
]);
later.delete(RUN);
for (const [file, modules] of Object.entries(WHEN_CALLED)) {
  const contents = await fileWhenCalled(file, modules);
  await buildOne(file, { stdin: { contents, resolveDir: SOURCE } });
}
await buildDivided(later);
removeOlder();
chmodSync(join(OUTPUT, 'nsgen.cjs'), 0o755);
