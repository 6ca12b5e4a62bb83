import { test } from 'node:test';
import { filesOf, runHere, runInGuest } from './inside.js';
import { placement } from './placement.js';
import { x86Guest } from './x86-64.js';

/** The tests in inside/ run as root where the only cgroups are those of version 2: on this host, or in a guest. */

const MINUTES = 12;

test('on a unified cgroup v2 host', async t => {
  const files = filesOf('inside');
  const where = placement();
  if (where.on === 'host') {
    t.diagnostic('this host is one');
    return runHere(t, files);
  }
  t.diagnostic(`in a guest, because of this host: ${where.because}`);
  await runInGuest(t, files, await x86Guest(), MINUTES);
});
