import { existsSync } from 'node:fs';
import { nsgenCgroups } from '../support/cgroups.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { testRefusals } from './refused.js';

const { below } = ownCgroups();

/** Of version 2 there is no cgroup of our own to look below: nsgen-PID-... of a process that has ended is left. */
const ofTheDead = () => nsgenCgroups().filter(path => !existsSync(`/proc/${/nsgen-(\d+)-[^/]*$/.exec(path)?.[1]}`));

testRefusals(() => [...below(), ...ofTheDead(), ...nsgenCgroups([process.pid])]);
