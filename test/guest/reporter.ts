import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';
import { type Told, toLine } from './results.js';

/** A reporter for a test file in a guest: what happened, for the test run outside. */

const file = process.env.NSGEN_TEST_FILE ?? '';

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = [];
  let results = 0;
  for await (const event of source) {
    if (event.type === 'test:start') {
      names.length = event.data.nesting;
      names.push(event.data.name);
    } else if ((event.type === 'test:pass' || event.type === 'test:fail') && isWorthTelling(event)) {
      results++;
      yield toLine(toldOf(event, names));
    }
  }
  yield toLine({ kind: 'end', file, results });
}

type Finished = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>;

/** What holds tests tells nothing that its tests do not tell, unless it fails by itself. */
function isWorthTelling(event: Finished): boolean {
  if (event.type === 'test:fail') return failureType(event.data.details.error) !== 'subtestsFailed';
  return event.data.details.type !== 'suite';
}

const failureType = (error: Error): unknown => 'failureType' in error && error.failureType;

function toldOf({ type, data }: Finished, names: readonly string[]): Told {
  return {
    kind: 'result',
    file,
    path: [...names.slice(0, data.nesting), data.name],
    seconds: data.details.duration_ms / 1000,
    skipped: data.skip !== undefined && data.skip !== false,
    ...(type === 'test:fail' && { failure: inspect(data.details.error.cause ?? data.details.error) }),
  };
}
