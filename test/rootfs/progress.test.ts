import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { nsgenPath } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';
import { delay, Session } from '../support/session.js';
import { until } from '../support/until.js';

/** What `nsgen rootfs` shows of its progress. It is stopped half-way, so that it takes longer than a second. */

const directory = ownDirectory('rootfs-progress');
const FILES = 1500;
const many = join(directory, 'many');
mkdirSync(many);
for (let index = 0; index < FILES; index++) writeFileSync(join(many, `file-${index}`), 'x');

const sessions: Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) {
    session.child.kill('SIGKILL');
    await session.ended;
  }
});

/** The time that has to pass, in milliseconds, is the point of it. */
const LONG = 1050;

/** @returns all that it has written. */
async function whenItTakesLong(name: string, open: (line: string) => Session): Promise<string> {
  const rootfs = join(directory, name);
  // It says its number, and has a parent that does not mind that it stops.
  const session = open(
    `bash -c 'echo "pid $$"; exec "$@"' bash ${process.execPath} ${nsgenPath} rootfs ${rootfs} --with ls,${many}; exit $?`,
  );
  sessions.push(session);
  await until(() => existsSync(`${rootfs}/usr`) || existsSync(`${rootfs}/tmp`), 'it has begun');
  const pid = Number(/^pid (\d+)/.exec(session.output)?.[1]);
  process.kill(pid, 'SIGSTOP');
  await delay(LONG);
  process.kill(pid, 'SIGCONT');
  assert.deepEqual(await session.ended, { status: 0, signal: null }, session.output);
  return session.output.replace(/^pid \d+\r?\n/, '');
}

const SUMMARY = /^\/\S+: \d+ files, \d+ bytes\n$/;

test('after a second a terminal has a line that says how far it is, which goes before the result; elsewhere there is none', async () => {
  const [terminal = '', pipe = ''] = await Promise.all([
    whenItTakesLong('terminal', line => new Session('script', ['-qefc', line, '/dev/null'])),
    whenItTakesLong('pipe', line => new Session('sh', ['-c', line])),
  ]);
  const [shown = '', result = '', ...rest] = terminal.split('\r\x1b[K');
  assert.match(shown, /^(?:\rnsgen: \d+ of \d+ files)+$/);
  const counts = [...shown.matchAll(/(\d+) of (\d+)/g)].map(([, done, total]) => ({
    done: Number(done),
    total: Number(total),
  }));
  let before = 0;
  for (const { done, total } of counts) {
    assert.ok(before < done && done <= total && total > FILES && total === counts[0]?.total, shown);
    before = done;
  }
  assert.match(result.replace('\r\n', '\n'), SUMMARY);
  assert.deepEqual(rest, []);
  assert.match(pipe, SUMMARY);
});
