import { join } from 'node:path';
import { ownDirectory } from '../support/own-directory.js';
import { testCounting } from './counting.js';

testCounting(join(ownDirectory('counting'), 'written'));
