import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseBox } from '../src/box/box.js';
import { fieldName } from '../src/box/problem.js';
import { problemsOf } from './support/problems.js';
import { anyText, howToRepeat, samples, seed } from './support/random.js';

const NO_LIMITS = {
  ...{ memory: undefined, cpu: undefined, cpuset: undefined, pids: undefined, blockIO: undefined },
  ...{ hugepageLimits: undefined, devices: undefined, unified: undefined },
};

const PLAIN_BIND = { flags: [], recursive: true, propagation: undefined, idMap: undefined };
const HALF = 'must be well-formed Unicode (it contains half of a surrogate pair)';

describe(`a box that is taken (${howToRepeat})`, () => {
  test('every string arrives in it unchanged', () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 5 }), anyText, anyText, (words, name, value) => {
        const variable = name.replaceAll('=', '') || 'x';
        const path = `/${value.slice(0, 1000)}`;
        const place = `/x${path.replaceAll('..', '')}`;
        const box = parseBox({
          command: ['true', ...words],
          env: Object.fromEntries([[variable, value]]),
          cwd: path,
          rootfs: { path: `/x${path}` },
          namespaces: { net: path },
          mounts: [{ type: 'bind', source: path, destination: place }],
        });
        assert.deepEqual(box.command, ['true', ...words]);
        assert.ok(Object.hasOwn(box.env, variable));
        assert.equal(Object.entries(box.env).find(([key]) => key === variable)?.[1], value);
        assert.equal(box.cwd, path);
        assert.equal(box.rootfs?.path, `/x${path}`);
        assert.deepEqual(box.namespaces.net, { kind: 'joined', path });
        assert.deepEqual(box.mounts, [{ type: 'bind', source: path, destination: place, ...PLAIN_BIND }]);
      }),
      { seed, numRuns: samples * 25 },
    );
  });

  test('half of a surrogate pair is refused, wherever it is', () => {
    const half = fc.tuple(anyText, fc.integer({ min: 0xd800, max: 0xdfff }), fc.constantFrom('', ' ', 'a', '\n'));
    fc.assert(
      fc.property(half, ([before, unit, after]) => {
        const text = `${before.slice(0, 10).replace(/[\ud800-\udfff]/g, '')}${String.fromCharCode(unit)}${after}`;
        assert.deepEqual(problemsOf({ command: ['true', text] }), [`command[1]: ${HALF}`]);
        assert.deepEqual(problemsOf({ command: ['true'], cwd: `/${text}` }), [`cwd: ${HALF}`]);
      }),
      { seed, numRuns: samples * 5 },
    );
  });

  test('whatever it is, a box is taken or refused by name', () => {
    fc.assert(
      fc.property(fc.object({ key: fc.constantFrom(...FIELDS), withNullPrototype: true, withMap: true }), input => {
        for (const problem of problemsOf(input)) assert.match(problem, /^[^:]*: ./);
      }),
      { seed, numRuns: samples * 25 },
    );
  });

  test('defaults', () => {
    const { env, namespaces, ...rest } = parseBox({ command: ['ps'] });
    assert.deepEqual(Object.keys(env), ['PATH', 'HOME']);
    assert.deepEqual(
      Object.entries(namespaces).map(([type, { kind }]) => `${type} ${kind}`),
      ['pid new', 'mount new', 'uts new', 'ipc new', 'net new', 'cgroup new', 'time shared', 'user unprivileged'],
    );
    assert.deepEqual(rest, {
      ...{ command: ['ps'], cwd: undefined, hostname: undefined, domainname: undefined, rootfs: undefined },
      ...{ timeOffsets: { monotonic: 0, boottime: 0 }, propagation: 'private', proc: true, mounts: [], loopback: true },
      ...{ dev: false, maskedPaths: [], readonlyPaths: [], annotations: {} },
      ...{ overlay: undefined, symlinks: [], files: [], init: undefined, stopTimeout: 10, terminal: false },
      ...{ accounting: false, freezer: false, cgroupParent: undefined, resources: NO_LIMITS },
    });
    const { proc, loopback, cwd, rootfs } = parseBox({
      command: ['ps'],
      rootfs: '/box',
      namespaces: { mount: 'shared', net: 'shared' },
    });
    assert.deepEqual(
      { proc, loopback, cwd, rootfs },
      { proc: false, loopback: false, cwd: '/', rootfs: { path: '/box', change: 'chroot', readOnly: false } },
    );
  });

  test('null takes a default of the environment away, and nothing else', () => {
    const environment = (env: object) => Object.entries(parseBox({ command: ['/bin/true'], env }).env);
    assert.deepEqual(environment({ PATH: null, HOME: null }), []);
    assert.deepEqual(environment({ B: '', HOME: null, PATH: '/bin', A: 'x' }), [
      ['B', ''],
      ['PATH', '/bin'],
      ['A', 'x'],
    ]);
    assert.deepEqual(
      environment({ A: 'x', PATH: '/bin' }).map(([name]) => name),
      ['HOME', 'A', 'PATH'],
    );
    assert.deepEqual(problemsOf({ command: ['/bin/true'], env: { A: null } }), [
      'env.A: must be a string (quote numbers, true and false)',
    ]);
    assert.deepEqual(problemsOf({ command: ['sh'], env: { PATH: null } }), [
      'env.PATH: is needed to find "sh": set it, or give the path of the program',
    ]);
  });

  test('a field is named so that it cannot mislead', () => {
    assert.equal(fieldName(['mounts', 2, 'source']), 'mounts[2].source');
    assert.equal(fieldName(['env', 'a.b']), 'env["a.b"]');
    assert.equal(fieldName(['env', 'a\nb"']), 'env["a\\nb\\""]');
    assert.equal(fieldName(['$schema']), '$schema');
    assert.equal(fieldName([]), '');
  });
});

const FIELDS = [
  ...['command', 'env', 'cwd', 'hostname', 'namespaces', 'timeOffsets', 'propagation', 'proc', 'rootfs', 'mounts'],
  ...['dev', 'privileged', 'maskedPaths', 'readonlyPaths', 'readOnly'],
  ...['loopback', 'toString', '__proto__', 'constructor', 'length', 'type', 'path', 'pid', 'user', 'source', ''],
];
