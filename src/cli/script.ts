import { detachedBox } from '../backends/detached.js';
import { caveatsOf, renderScript } from '../backends/script/render.js';
import { BoxError } from '../box/problem.js';
import { checkForeground, checkName } from './box-name.js';
import { DESCRIPTIONS } from './descriptions.js';
import { write } from './output.js';
import { boxCommand } from './subcommand.js';

const FLAGS = {
  detach: {
    type: 'boolean',
    alias: 'd',
    description: 'the script prints the name of the box, and leaves it to itself',
  },
  name: { type: 'string', valueHint: 'NAME', description: 'the name of the box (see nsgen ps)' },
  pod: { type: 'string', valueHint: 'NAME', description: 'not done: nsgen run --pod, or nsgen script -d -f pod.yaml' },
} as const;

const NO_POD =
  'a pod that runs is one of this host, and a script is for others too: nsgen run --pod NAME --backend script starts the box' +
  ' here, and nsgen script -d -f pod.yaml writes one script for a pod and its boxes';

export const scriptCommand = boxCommand(
  'script',
  DESCRIPTIONS.script,
  FLAGS,
  async (given, flags) => {
    const name = flags.one('name');
    const detached = flags.has('detach');
    if (flags.has('pod')) throw new BoxError([{ field: '--pod', message: NO_POD }]);
    checkName(name);
    if (name !== undefined && !detached) checkForeground(name, given);
    const box = detached ? detachedBox(given) : given;
    const script = renderScript(box, detached || name !== undefined ? { name, foreground: !detached } : undefined);
    for (const line of caveatsOf(box)) write(2, `nsgen: note: ${line}\n`);
    write(1, script);
    return 0;
  },
  async (pod, parsed) => (await import('./pod-file.js')).printPodScript(pod, parsed),
);
