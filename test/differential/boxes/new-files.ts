import type { BoxInput } from '../../../src/index.js';
import { all, ends, type NamedBox, sees } from '../named-box.js';

type Files = NonNullable<BoxInput['files']>;

/** What shells, printf, echo and here-documents take for something else than text. */
const ODD = [
  "it's\n",
  '-n',
  '%s\\n$(id)`id`',
  '\n\n\n',
  ' \t\u0001\u001b[31m\u007f',
  'é日本😀\ufeff',
  'END\nEND',
  '\\',
  'x',
];
const oddFiles: Files = Object.fromEntries(ODD.map((content, index) => [`/odd/${index}`, content]));

/** Symlinks and files that a box writes into its rootfs. */
export const newFileBoxes: readonly NamedBox[] = [
  {
    name: 'files and symlinks',
    box: ({ rootfs }) => ({
      command: [
        ...['/bin/sh', '-c', 'cat /etc/motd /new/link; stat -c "%F %a %u %n" /etc/motd /new/* /new; readlink /new/odd'],
      ],
      rootfs,
      symlinks: { '/new/link': '../etc/motd', '/new/odd': "-n $(id) 'x'\n", '/new//by/./chain': '/new/link' },
      files: {
        '/etc/motd': 'Welcome\n',
        '/new/empty': '',
        '/new/program': { content: '#!/bin/sh\n', mode: '4755' },
        '/new/private': { content: 'x', mode: '0600' },
        '/new/open': { content: 'x', mode: '666' },
      },
    }),
    expect: ends(
      0,
      `Welcome\nWelcome\n${[
        'regular file 644 0 /etc/motd',
        'directory 755 0 /new/by',
        'regular empty file 644 0 /new/empty',
        'symbolic link 777 0 /new/link',
        'symbolic link 777 0 /new/odd',
        'regular file 666 0 /new/open',
        'regular file 600 0 /new/private',
        'regular file 4755 0 /new/program',
        'directory 755 0 /new',
      ].join('\n')}\n-n $(id) 'x'\n\n`,
    ),
  },
  {
    name: 'files of every kind of text',
    box: ({ rootfs }) => ({ command: ['/bin/cat', ...Object.keys(oddFiles)], rootfs, files: oddFiles }),
    expect: ends(0, ODD.join('')),
  },
  {
    name: 'the largest file',
    box: ({ rootfs }) => ({
      command: ['/bin/stat', '-c', '%s', '/largest'],
      rootfs,
      files: { '/largest': 'é'.repeat(32 * 1024) },
    }),
    expect: ends(0, `${64 * 1024}\n`),
  },
  {
    name: 'files in the place of others, and through symlinks to directories',
    box: ({ rootfs }) => ({
      command: ['/bin/cat', '/mnt/target/one', '/mnt/target/two', '/mnt/target/deep/three'],
      rootfs,
      symlinks: { '/mnt/target/deep/three': '../two', '/absolute/again': 'x', '/twice/again': 'y' },
      files: { '/absolute/one': '1\n', '/a/b/climbing/two': '2\n', '/relative/./one': 'I\n' },
    }),
    expect: ends(0, 'I\n2\n2\n'),
  },
  {
    name: 'files on what the box mounts, in a rootfs of its own user namespace',
    box: ({ rootfs }) => ({
      command: ['/bin/cat', '/tmp/here', '/tmp/deep/there'],
      rootfs,
      namespaces: { user: 'new' },
      mounts: [{ type: 'tmpfs', destination: '/tmp' }],
      symlinks: { '/tmp/deep/there': '/tmp/here' },
      files: { '/tmp/here': 'in memory\n' },
    }),
    expect: all(ends(0, 'in memory\nin memory\n'), sees('mountinfo', /^\/tmp on \/: /m)),
  },
  {
    name: 'files in a chroot without mounts of its own',
    box: ({ rootfs }) => ({
      command: ['/bin/cat', '/chrooted/file'],
      rootfs: { path: rootfs, change: 'chroot' },
      namespaces: { mount: 'shared' },
      symlinks: { '/chrooted/link': 'file' },
      files: { '/chrooted/file': 'text\n' },
    }),
    expect: ends(0, 'text\n'),
  },
  ...(
    [
      ['a file where a directory is', { files: { '/mnt': 'x' } }],
      ['a symlink where a directory is', { symlinks: { '/mnt': 'x' } }],
      ['a file below a file', { files: { '/mnt/file/below': 'x' } }],
      ['a symlink below a file', { symlinks: { '/mnt/file/below': 'x' } }],
      ['a file below a mount that is read-only', { files: { '/tmp/x': 'x' } }],
      ['a file that the file system is too small for', { files: { '/srv/x': 'x'.repeat(64 * 1024) } }],
    ] as const
  ).map(
    ([name, fields]): NamedBox => ({
      name,
      fails: true,
      withoutWorld: true,
      box: ({ rootfs }) => ({
        command: ['/bin/true'],
        rootfs,
        mounts: [
          { type: 'tmpfs', destination: '/tmp', readOnly: true },
          { type: 'tmpfs', destination: '/srv', size: '16k' },
        ],
        ...fields,
      }),
      expect: ends(125, ''),
    }),
  ),
];
