import { write } from './output.js';
import { boxCommand } from './subcommand.js';

export const compareCommand = boxCommand(
  'compare',
  'run a command in a box by both backends, side by side',
  {},
  async () => {
    write(2, 'todo\n');
    return 1;
  },
);
