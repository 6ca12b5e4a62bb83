import { testLimits } from '../../systems/limits.js';

testLimits();
