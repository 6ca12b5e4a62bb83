import { EXIT_STATUS } from '../backends/failure.js';
import { compareBackends } from '../compare/comparison.js';
import { asTable } from '../compare/table.js';
import { DESCRIPTIONS } from './descriptions.js';
import { write } from './output.js';
import { boxCommand } from './subcommand.js';

const FLAGS = {
  json: { type: 'boolean', description: 'print JSON' },
} as const;

export const compareCommand = boxCommand('compare', DESCRIPTIONS.compare, FLAGS, async (box, flags) => {
  const comparison = await compareBackends(box);
  write(1, flags.has('json') ? `${JSON.stringify(comparison, undefined, 2)}\n` : asTable(comparison, width()));
  return comparison.same ? EXIT_STATUS.ok : EXIT_STATUS.different;
});

const DEFAULT_WIDTH = 160;

/** Not process.stdout.columns: its first use would make the open file non-blocking, for the box too. */
function width(): number {
  const columns = Number(process.env.COLUMNS);
  return Number.isSafeInteger(columns) && columns > 0 ? columns : DEFAULT_WIDTH;
}
