import { renderScript } from '../backends/script/render.js';
import { write } from './output.js';
import { boxCommand } from './subcommand.js';

export const scriptCommand = boxCommand(
  'script',
  'write the bash script that runs a command in a box',
  {},
  async box => {
    write(1, renderScript(box));
    return 0;
  },
);
