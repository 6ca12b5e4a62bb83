import { basename } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';
import { type Told, toLine } from './results.js';

/** A reporter for `node --test` in a guest: what happened, for the test run outside. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = [];
  let results = 0;
  for await (const event of source) {
    if (event.type === 'test:start') {
      names.length = event.data.nesting;
      names.push(event.data.name);
    } else if (event.type === 'test:stdout' || event.type === 'test:stderr') {
      yield toLine({ kind: 'output', text: event.data.message });
    } else if ((event.type === 'test:pass' || event.type === 'test:fail') && isWorthTelling(event)) {
      results++;
      yield toLine(toldOf(event, names));
    }
  }
  yield toLine({ kind: 'end', results });
}

type Finished = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>;

/** What holds tests tells nothing that its tests do not tell, unless it fails by itself. */
function isWorthTelling(event: Finished): boolean {
  if (event.type === 'test:fail') return failureType(event.data.details.error) !== 'subtestsFailed';
  return event.data.details.type !== 'suite' && event.data.name !== event.data.file;
}

const failureType = (error: Error): unknown => 'failureType' in error && error.failureType;

function toldOf({ type, data }: Finished, names: readonly string[]): Told {
  return {
    kind: 'result',
    file: basename(data.file ?? data.name),
    path: [...names.slice(0, data.nesting), data.name],
    seconds: data.details.duration_ms / 1000,
    skipped: data.skip !== undefined && data.skip !== false,
    ...(type === 'test:fail' && { failure: inspect(data.details.error.cause ?? data.details.error) }),
  };
}
