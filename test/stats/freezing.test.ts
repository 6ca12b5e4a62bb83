import { ownDirectory } from '../support/own-directory.js';
import { testFreezing } from './freezing.js';

testFreezing(ownDirectory('freezing'));
