import assert from 'node:assert/strict';
import { execute, nsgen } from './support/cli.js';
import { descendants, hostState } from './support/leftovers.js';

/** The main job, once, on whichever Node runs this file: run, script, and one box by both backends. */

const ps = ['ps', '-eo', 'pid,args'];
const alone = /^\s*PID COMMAND\n\s*1 ps -eo pid,args\n$/;

async function smoke(): Promise<void> {
  const before = hostState();

  const direct = await nsgen(['run', '--', ...ps]);
  assert.deepEqual({ ...direct, stdout: '' }, { status: 0, signal: null, stdout: '', stderr: '' });
  assert.match(direct.stdout, alone);

  const script = await nsgen(['script', '--', ...ps]);
  assert.equal(script.status, 0);
  assert.deepEqual(await execute('bash', [], { input: script.stdout }), direct);

  const compared = await nsgen(['compare', '--hostname', 'smoke', '--', 'hostname']);
  assert.equal(compared.status, 0, compared.stdout + compared.stderr);

  const failing = await nsgen(['run', '--', 'sh', '-c', 'exit 7']);
  assert.equal(failing.status, 7);

  assert.deepEqual(hostState(), before);
  assert.deepEqual(descendants(), []);
  console.log(`smoke on Node ${process.version}: run, script and compare work`);
}

await smoke();
