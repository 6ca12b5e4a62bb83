import * as v from 'valibot';
import { check, fields, mountPoint, path, text, timeout } from './fields.js';
import { filesSchema, mount, symlinksSchema } from './mount-schema.js';
import { overlay } from './overlay-schema.js';
import { resources } from './resources-schema.js';
import {
  cgroupProblem,
  environmentNameProblem,
  isAbsolutePath,
  isMapping,
  isNamespacePath,
  pathProblem,
  programProblem,
  textProblem,
  utsNameProblem,
} from './values.js';

/**
 * The schema of a box as people write it. The rules that join several fields are in rules.ts, the defaults in
 * box.ts. The published JSON Schema (generated/box.schema.json) is made from this file, descriptions included.
 */

const utsName = v.pipe(v.string(), v.metadata({ minLength: 1, maxLength: 64 }), check(utsNameProblem));

const joined = v.pipe(
  v.string(),
  v.metadata({ pattern: '^/' }),
  check(value =>
    value.startsWith('/') ? pathProblem(value) : 'must be "new", "shared", or the absolute path of a namespace to join',
  ),
  v.guard(isNamespacePath),
);
const choice = v.union([v.literal('new'), v.literal('shared'), joined]);
const userChoice = v.union([v.literal('auto'), v.literal('new'), v.literal('shared'), joined]);
const namespace = (description: string) => v.optional(v.pipe(choice, v.description(description)));

/** The kernel's clocks end at 2^63 nanoseconds: KTIME_SEC_MAX in linux/ktime.h. */
const MOST_SECONDS = 9_000_000_000;

const seconds = v.pipe(
  v.number(),
  v.integer('must be a whole number of seconds'),
  v.minValue(-MOST_SECONDS, 'must be at least -9000000000'),
  v.maxValue(MOST_SECONDS, 'must be at most 9000000000'),
);

export const ROOT_CHANGES = ['pivot_root', 'chroot'] as const;
export const PROPAGATIONS = ['private', 'slave', 'shared', 'unchanged'] as const;

/** Own checks instead of v.record, which passes over the keys `constructor`, `prototype` and `__proto__` in silence. */
function mappingOf<Value>(entryProblem: (name: string, value: unknown) => string | undefined) {
  return v.pipe(
    v.custom<Readonly<Record<string, Value>>>(isMapping, 'must be a mapping of names to values'),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      for (const [key, value] of Object.entries<unknown>(dataset.value)) {
        const message = entryProblem(key, value);
        if (message === undefined) continue;
        addIssue({ message, path: [{ type: 'object', origin: 'value', input: { ...dataset.value }, key, value }] });
      }
    }),
  );
}

const stringProblem = (value: unknown): string | undefined =>
  typeof value === 'string' ? textProblem(value) : 'must be a string (quote numbers, true and false)';

const DEFAULT_VARIABLES = ['PATH', 'HOME', 'TERM'] as const;
export type DefaultVariable = (typeof DEFAULT_VARIABLES)[number];
const hasDefault = (name: string): boolean => DEFAULT_VARIABLES.some(variable => variable === name);

const environment = mappingOf<string | null>(
  (name, value) =>
    environmentNameProblem(name) ?? (value === null && hasDefault(name) ? undefined : stringProblem(value)),
);
const annotations = mappingOf<string>((name, value) =>
  name === '' ? 'the name of an annotation must not be empty' : (textProblem(name) ?? stringProblem(value)),
);

const choiceOf = (description: string) => v.optional(v.pipe(v.boolean(), v.description(description)));

