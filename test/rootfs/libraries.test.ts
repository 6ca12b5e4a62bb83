import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Elf, readElfFile } from '../../src/rootfs/elf.js';
import { LibrarySearch } from '../../src/rootfs/libraries.js';
import { execute } from '../support/cli.js';
import { type DynamicElf, dynamicElf } from '../support/dynamic-elf.js';
import { ownDirectory } from '../support/own-directory.js';
import { howToRepeat, seed } from '../support/random.js';

/** What is found is what ld.so(8) finds, by way of ldd(1). */

const directory = ownDirectory('libraries');
const loader = readElfFile(execFileSync('bash', ['-c', 'type -P env'], { encoding: 'utf8' }).trim())?.interpreter ?? '';

/** The paths that ldd names for each file, or the names that it has found nothing for. */
async function ldd(files: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const { stdout } = await execute('ldd', [...files, '/nonexistent'], { env: { PATH: process.env.PATH, LC_ALL: 'C' } });
  const found = new Map<string, string[]>();
  let list: string[] = [];
  for (const line of stdout.split('\n')) {
    const [, path, missing] = /^\t(?:.* => )?(?:(\/.*) \(0x[0-9a-f]+\)|(.*) => not found)$/.exec(line) ?? [];
    if (line !== '' && !line.startsWith('\t')) {
      list = [];
      found.set(line.slice(0, -1), list);
    } else if (path !== undefined || missing !== undefined) {
      list.push(path ?? `no ${missing}`);
    }
  }
  return found;
}

function own(search: LibrarySearch, file: string, elf: Elf): readonly string[] {
  const { paths, missing } = search.load(file, elf);
  return [...paths, ...missing.map(({ name }) => `no ${name}`)];
}

test('of every program of the host, what ldd finds', async () => {
  const files = ['/usr/bin', '/usr/sbin'].flatMap(parent => readdirSync(parent).map(name => join(parent, name)));
  const programs = files
    .filter(file => lstatSync(file).isFile())
    .flatMap(file => {
      const elf = readElfFile(file);
      return elf?.interpreter === undefined ? [] : [{ file, elf }];
    });
  // ldd takes 5 ms for each; a large host has thousands.
  const some = programs.filter(
    (_, index) => index % Math.ceil(programs.length / 300) === seed % Math.ceil(programs.length / 300),
  );
  assert.ok(some.length > 50, String(some.length));
  const expected = await ldd(some.map(({ file }) => file));
  const search = new LibrarySearch();
  for (const { file, elf } of some)
    assert.deepEqual(own(search, file, elf).toSorted(), expected.get(file)?.toSorted(), file);
});

describe('where libraries are searched', () => {
  const write = (name: string, elf: DynamicElf) => {
    const path = join(directory, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, dynamicElf(elf), { mode: 0o755 });
    return path;
  };
  const at = (name: string) => `${directory}/${name}`;

  async function assertFound(main: string, expected: readonly string[]): Promise<void> {
    const elf = readElfFile(main);
    assert.ok(elf);
    const found = own(new LibrarySearch(), main, elf).filter(path => path !== loader);
    assert.deepEqual(found.toSorted(), expected.toSorted());
    const lines = (await ldd([main])).get(main)?.filter(path => path !== loader);
    assert.deepEqual(found.toSorted(), lines?.toSorted(), 'ldd');
  }

  const remove = () => {
    for (const name of readdirSync(directory)) rmSync(at(name), { recursive: true });
  };

  test('$ORIGIN is where each file is; DT_RUNPATH counts for its own libraries only, DT_RPATH for theirs too', async () => {
    for (const tag of ['rpath', 'runpath'] as const) {
      const main = write('bin/main', { interpreter: loader, needed: ['liba.so'], [tag]: '$ORIGIN/../lib' });
      write('lib/liba.so', { needed: ['libb.so'] });
      write('lib/libb.so', {});
      const below = tag === 'rpath' ? at('bin/../lib/libb.so') : 'no libb.so';
      await assertFound(main, [at('bin/../lib/liba.so'), below]);
      remove();
    }
  });

  test('a library with DT_RUNPATH does not see the DT_RPATH of the program', async () => {
    const main = write('main', { interpreter: loader, needed: ['liba.so'], rpath: '$ORIGIN/lib' });
    write('lib/liba.so', { needed: ['libb.so'], runpath: '$ORIGIN/elsewhere' });
    write('lib/libb.so', {});
    await assertFound(main, [at('lib/liba.so'), 'no libb.so']);
    remove();
  });

  test('a file of another kind, none, or malformed is passed over', async () => {
    const main = write('main', { interpreter: loader, needed: ['liba.so'], runpath: '$ORIGIN/1:$ORIGIN/2:$ORIGIN/3' });
    write('1/liba.so', { machine: 8 });
    write('2/liba.so', { bits: 32, machine: 3 });
    write('3/liba.so', {});
    await assertFound(main, [at('3/liba.so')]);
    remove();
  });

  test('DT_NEEDED with a slash is a path; DF_1_NODEFLIB leaves the usual directories out', async () => {
    write('dir/libpath.so', {});
    const main = write('main', {
      interpreter: loader,
      needed: [at('dir/libpath.so'), 'libc.so.6'],
      noDefaultDirectories: true,
    });
    await assertFound(main, [at('dir/libpath.so'), 'no libc.so.6']);
    remove();
  });

  test(`random programs and libraries (${howToRepeat})`, async () => {
    const NAMES = ['libp.so', 'libq.so', 'libr.so', 'libs.so'];
    const DIRECTORIES = ['one', 'two', 'three'];
    const path = fc
      .array(
        fc.constantFrom(...DIRECTORIES.flatMap(name => [`$ORIGIN/../${name}`, at(name), `\${ORIGIN}/../${name}/`])),
        { minLength: 1, maxLength: 2 },
      )
      .map(list => list.join(':'));
    const object = fc.record(
      {
        needed: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }),
        rpath: path,
        runpath: path,
        noDefaultDirectories: fc.constant(true),
      },
      { requiredKeys: ['needed'] },
    );
    const files = fc.dictionary(
      fc.tuple(fc.constantFrom(...DIRECTORIES), fc.constantFrom(...NAMES)).map(parts => parts.join('/')),
      fc.tuple(object, fc.option(fc.constantFrom(...NAMES), { nil: undefined, freq: 2 })),
      { minKeys: 4, maxKeys: 10, noNullPrototype: true },
    );
    let [found, missing] = [0, 0];
    for (const [program, libraries] of fc.sample(fc.tuple(object, files), { seed, numRuns: 150 })) {
      for (const name of DIRECTORIES) mkdirSync(at(name));
      const main = write('one/main', { interpreter: loader, ...program });
      for (const [name, [library, soname]] of Object.entries(libraries))
        write(name, { ...library, ...(soname === undefined ? {} : { soname }) });
      const elf = readElfFile(main);
      assert.ok(elf);
      // ldd leaves the loader out unless a library needs it, as the C library does.
      const result = own(new LibrarySearch(), main, elf).filter(path => path !== loader);
      const lines = (await ldd([main])).get(main);
      assert.deepEqual(
        new Set(result),
        new Set(lines),
        JSON.stringify({ program, libraries, result, lines }, undefined, 1),
      );
      found += result.filter(line => line.startsWith('/')).length;
      missing += result.filter(line => line.startsWith('no ')).length;
      remove();
    }
    assert.ok(found > 100 && missing > 20, `${found} found, ${missing} missing`);
  });
});
