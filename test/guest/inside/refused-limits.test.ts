import { testRefusals } from '../../limits/refused.js';
import { nsgenCgroups } from '../../support/cgroups.js';

testRefusals(() => nsgenCgroups(), ['script']);
