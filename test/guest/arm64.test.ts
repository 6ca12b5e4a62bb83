import { test } from 'node:test';
import { arm64Guest } from './arm64.js';
import { filesOf, runInGuest } from './inside.js';

/** The tests in arm64/ run as root on an emulated machine of that architecture. */

const MINUTES = 12;

test('on arm64', async t => runInGuest(t, filesOf('arm64'), await arm64Guest(), MINUTES));
