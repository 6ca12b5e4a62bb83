import assert from 'node:assert/strict';
import { type NamedBox, worldText } from '../named-box.js';

const ODD_NAMES: Readonly<Record<string, string>> = {
  plain: 'inside',
  spaces: '  two  words ',
  quotes: `it's "so"`,
  'an expansion': '$(touch /tmp/nsgen-expanded)`id`$HOME',
  unicode: 'bücher-日本',
  'a leading dash': '-n',
  'a leading double dash': '--help',
  'a backslash': '\\n\\x41',
  'a percent sign': '%s%n',
  'sixty-four bytes': 'x'.repeat(64),
};

/** Host and domain names: each reaches the kernel byte for byte. */
export const nameBoxes: readonly NamedBox[] = [
  ...Object.entries(ODD_NAMES).map(
    ([what, name]): NamedBox => ({
      name: `names: ${what}`,
      box: () => ({ command: ['uname', '-n'], hostname: name, domainname: name }),
      expect: ({ run, world }) => {
        assert.equal(run.stdout.toString('utf8'), `${name}\n`);
        assert.equal(
          worldText(world, 'names').trimEnd(),
          `/proc/sys/kernel/hostname: ${name}\n/proc/sys/kernel/domainname: ${name}\n${name}`.trimEnd(),
        );
      },
    }),
  ),
  {
    name: 'names inside a user namespace',
    box: () => ({ command: ['uname', '-n'], hostname: '-odd $x', domainname: "a 'b'", namespaces: { user: 'new' } }),
    expect: ({ run, world }) => {
      assert.equal(run.stdout.toString('utf8'), '-odd $x\n');
      assert.match(worldText(world, 'names'), /domainname: a 'b'$/m);
    },
  },
];
