import * as v from 'valibot';
import { fields, mountPoint, path } from './fields.js';
import {
  contentProblem,
  FILE_MODE,
  isMapping,
  linkTargetProblem,
  newFileProblem,
  TMPFS_INODES,
  TMPFS_SIZE,
} from './values.js';

/** What a box mounts, and the small files and links that it is given, as people write them. */

/** As the OCI runtime specification names them, and mount(8): the r stands for all mounts below as well. */
export const MOUNT_PROPAGATIONS = [
  ...(['private', 'slave', 'shared', 'unbindable'] as const),
  ...(['rprivate', 'rslave', 'rshared', 'runbindable'] as const),
] as const;

const flag = (description: string) => v.optional(v.pipe(v.boolean(), v.description(description)));

/** mount(8), the options that any file system takes. */
const restrictions = {
  readOnly: flag('Nothing can be written through it; true of mounts below it too.'),
  nosuid: flag('Set-user-ID bits and file capabilities have no effect in it.'),
  nodev: flag('Device nodes in it cannot be opened.'),
  noexec: flag('Programs in it cannot be executed.'),
};

const destination = v.pipe(
  mountPoint,
  v.description('Where it is mounted. In a rootfs a missing place is made; on the host it must exist.'),
);

const octal = (description: string) =>
  v.optional(
    v.pipe(
      v.string(),
      v.regex(FILE_MODE, 'must be permission bits in octal, as a string: "755" or "1777"'),
      v.description(description),
    ),
  );

/** The kernel's ids end one before (uid_t)-1, which means none. */
const HIGHEST_ID = 2 ** 32 - 2;

const id = v.pipe(
  v.number(),
  v.integer('must be a whole number'),
  v.minValue(0, 'must not be negative'),
  v.maxValue(HIGHEST_ID, `must be at most ${HIGHEST_ID}`),
);

const idMappings = v.pipe(
  v.array(fields({ containerID: id, hostID: id, size: v.pipe(id, v.minValue(1, 'must be at least 1')) })),
  v.minLength(1, 'must have a range'),
  // UID_GID_MAP_MAX_EXTENTS of linux/user_namespace.h.
  v.maxLength(340, 'must have at most 340 ranges'),
);

const bind = fields({
  type: v.literal('bind'),
  source: v.pipe(path, v.description('What is shown in the box: a directory or a file of the host.')),
  destination,
  ...restrictions,
  recursive: flag('Whether what is mounted below the source is shown too; true unless given (rbind, not bind).'),
  propagation: v.optional(
    v.pipe(
      v.picklist(MOUNT_PROPAGATIONS),
      v.description('Whether mounts made below it travel: mount_namespaces(7). As the whole box has it unless given.'),
    ),
  ),
  uidMappings: v.optional(
    v.pipe(
      idMappings,
      v.description('Files of containerID in the source belong to hostID here: mount_setattr(2), IDMAP.'),
    ),
  ),
  gidMappings: v.optional(v.pipe(idMappings, v.description('The same of groups. Both are given, or neither.'))),
});

const tmpfs = fields({
  type: v.literal('tmpfs'),
  destination,
  ...restrictions,
  size: v.optional(
    v.pipe(
      v.string(),
      v.regex(TMPFS_SIZE, 'must be a size as tmpfs(5) takes it: "16m", "1g", "50%"'),
      v.description('Its limit: bytes with k, m or g, or a percentage of memory.'),
    ),
  ),
  nr_inodes: v.optional(
    v.pipe(
      v.string(),
      v.regex(TMPFS_INODES, 'must be a number as tmpfs(5) takes it: "1000", "10k"'),
      v.description('How many files it can hold: a number, with k, m or g.'),
    ),
  ),
  mode: octal('The permissions of its root directory, octal; 1777 unless given.'),
});

const plain = <const Type extends string>(type: Type) =>
  fields({ type: v.literal(type), destination, ...restrictions });

const devpts = fields({
  type: v.literal('devpts'),
  destination,
  ...restrictions,
  mode: octal('The permissions of a new terminal, octal; 620 unless given.'),
  ptmxmode: octal('The permissions of its node ptmx, octal; 666 unless given.'),
  gid: v.optional(v.pipe(id, v.description("The group of a new terminal; its opener's unless given."))),
});

export const mount = v.variant('type', [
  bind,
  tmpfs,
  plain('proc'),
  plain('sysfs'),
  plain('mqueue'),
  devpts,
  plain('cgroup'),
]);

export type CheckedMount = v.InferOutput<typeof mount>;

/** Mappings whose keys are paths: v.record passes over some keys in silence. */
function byPath<Value>(what: string, problem: (value: unknown) => EntryProblem | undefined) {
  return v.pipe(
    v.custom<Readonly<Record<string, Value>>>(isMapping, `must be a mapping of paths to ${what}`),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const input: Record<string, unknown> = { ...dataset.value };
      for (const [key, value] of Object.entries<unknown>(dataset.value)) {
        const wrongKey = newFileProblem(key);
        const found = wrongKey === undefined ? problem(value) : { message: wrongKey };
        if (found === undefined) continue;
        const item = { type: 'object', origin: 'value', input, key, value } as const;
        const inner = isMapping(value) ? value : {};
        const below =
          found.key === undefined
            ? []
            : [
                {
                  type: 'object',
                  origin: 'value',
                  input: { ...inner },
                  key: found.key,
                  value: inner[found.key],
                } as const,
              ];
        addIssue({ message: found.message, path: [item, ...below] });
      }
    }),
  );
}

interface EntryProblem {
  readonly message: string;
  /** The field of the entry. */
  readonly key?: string;
}

export const symlinksSchema = byPath<string>('what they point to', value => {
  const message = typeof value === 'string' ? linkTargetProblem(value) : 'must be a string';
  return message === undefined ? undefined : { message };
});

export type FileInput = string | { readonly content: string; readonly mode?: string | undefined };

export const filesSchema = byPath<FileInput>('their content', value => {
  if (typeof value === 'string') return messageOf(contentProblem(value));
  if (!isMapping(value)) return { message: 'must be a string (quote numbers, true and false) or content and mode' };
  const { content, mode } = value;
  const unknown = Object.keys(value).find(key => key !== 'content' && key !== 'mode');
  if (unknown !== undefined) return { message: 'is not a field of a file', key: unknown };
  if (typeof content !== 'string') {
    return { message: content === undefined ? 'is missing' : 'must be a string', key: 'content' };
  }
  if (mode !== undefined && !(typeof mode === 'string' && FILE_MODE.test(mode))) {
    return { message: 'must be permission bits in octal, as a string: "644" or "755"', key: 'mode' };
  }
  return messageOf(contentProblem(content), 'content');
});

const messageOf = (message: string | undefined, key?: string): EntryProblem | undefined =>
  message === undefined ? undefined : { message, ...(key === undefined ? {} : { key }) };
