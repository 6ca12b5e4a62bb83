import { testNamed } from '../named.js';

/** clone3 into a cgroup, and the kernel that ends who takes more than the limit. */
testNamed(['limits: killed for its memory']);
