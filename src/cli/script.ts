import { detachedBox } from '../backends/detached.js';
import { caveatsOf, renderScript } from '../backends/script/render.js';
import { checkForeground, checkName } from './box-name.js';
import { write } from './output.js';
import { boxCommand } from './subcommand.js';

const FLAGS = {
  detach: {
    type: 'boolean',
    alias: 'd',
    description: 'the script prints the name of the box, and leaves it to itself',
  },
  name: { type: 'string', valueHint: 'NAME', description: 'the name of the box (see nsgen ps)' },
} as const;

export const scriptCommand = boxCommand(
  'script',
  'write the bash script that runs a command in a box, or the boxes of a pod',
  FLAGS,
  async (given, flags) => {
    const name = flags.one('name');
    const detached = flags.has('detach');
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
