import { describePlan, type PlannedOperation } from '../backends/describe-plan.js';
import { DESCRIPTIONS } from './descriptions.js';
import { write } from './output.js';
import { boxCommand } from './subcommand.js';

const FLAGS = { json: { type: 'boolean', description: 'print JSON' } } as const;

export const planCommand = boxCommand('plan', DESCRIPTIONS.plan, FLAGS, async (box, flags) => {
  const operations = describePlan(box);
  write(1, flags.has('json') ? `${JSON.stringify(operations, undefined, 2)}\n` : operations.map(asText).join('\n'));
  return 0;
});

function asText({ operation, description, systemCalls, bash }: PlannedOperation, index: number): string {
  const calls = shortened(folded(systemCalls)).map(call => `     ${call}\n`);
  const lines = bash === '' ? [] : bash.split('\n').map(line => `   $ ${line}\n`);
  return [`${index + 1}. ${operation}: ${description}\n`, ...calls, ...lines].join('');
}

/** A hundred files are copied by the same calls as the first few. */
function shortened(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_LINES) return lines;
  const left = lines.length - SHOWN_LINES - 1;
  return [...lines.slice(0, SHOWN_LINES), `... ${left} more`, ...lines.slice(-1)];
}

const MOST_LINES = 150;
const SHOWN_LINES = 60;

/** Sixty calls that differ in one number are one line for the eye; --json has them all. */
function folded(calls: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (let index = 0; index < calls.length; ) {
    const call = calls[index] ?? '';
    const name = call.slice(0, call.indexOf('('));
    const next = calls.findIndex((other, place) => place > index && !other.startsWith(`${name}(`));
    const end = next < 0 ? calls.length : next;
    const shown =
      end - index > 8 ? [call, `... ${end - index - 2} more`, calls[end - 1] ?? ''] : calls.slice(index, end);
    lines.push(...shown);
    index = end;
  }
  return lines;
}
