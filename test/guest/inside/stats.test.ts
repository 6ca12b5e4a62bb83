import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { testCounting } from '../../stats/counting.js';
import { ownDirectory } from '../../support/own-directory.js';

// A guest has no disk of its own.
const file = join(ownDirectory('counting'), 'disk');
writeFileSync(file, '');
truncateSync(file, 4 * 2 ** 20);
const device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
after(() => execFileSync('losetup', ['--detach', device]));

testCounting(device);
