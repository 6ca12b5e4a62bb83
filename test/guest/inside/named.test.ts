import { testNamed } from '../named.js';

/** What is different for a box where there are no cgroups of version 1. */
testNamed(['cgroup joined', 'the cgroup hierarchies of this host, cgroup namespace new']);
