import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { all, ends, type NamedBox, sees, TRUE, worldText } from '../named-box.js';

const SHARED_PIDS = { namespaces: { pid: 'shared' } } as const;
const BYTES = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), randomBytes(1 << 20)]);

/** How a command is found, what it is given, and how it ends. */
export const commandBoxes: readonly NamedBox[] = [
  {
    name: 'environment: odd values, in order',
    box: () => ({
      command: ['env', '-0'],
      env: {
        ZED: 'last first',
        A: '',
        EQUALS: 'a=b=c',
        QUOTES: `'"\`\\`,
        EXPANSION: '$(id)$HOME',
        LINES: 'one\ntwo\r\n\ttab',
        UNICODE: 'ü 日本 \u{1f600}',
        CONTROL: '\u0001\u001b[31m\u007f',
        'a name': 'with a space',
        '$(x)': 'an expansion',
        '-dash': 'a dash',
        LONG: 'x'.repeat(4096),
      },
    }),
    expect: ({ run, world }) => {
      const variables = run.stdout.toString('utf8').split('\0');
      assert.equal(
        variables.slice(2, 8).join('|'),
        `ZED=last first|A=|EQUALS=a=b=c|QUOTES='"\`\\|EXPANSION=$(id)$HOME|LINES=one\ntwo\r\n\ttab`,
      );
      assert.ok(variables.includes('UNICODE=ü 日本 \u{1f600}') && variables.includes('-dash=a dash'));
      assert.match(worldText(world, 'environment'), /^PATH=.*\nHOME=\/root\nZED=last first\nA=\n/);
    },
  },
  {
    name: 'environment: PATH and HOME come in the order given, where they are given',
    box: () => ({ command: ['/usr/bin/env'], env: { X: '1', HOME: '/h', PATH: '/p' } }),
    expect: ends(0, 'X=1\nHOME=/h\nPATH=/p\n'),
  },
  {
    name: 'environment: what bash reads when it starts',
    box: () => ({
      command: ['env'],
      env: {
        BASH_ENV: '/nowhere',
        ENV: '/nowhere',
        IFS: 'x',
        PS4: '$(id)',
        SHELLOPTS: 'noexec',
        BASHOPTS: 'x',
        _: 'me',
        PWD: '/pwd',
        OLDPWD: '/old',
        SHLVL: '9',
        LC_ALL: 'xx',
        'BASH_FUNC_env%%': '() { :; }',
      },
    }),
    expect: ({ run }) => {
      assert.match(
        run.stdout.toString(),
        /^BASH_ENV=\/nowhere\nENV=\/nowhere\nIFS=x\nPS4=\$\(id\)\nSHELLOPTS=noexec\nBASHOPTS=x\n_=me\nPWD=\/pwd\nOLDPWD=\/old\nSHLVL=9\nLC_ALL=xx\nBASH_FUNC_env%%=/m,
      );
    },
  },
  {
    name: 'arguments: odd ones',
    box: () => ({
      command: [
        'printf',
        '%s|',
        '',
        ' ',
        '-n',
        '--',
        '$(id)',
        '`id`',
        "'",
        '"',
        '\\',
        '\n',
        '*',
        'ü',
        '~',
        '{a,b}',
        '!!',
        'a=b',
      ],
    }),
    expect: ends(0, `| |-n|--|$(id)|\`id\`|'|"|\\|\n|*|ü|~|{a,b}|!!|a=b|`),
  },
  {
    name: 'lookup: the second directory of PATH',
    box: ({ directory }) => ({ command: ['plain', 'x y'], env: { PATH: `/nowhere:${directory}/bin:/usr/bin:/bin` } }),
    expect: ({ run }) => assert.match(run.stdout.toString(), /^run by .*\/bin\/plain: x y\n$/),
  },
  {
    name: 'lookup: an empty element of PATH is the working directory',
    box: ({ directory }) => ({ command: ['plain'], cwd: `${directory}/bin`, env: { PATH: ':/usr/bin:/bin' } }),
    expect: ends(0, 'run by plain: \n'),
  },
  {
    name: 'lookup: an empty PATH',
    box: ({ directory }) => ({ command: ['plain'], cwd: `${directory}/bin`, env: { PATH: '' } }),
    expect: ends(0, 'run by plain: \n'),
  },
  {
    name: 'lookup: not found',
    fails: true,
    box: () => ({ command: ['no-such-program'] }),
    expect: ends(127, ''),
  },
  {
    name: 'lookup: no such path',
    fails: true,
    box: () => ({ command: ['/no/such/program'] }),
    expect: ends(127, ''),
  },
  {
    name: 'lookup: not executable',
    fails: true,
    box: ({ directory }) => ({ command: [`${directory}/bin/locked`] }),
    expect: ends(126, ''),
  },
  {
    name: 'lookup: not executable, and found nowhere else',
    fails: true,
    box: ({ directory }) => ({ command: ['locked'], env: { PATH: `${directory}/bin:/usr/bin` } }),
    expect: ends(126, ''),
  },
  {
    name: 'lookup: a directory',
    fails: true,
    box: ({ directory }) => ({ command: [`${directory}/bin`] }),
    expect: ends(126, ''),
  },
  {
    name: 'lookup: below a file',
    fails: true,
    box: () => ({ command: ['/etc/passwd/x'] }),
    expect: ends(126, ''),
  },
  {
    name: 'lookup: not found in the rootfs',
    fails: true,
    box: ({ rootfs }) => ({ command: ['gcc'], rootfs }),
    expect: ends(127, ''),
  },
  {
    name: 'lookup: not found where no second bash runs',
    fails: true,
    box: () => ({ command: ['no-such-program'], loopback: false }),
    expect: ends(127, ''),
  },
  {
    name: 'lookup: not executable where no second bash runs',
    fails: true,
    box: ({ directory }) => ({ command: [`${directory}/bin/locked`], loopback: false }),
    expect: ends(126, ''),
  },
  {
    name: 'a script without #!',
    box: ({ directory }) => ({ command: [`${directory}/bin/plain`, 'a', 'b c'] }),
    expect: ({ run }) => assert.match(run.stdout.toString(), /^run by .*\/bin\/plain: a b c\n$/),
  },
  {
    name: 'a command with = in its name',
    box: ({ directory }) => ({ command: ['a=b', 'x'], env: { PATH: `${directory}/bin:/usr/bin:/bin` } }),
    expect: ends(0, 'named a=b: x\n'),
  },
  {
    name: 'a command with = in its name where no second bash runs',
    box: ({ directory }) => ({
      command: ['a=b', 'x'],
      loopback: false,
      env: { PATH: `${directory}/bin:/usr/bin:/bin` },
    }),
    expect: ends(0, 'named a=b: x\n'),
  },
  {
    name: 'a command with a leading dash',
    box: ({ directory }) => ({ command: ['-dash', '--help'], env: { PATH: `${directory}/bin:/usr/bin:/bin` } }),
    expect: ends(0, 'named -dash: --help\n'),
  },
  {
    name: 'a command with a leading dash where no second bash runs',
    box: ({ directory }) => ({
      command: ['-dash', '--help'],
      loopback: false,
      env: { PATH: `${directory}/bin:/usr/bin:/bin` },
    }),
    expect: ends(0, 'named -dash: --help\n'),
  },
  ...[0, 1, 2, 3, 125, 126, 127, 128, 255].flatMap((status): NamedBox[] => [
    {
      name: `exit status ${status}`,
      withoutWorld: true,
      box: () => ({ command: ['sh', '-c', `exit ${status}`] }),
      expect: ends(status, ''),
    },
    {
      name: `exit status ${status} where no second bash runs`,
      withoutWorld: true,
      box: () => ({ command: ['sh', '-c', `exit ${status}`], loopback: false }),
      expect: ends(status, ''),
    },
  ]),
  ...Object.entries({ HUP: 129, INT: 130, QUIT: 131, KILL: 137, USR1: 138, SEGV: 139, PIPE: 141, TERM: 143 }).map(
    ([signal, status]): NamedBox => ({
      name: `ended by ${signal}`,
      withoutWorld: true,
      caller: 'ulimit -c 0',
      box: () => ({ command: ['sh', '-c', `kill -s ${signal} $$; exit 9`], ...SHARED_PIDS }),
      expect: ends(status, ''),
    }),
  ),
  {
    name: 'what a child was ended by is not what the command was',
    withoutWorld: true,
    box: () => ({ command: ['sh', '-c', 'sh -c "kill -KILL \\$\\$"; exit 4'] }),
    expect: ends(4, ''),
  },
  {
    name: 'stdin to stdout, every byte, a megabyte of them',
    input: BYTES,
    box: () => ({ command: ['cat'] }),
    expect: ({ run }) => assert.ok(run.stdout.equals(BYTES)),
  },
  {
    name: 'stdin to stderr, every byte, a megabyte of them',
    input: BYTES,
    box: () => ({ command: ['sh', '-c', 'cat >&2'] }),
    expect: ({ run }) => assert.ok(run.stderr.equals(BYTES) && run.stdout.length === 0),
  },
  {
    name: 'stdin that is not read to its end',
    input: BYTES,
    box: () => ({ command: ['head', '-c', '10'] }),
    expect: ({ run }) => assert.ok(run.stdout.equals(BYTES.subarray(0, 10))),
  },
  {
    name: 'both outputs, without a newline at the end',
    box: () => ({ command: ['sh', '-c', 'printf out; printf error >&2'] }),
    expect: all(ends(0, 'out'), ({ run }) => assert.equal(run.stderr.toString(), 'error')),
  },
  {
    name: "the words of unshare itself on stderr are the command's",
    withoutWorld: true,
    box: () => ({ command: ['sh', '-c', 'echo "unshare: sigprocmask unblock failed" >&2; exit 1'] }),
    expect: all(ends(1, ''), ({ run }) =>
      assert.match(run.stderr.toString(), /^unshare: sigprocmask unblock failed\n$/),
    ),
  },
  {
    name: 'signals are as a program expects them',
    box: () => ({ command: [...TRUE] }),
    expect: sees('status', /^SigBlk:\t0+$/m, /^SigIgn:\t0+$/m, /^Umask:\t0022$/m),
  },
];
