import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { testSamples } from '../boxes.js';
import { testTimeNamespace } from '../time-namespace.js';

test('the only cgroups are of version 2, and all controllers are there', () => {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const types = mounts.map(line => line.split(' ')[2]).filter(type => type?.startsWith('cgroup'));
  assert.deepEqual([...new Set(types)], ['cgroup2']);
  const controllers = readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' ');
  for (const controller of ['cpu', 'cpuset', 'hugetlb', 'io', 'memory', 'pids'])
    assert.ok(controllers.includes(controller), `${controller} is not one of ${controllers.join(' ')}`);
});

testSamples();
testTimeNamespace();
