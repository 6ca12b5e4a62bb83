import assert from 'node:assert/strict';
import { test } from 'node:test';
import { as, BACKENDS, leavingNothing, nsgenCommand, run, USERS } from './side-by-side.js';

/** docs/systems/unshare-and-pstree.md */
const NAMESPACES = ['--share', 'mount,uts,ipc,net,cgroup'];
const WITH_PROC = ['--share', 'uts,ipc,net,cgroup'];

/**
 * A host that is the same each time: a pid namespace of its own, in which two processes stand still. Without that, its
 * pstree would show whatever else runs on the machine, and nothing could be compared.
 */
const HOST = [
  ...['unshare', '--fork', '--pid', '--mount-proc', '--kill-child', '--', 'bash', '-c'],
  `stand_still() {
     printf %s "$1" >/proc/$BASHPID/comm
     kill -STOP $BASHPID
   }
   stand_still 0-one &
   stand_still 0-two &
   for pid in $(jobs -p); do
     until read -r _ _ state _ </proc/$pid/stat && [[ $state == T ]]; do :; done
   done
   "$@"
   exit $?`,
  'host',
];

/**
 * The last process of the host is whatever started the box: unshare, or node, or node and the script, with threads and
 * children of their own. Of it, only the box is compared.
 */
const withoutLauncher = (tree: string): string => tree.replace(LAUNCHER, '`-LAUNCHER---bash---pstree\n');

const PROCESS = /(?:unshare|bash|node|MainThread|node-MainThread|\d*\*?\[?\{[^}]*\}\]?)/;
const LAUNCHER = new RegExp(`\`-(?:${PROCESS.source}|[ |\`+\\n-])*-bash---pstree\\n(?:${PROCESS.source}|[ |\`\\n-])*$`);

for (const user of USERS) {
  const mapped = user === 'root' ? [] : ['--user', '--map-root-user'];
  const unshare = (...flags: string[]) => as(user, ['unshare', '-fp', ...mapped, ...flags, '/bin/bash']);

  for (const backend of BACKENDS) {
    const box = (...flags: string[]) => nsgenCommand(user, ['run', '--backend', backend, ...flags, '/bin/bash']);

    test(`${user}, ${backend}: without a /proc of its own, a box shows the processes of the host`, () =>
      leavingNothing(async () => {
        const input = 'pstree\nexit 3\n';
        const literal = await run([...HOST, ...unshare()], input);
        assert.equal(withoutLauncher(literal.stdout), 'bash-+-0-one\n     |-0-two\n     `-LAUNCHER---bash---pstree\n');
        assert.deepEqual([literal.status, literal.stderr], [3, '']);
        for (const flags of [['--no-proc'], NAMESPACES]) {
          const boxed = await run([...HOST, ...box(...flags)], input);
          assert.deepEqual(
            { ...boxed, stdout: withoutLauncher(boxed.stdout) },
            {
              ...literal,
              stdout: withoutLauncher(literal.stdout),
            },
          );
        }
      }));

    test(`${user}, ${backend}: with one, it shows itself alone`, () =>
      leavingNothing(async () => {
        const input = 'pstree\nexit 3\n';
        const literal = await run(unshare('--mount-proc'), input);
        assert.deepEqual([literal.status, literal.stdout, literal.stderr], [3, 'bash---pstree\n', '']);
        for (const flags of [[], ['--proc'], WITH_PROC]) assert.deepEqual(await run(box(...flags), input), literal);
      }));

    test(`${user}, ${backend}: the shell is pid 1 in either case, and only /proc says otherwise`, () =>
      leavingNothing(async () => {
        const input = 'echo $$\nread -r pid _ </proc/self/stat; [[ $pid == $$ ]] && echo same || echo other\n';
        const without = await run(unshare(), input);
        assert.equal(without.stdout, '1\nother\n');
        assert.deepEqual(await run(box('--no-proc'), input), without);
        const own = await run(unshare('--mount-proc'), input);
        assert.equal(own.stdout, '1\nsame\n');
        assert.deepEqual(await run(box(), input), own);
      }));
  }
}
