import { all, ends, type NamedBox, sees } from '../named-box.js';
import { PROGRAMS } from '../place.js';

/** Roots that are made of the host's programs, for one box. */
export const programBoxes: readonly NamedBox[] = [
  {
    name: 'programs of the host',
    box: () => ({ command: ['ps', '-ef'], rootfs: { from: PROGRAMS } }),
    expect: all(
      ends(0),
      sees(
        'mountinfo',
        /^\/ on nothing visible: 0:\* \/ rw,nosuid,nodev,relatime - tmpfs tmpfs rw,mode=755$/m,
        /^\/proc on \/: 0:\* \/ rw,nosuid,nodev,noexec,relatime - proc proc rw$/m,
      ),
      sees('directories', /^cwd: \/\nroot: \/\nexe: \/usr\/bin\/(?:sh|dash|bash)$/m),
    ),
  },
  {
    name: 'programs of the host, with a user namespace, mounts and a directory of its own',
    box: ({ directory }) => ({
      command: ['sh', '-c', 'pwd; cat file; ls /usr/bin | wc -l'],
      rootfs: { from: [...PROGRAMS, 'wc', '/etc/hostname'] },
      namespaces: { user: 'new' },
      mounts: [
        { type: 'bind', source: `${directory}/source`, destination: '/mnt/made/here', readOnly: true },
        { type: 'tmpfs', destination: '/run', mode: '700' },
      ],
      cwd: '/mnt/made/here',
    }),
    expect: all(ends(0), ({ run }) => {
      if (!/^\/mnt\/made\/here\nof the host\n\d+\n$/.test(run.stdout.toString()))
        throw new Error(run.stdout.toString());
    }),
  },
  {
    name: 'programs of the host, looked up in the PATH of the box',
    box: ({ directory }) => ({
      command: ['a=b', 'word'],
      env: { PATH: `relative::${directory}/bin:/usr/bin:/bin` },
      rootfs: { from: ['a=b', '-dash', ...PROGRAMS] },
    }),
    expect: ends(0, 'named a=b: word\n'),
  },
  {
    name: 'programs of the host, propagation slave, no /proc',
    box: () => ({ command: ['ls', '/', '/proc'], rootfs: { from: PROGRAMS }, propagation: 'slave', proc: false }),
    expect: all(ends(0), sees('self', /in \/proc not visible/)),
  },
  {
    name: 'programs of the host, one of which is not there',
    fails: true,
    withoutWorld: true,
    box: () => ({ command: ['ls'], rootfs: { from: ['ls', 'nsgen-nonexistent'] } }),
    expect: ends(2, ''),
  },
  {
    name: 'programs of the host, but not the command',
    fails: true,
    withoutWorld: true,
    box: () => ({ command: ['ls'], rootfs: { from: ['bash'] } }),
    expect: ends(127, ''),
  },
];
