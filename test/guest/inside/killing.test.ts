import { testKilling } from '../../stats/killing.js';

testKilling();
