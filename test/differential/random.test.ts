import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { compareBackends } from '../../src/compare/comparison.js';
import { type BoxInput, parseBox } from '../../src/index.js';
import { type Holder, startHolder } from './holder.js';
import { assertNothingLeft, ownTemporaryDirectory } from './leftovers.js';
import { type Ground, prepareGround } from './place.js';
import { randomBox } from './random-box.js';

const BOXES = Number(process.env.NSGEN_RANDOM_BOXES ?? 300);
const SEED = Number(process.env.NSGEN_SEED ?? Date.now() % 2 ** 31);
const WORKERS = 2;

describe(`${BOXES} random boxes, NSGEN_SEED=${SEED}`, { concurrency: WORKERS }, () => {
  let ground: Ground;
  let holder: Holder;
  const temporary = ownTemporaryDirectory();
  before(async () => {
    assert.ok(Number.isSafeInteger(BOXES) && BOXES > 0, 'NSGEN_RANDOM_BOXES must be a number of boxes');
    assert.ok(Number.isSafeInteger(SEED), 'NSGEN_SEED must be a number');
    console.log(`NSGEN_SEED=${SEED} NSGEN_RANDOM_BOXES=${BOXES}`);
    ground = prepareGround();
    holder = await startHolder('--uts --ipc --net --cgroup --time --boottime=100 --fork'.split(' '));
  });
  after(async () => {
    await holder.end();
    ground.remove();
    await assertNothingLeft(temporary);
    temporary.remove();
  });

  // Each worker has its own stretch of seeds; the sum of both is the number asked for.
  for (let worker = 0; worker < WORKERS; worker += 1) {
    const share = Math.floor((BOXES + worker) / WORKERS);
    it(`worker ${worker}: ${share} boxes are the same under both backends`, async () => {
      const seen = await checkBoxes(share, SEED + worker, ground, holder);
      assert.ok(seen >= share * 0.7, `the world of ${seen} of ${share} boxes was seen: too few to say anything`);
    });
  }
});

async function checkBoxes(count: number, seed: number, ground: Ground, holder: Holder): Promise<number> {
  const path = (type: string) => `/proc/${holder.pid}/ns/${type}`;
  const joinable = {
    uts: path('uts'),
    ipc: path('ipc'),
    net: path('net'),
    cgroup: path('cgroup'),
    time: path('time'),
  };
  let seen = 0;
  const property = fc.asyncProperty(randomBox({ ...ground, joinable }), async input => {
    if (await assertSameWorld(input)) seen += 1;
  });
  await fc.assert(property, {
    numRuns: count,
    seed,
    includeErrorInReport: true,
    interruptAfterTimeLimit: TIME_LIMIT,
    markInterruptAsFailure: true,
  });
  return seen;
}

const TIME_LIMIT = 20 * 60 * 1000;

/**
 * A mount may cover the place of the next one: such a box starts under neither backend, for the same reason.
 *
 * @returns whether the box started.
 */
async function assertSameWorld(input: BoxInput): Promise<boolean> {
  const { command, world, unseen, same } = await compareBackends(parseBox(input));
  const different = [...command, ...world].filter(part => !part.same);
  const shown = different.map(({ name, ffi, script }) => `${name}\n--- ffi\n${ffi}\n--- script\n${script}`);
  assert.deepEqual(shown, []);
  assert.ok(same, unseen);
  const [status, stdout] = ['exit status', 'stdout'].map(part => command.find(({ name }) => name === part)?.ffi);
  if (unseen !== undefined) {
    assert.match(unseen, /^the box does not start \(status 125\): .* E[A-Z]+ /);
    assert.equal(status, '125\n');
    return false;
  }
  const [, , , expected, ...words] = input.command;
  assert.equal(status, `${expected}\n`);
  assert.equal(stdout, words.length === 0 ? '|' : words.map(word => `${word}|`).join(''));
  return true;
}
