import { caveatsOf, renderScript } from '../backends/script/render.js';
import { write } from './output.js';
import { boxCommand } from './subcommand.js';

export const scriptCommand = boxCommand(
  'script',
  'write the bash script that runs a command in a box, or the boxes of a pod',
  {},
  async box => {
    const script = renderScript(box);
    for (const line of caveatsOf(box)) write(2, `nsgen: note: ${line}\n`);
    write(1, script);
    return 0;
  },
  async (pod, parsed) => (await import('./pod-file.js')).printPodScript(pod, parsed),
);
