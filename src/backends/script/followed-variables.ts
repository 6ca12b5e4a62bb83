/**
 * Besides LD_*, what a C library drops from the environment of a set-user-ID program (glibc: unsecvars.h, environ of
 * ld.so(8); musl: MUSL_LOCPATH) because it loads code or opens files by it. TMPDIR, RES_OPTIONS and LOCALDOMAIN, which glibc
 * drops too, name no file that the programs here would open: what images set is left to them wherever that can be.
 */
const FOLLOWED: readonly string[] = [
  'GCONV_PATH',
  'GETCONF_DIR',
  'GLIBC_TUNABLES',
  'HOSTALIASES',
  'LOCPATH',
  'MALLOC_TRACE',
  'MUSL_LOCPATH',
  'NLSPATH',
  'RESOLV_HOST_CONF',
  'TZDIR',
];

/** With a `/` in it, gettext(3) leaves its own directories: whoever wrote the messages there writes the formats of printf(3). */
const isLocale = (name: string): boolean => name === 'LANG' || name === 'LANGUAGE' || name.startsWith('LC_');

/**
 * Variables by which a program loads code, or opens files, before it does anything else. They are the command's: the
 * programs of the host that start it must not follow them outside the box.
 */
export const followedVariables = (env: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(env)
    .filter(
      ([name, value]) => name.startsWith('LD_') || FOLLOWED.includes(name) || (isLocale(name) && value.includes('/')),
    )
    .map(([name]) => name);
