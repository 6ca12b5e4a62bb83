import type { BoxInput } from '../../../src/index.js';
import { all, ends, misses, type NamedBox, type Place, sees } from '../named-box.js';

/** A root of nothing but an overlay, as the box has it; no path of the host is in it. */
const overlayRoot = (options: string): ((seen: Parameters<NamedBox['expect']>[0]) => void) =>
  all(
    sees('mountinfo', new RegExp(`^/ on nothing visible: 0:\\* / rw,relatime - overlay overlay rw,${options}`, 'm')),
    misses('mountinfo', /nsgen|layers|differential/),
  );

/** Layers with names that mount(8), mount(2), libmount and a shell would each make something else of. */
const ODD = ['a:b', 'c,d=e', 'back\\slash\\', ' spaces ', '-dash', 'new\nline', `quotes"'`, '$(id)*', 'é\u0001', '\\,'];

const layers = (names: readonly string[]): string =>
  names
    .map(
      name =>
        `mkdir -p -- "$GROUND/layers/"${bash(name)} && echo of ${bash(name)} >"$GROUND/layers/"${bash(name)}/file`,
    )
    .join('\n');
const bash = (text: string): string => `$'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`;
const layer = ({ directory }: Place, name: string): string => `${directory}/layers/${name}`;

const CHANGES = 'cat mnt/file; rm mnt/file; rm -r a; mkdir a; echo fresh >fresh; cat fresh; ls -A a mnt';
const shell = (script: string): BoxInput['command'] => ['/bin/bash', '-c', script];

/** Each column finds the upper layer as the first did: what one box leaves there is not for the next. */
const anew = (name: string): string => `rm -rf -- "$GROUND/"${bash(name)}{,.work}`;

function keptRow(name: string, options: Partial<BoxInput>, expected: string): NamedBox {
  const upper = name.replaceAll(' ', '-');
  return {
    name,
    caller: anew(upper),
    box: ({ rootfs, directory }) => ({
      command: shell('rm mnt/file; echo kept >fresh; cat fresh; [[ -e mnt/file ]]'),
      rootfs,
      overlay: { upper: `${directory}/${upper}` },
      ...options,
    }),
    expect: all(ends(1, 'kept\n'), overlayRoot(expected)),
  };
}

/** One name with all of them is where the overlay is mounted. */
function oddRow(name: string, namespaces: NonNullable<BoxInput['namespaces']>): NamedBox {
  const names = [ODD.join(''), ...ODD];
  const upper = `${namespaces.user ?? 'up'}${ODD.join('')}`;
  return {
    name,
    caller: `${layers(names)}\n${anew(`layers/${upper}`)}`,
    box: place => ({
      command: shell('cat file; echo kept >file; cat file'),
      overlay: { lower: [...names.map(other => layer(place, other)), place.rootfs], upper: layer(place, upper) },
      namespaces,
    }),
    expect: all(
      ends(0, `of ${ODD.join('')}\nkept\n`),
      overlayRoot('lowerdir=0:1:2:3:4:5:6:7:8:9:10:11,upperdir=upper,'),
    ),
  };
}

/** Overlays: what is below stays, and neither backend shows the box where it is. */
export const overlayBoxes: readonly NamedBox[] = [
  {
    name: 'overlay, thrown away',
    box: ({ rootfs }) => ({ command: shell(CHANGES), rootfs, overlay: true }),
    expect: all(({ run }) => sawChanges(run.stdout.toString()), overlayRoot('lowerdir=0,upperdir=upper,workdir=work')),
  },
  {
    name: 'overlay, thrown away, in a user namespace',
    box: ({ rootfs }) => ({ command: shell(CHANGES), rootfs, overlay: true, namespaces: { user: 'new' } }),
    expect: all(({ run }) => sawChanges(run.stdout.toString()), overlayRoot('.*,userxattr')),
  },
  {
    name: 'overlay, thrown away, of at most a megabyte',
    box: ({ rootfs }) => ({
      command: shell('for ((i = 0; i < 300; i++)); do printf %8192s; done >big'),
      rootfs,
      overlay: { size: '1m' },
    }),
    expect: ({ run }) => {
      if (!/No space left on device/.test(run.stderr.toString()) || run.exitStatus === 0) throw new Error('no limit');
    },
  },
  keptRow('overlay, kept', {}, 'lowerdir=0,upperdir=upper,workdir=work'),
  keptRow('overlay, kept, in a user namespace', { namespaces: { user: 'new' } }, '.*,userxattr'),
  keptRow('overlay, kept, propagation slave', { propagation: 'slave' }, 'lowerdir=0,'),
  keptRow(
    'overlay, kept, nothing else new',
    {
      namespaces: { pid: 'shared', uts: 'shared', ipc: 'shared', net: 'shared', cgroup: 'shared' },
    },
    'lowerdir=0,',
  ),
  {
    name: 'overlay in the user namespace of the caller',
    caller: 'set -- unshare --user --map-root-user -- "$@"',
    box: ({ rootfs }) => ({ command: shell('rm -r a && mkdir a && ls -A a'), rootfs, overlay: true }),
    expect: all(ends(0, ''), overlayRoot('.*,userxattr')),
  },
  {
    name: 'overlay in a user namespace that is joined',
    holder: ['--user', '--map-root-user'],
    box: ({ rootfs, joined }) => ({
      command: shell('rm -r a && mkdir a && ls -A a'),
      rootfs,
      overlay: true,
      namespaces: { user: joined('user') },
    }),
    expect: all(ends(0, ''), overlayRoot('.*,userxattr')),
  },
  {
    name: 'overlay of several layers without a rootfs, the topmost first',
    caller: `${layers(['one', 'two'])}; echo two >"$GROUND/layers/two/below"`,
    box: place => ({
      command: shell('cat file below; ls -d bin'),
      overlay: { lower: [layer(place, 'one'), layer(place, 'two'), place.rootfs] },
    }),
    expect: all(ends(0, 'of one\ntwo\nbin\n'), overlayRoot('lowerdir=0:1:2,upperdir=upper,workdir=work')),
  },
  {
    name: 'overlay of a hundred layers',
    caller: 'mkdir -p "$GROUND"/layers/many/{0..99} && echo first >"$GROUND/layers/many/0/file"',
    box: place => ({
      command: shell('cat file; echo new >file; cat file'),
      rootfs: place.rootfs,
      overlay: { lower: Array.from({ length: 100 }, (_, index) => layer(place, `many/${index}`)) },
    }),
    expect: all(ends(0, 'first\nnew\n'), overlayRoot('lowerdir=0:1:.*:100,')),
  },
  {
    name: 'overlay, with mounts, a working directory and a name',
    box: ({ rootfs, directory }) => ({
      command: shell('pwd; cat ../srv/file; echo x >/made/by/x && cat /made/by/x; uname -n'),
      rootfs,
      overlay: true,
      hostname: 'over',
      cwd: '/work dir',
      mounts: [
        { type: 'bind', source: `${directory}/source`, destination: '/srv', readOnly: true },
        { type: 'tmpfs', destination: '/made/by' },
      ],
    }),
    expect: ends(0, '/work dir\nof the host\nx\nover\n'),
  },
  oddRow('overlay with odd paths', {}),
  oddRow('overlay with odd paths in a user namespace', { user: 'new' }),
];

function sawChanges(stdout: string): void {
  if (!/^of the rootfs\nfresh\na:\n\nmnt:\ntarget\n$/.test(stdout)) throw new Error(`not the changes: ${stdout}`);
}