export const boxSchema = fields({
  $schema: v.optional(v.pipe(text, v.description('The address of this schema, for editors. Nothing reads it.'))),
  command: v.pipe(
    v.array(text),
    v.minLength(1, 'must name a program to run'),
    v.check(([program]) => program !== '', 'the program (the first word) must not be empty'),
    v.description('The program and its arguments. A name without "/" is looked up in the PATH of the box.'),
  ),
  env: v.optional(
    v.pipe(
      environment,
      v.description(
        'The environment, whole: nothing of the caller is inherited. PATH, HOME and, with a terminal, TERM have defaults, which null takes away.',
      ),
    ),
  ),
  cwd: v.optional(
    v.pipe(path, v.description('The working directory; "/" with a rootfs, else where nsgen is started.')),
  ),
  hostname: v.optional(v.pipe(utsName, v.description('The host name inside. Needs a uts namespace of its own.'))),
  domainname: v.optional(
    v.pipe(utsName, v.description('The NIS domain name inside. Needs a uts namespace of its own.')),
  ),
  namespaces: v.optional(
    v.pipe(
      fields({
        pid: namespace('Process ids: the command is pid 1.'),
        mount: namespace('The table of mounts.'),
        uts: namespace('Host and domain name.'),
        ipc: namespace('System V IPC and POSIX message queues.'),
        net: namespace('Network devices, addresses, ports.'),
        cgroup: namespace('The root of the cgroup tree as seen inside.'),
        time: namespace('Offsets of the monotonic and boot-time clocks; shared unless asked for.'),
        user: v.optional(
          v.pipe(
            userChoice,
            v.description('User and group ids: root inside is the caller outside. "auto": only for an ordinary user.'),
          ),
        ),
      }),
      v.description('Each is "new", "shared" with the caller, or the path of a namespace to join (/proc/PID/ns/...).'),
    ),
  ),
  timeOffsets: v.optional(
    v.pipe(
      fields({ monotonic: v.optional(seconds), boottime: v.optional(seconds) }),
      v.description('Seconds added to CLOCK_MONOTONIC and CLOCK_BOOTTIME inside. Needs a time namespace of its own.'),
    ),
  ),
  propagation: v.optional(
    v.pipe(
      v.picklist(PROPAGATIONS),
      v.description(
        'Whether mounts made later travel between the box and the host: mount_namespaces(7). private unless given.',
      ),
    ),
  ),
  proc: v.optional(
    v.pipe(
      v.boolean(),
      v.description('Whether a fresh /proc is mounted. Without one, /proc shows the processes of the host.'),
    ),
  ),
  rootfs: v.optional(
    v.pipe(
      v.union([
        path,
        v.pipe(
          fields({
            path: v.optional(v.pipe(path, v.description('A directory of the host.'))),
            from: v.optional(
              v.pipe(
                v.array(v.pipe(v.string(), check(programProblem))),
                v.minLength(1, 'must name a program'),
                v.description(
                  "Instead of a directory, the host's own programs (names, looked up in the PATH of the box, or absolute paths of files and directories) with what they need, in memory, for this box alone.",
                ),
              ),
            ),
            change: v.optional(
              v.pipe(
                v.picklist(ROOT_CHANGES),
                v.description(
                  'pivot_root leaves nothing of the old root in the box; chroot only changes where "/" is.',
                ),
              ),
            ),
            readOnly: v.optional(
              v.pipe(
                v.boolean(),
                v.description(
                  'The root mount is read-only, and so is what is mounted below it on the host; mounts of the box are as they say.',
                ),
              ),
            ),
          }),
          v.metadata({ oneOf: [{ required: ['path'] }, { required: ['from'] }] }),
        ),
      ]),
      v.description('The directory that is "/" inside; without it, the root of the host.'),
    ),
  ),
  overlay: v.optional(
    v.pipe(
      v.union([v.boolean(), overlay]),
      v.description(
        'Lays a writable directory over the rootfs, which stays as it is: overlayfs. true: thrown away with the box.',
      ),
    ),
  ),
  dev: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        'Whether the box has a /dev of its own: null, zero, full, random, urandom, tty, ptmx, pts, shm, fd, stdin, stdout, stderr. True with a rootfs entered by pivot_root, unless given.',
      ),
    ),
  ),
  privileged: v.optional(
    v.pipe(
      v.boolean(),
      v.description('True: maskedPaths and readonlyPaths are empty unless given. Nothing else depends on it.'),
    ),
  ),
  mounts: v.optional(
    v.pipe(v.array(mount), v.description('What is mounted, in this order. Needs a mount namespace of its own.')),
  ),
  symlinks: v.optional(
    v.pipe(
      symlinksSchema,
      v.description('Symbolic links made in the rootfs after the mounts, each with what it points to. Needs a rootfs.'),
    ),
  ),
  files: v.optional(
    v.pipe(
      filesSchema,
      v.description(
        'Small files written into the rootfs after the mounts: their text, or content and mode. Needs a rootfs.',
      ),
    ),
  ),
  maskedPaths: v.optional(
    v.pipe(
      v.array(mountPoint),
      v.description(
        'Covered: a directory by an empty one, a file by the null device; what is missing is passed over. With a rootfs entered by pivot_root, those of the OCI runtimes unless given.',
      ),
    ),
  ),
  readonlyPaths: v.optional(
    v.pipe(
      v.array(mountPoint),
      v.description(
        'Made read-only, with the mounts below; what is missing is passed over. With a rootfs entered by pivot_root, those of the OCI runtimes unless given.',
      ),
    ),
  ),
  loopback: v.optional(
    v.pipe(
      v.boolean(),
      v.description('Whether the loopback interface of a new net namespace is brought up; true unless given.'),
    ),
  ),
  resources: v.optional(
    v.pipe(
      resources,
      v.description(
        'What the box may use at most, as in the OCI runtime specification. Each needs its cgroup controller.',
      ),
    ),
  ),
  accounting: choiceOf(
    'Whether what the box uses is counted, in a cgroup of its own: memory, cpu, pids, io. False unless given.',
  ),
  freezer: choiceOf('Whether all of the box can be stopped at once, by the cgroup freezer. False unless given.'),
  terminal: choiceOf(
    'Whether the command has a terminal of its own, on /dev/pts/0 and /dev/console. Needs a mount namespace of its own. False unless given.',
  ),
  cgroupParent: v.optional(
    v.pipe(
      v.string(),
      v.metadata({ pattern: '^/' }),
      check(cgroupProblem),
      v.guard(isAbsolutePath),
      v.description(
        'The cgroup, from the root of each hierarchy on, in which that of the box is made: it must exist. Else the nearest that can have it.',
      ),
    ),
  ),
  init: v.optional(
    v.pipe(
      v.union([v.boolean(), path]),
      v.description(
        "True: pid 1 is an init of nsgen's own, which passes signals to the command and reaps orphans. A path: the program of the host that does.",
      ),
    ),
  ),
  stopTimeout: v.optional(
    v.pipe(
      timeout,
      v.description(
        'Seconds after SIGTERM in which the box has to end, before it is killed (SIGKILL); 10 unless given.',
      ),
    ),
  ),
  annotations: v.optional(
    v.pipe(annotations, v.description('Names and values for others to read: they are shown, and change nothing.')),
  ),
});

/** A box as people write it, in YAML, JSON or TypeScript. */
export type BoxInput = v.InferInput<typeof boxSchema>;

/** A box whose every field has been checked by itself. */
export type CheckedBox = v.InferOutput<typeof boxSchema>;
