import { testFreezing } from '../../stats/freezing.js';
import { ownDirectory } from '../../support/own-directory.js';

testFreezing(ownDirectory('freezing'));
