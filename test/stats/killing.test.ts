import { testKilling } from './killing.js';

testKilling();
