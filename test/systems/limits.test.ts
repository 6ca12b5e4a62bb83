import { testLimits } from './limits.js';

// In the cgroups that this host has: of version 1, of both, or of version 2. test/guest/inside has those of version 2.
testLimits();
