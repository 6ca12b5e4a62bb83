import * as v from 'valibot';
import { fields } from '../fields.js';
import { isMapping } from '../values.js';
import { only, refused } from './refused.js';
import { configResources } from './resources.js';

/**
 * config.json of the OCI runtime specification: https://github.com/opencontainers/runtime-spec, 1.0 to 1.3. Types are
 * checked here, and what nsgen does not carry out; the values themselves are checked as fields of the box that they
 * become.
 */

const text = v.string();
const texts = v.array(text);

/** Semantic versions; 1.x are compatible with each other. */
const VERSION = /^1\.\d{1,6}\.\d{1,6}(?:-[0-9A-Za-z.-]{1,64})?(?:\+[0-9A-Za-z.-]{1,64})?$/;

const UMASK = 0o022;

const user = fields({
  uid: only(0, 'must be 0: other users are not carried out'),
  gid: only(0, 'must be 0: other groups are not carried out'),
  umask: only(UMASK, 'must be 18 (octal 0022): other masks are not carried out'),
  additionalGids: refused(0, {
    meansSomething: true,
    message: 'is not carried out, not even empty: the box has the groups of the caller',
  }),
  username: refused(0),
});

const capabilities = refused(1, { meansSomething: true });

const process = fields({
  terminal: v.optional(v.boolean()),
  consoleSize: refused(0, { meansSomething: true }),
  cwd: text,
  env: v.optional(texts),
  args: texts,
  commandLine: refused(0),
  user: v.optional(user),
  capabilities,
  rlimits: refused(0),
  noNewPrivileges: only(false, 'must be false: it is not carried out'),
  apparmorProfile: refused(0),
  selinuxLabel: refused(0),
  oomScoreAdj: refused(0, { meansSomething: true }),
  scheduler: refused(0, { meansSomething: true }),
  ioPriority: refused(0, { meansSomething: true }),
  execCPUAffinity: refused(0),
});

const mount = fields({
  destination: text,
  type: v.optional(text),
  source: v.optional(text),
  options: v.optional(texts),
  uidMappings: refused(0),
  gidMappings: refused(0),
});

const integer = v.pipe(v.number(), v.integer('must be a whole number'));

const timeOffset = fields({
  secs: v.optional(v.number()),
  nanosecs: only(0, 'must be 0: offsets are in whole seconds'),
});

const device = fields({
  path: text,
  type: text,
  major: v.optional(integer),
  minor: v.optional(integer),
  fileMode: v.optional(integer),
  uid: v.optional(integer),
  gid: v.optional(integer),
});

const linux = fields({
  namespaces: v.optional(v.array(fields({ type: text, path: v.optional(text) }))),
  timeOffsets: v.optional(fields({ monotonic: v.optional(timeOffset), boottime: v.optional(timeOffset) })),
  rootfsPropagation: v.optional(text),
  devices: v.optional(v.array(device)),
  maskedPaths: v.optional(texts),
  readonlyPaths: v.optional(texts),
  uidMappings: refused(0),
  gidMappings: refused(0),
  sysctl: refused(1),
  cgroupsPath: refused(0),
  resources: v.optional(configResources),
  netDevices: refused(1),
  seccomp: refused(0, { meansSomething: true }),
  mountLabel: refused(0),
  intelRdt: refused(0, { meansSomething: true }),
  memoryPolicy: refused(0, { meansSomething: true }),
  personality: refused(0, { meansSomething: true }),
});

export const configSchema = fields({
  ociVersion: v.pipe(text, v.regex(VERSION, 'must be a version 1.x of the specification, such as "1.0.2"')),
  root: fields({ path: text, readonly: v.optional(v.boolean()) }),
  mounts: v.optional(v.array(mount)),
  process,
  hostname: v.optional(text),
  domainname: v.optional(text),
  linux: v.optional(linux),
  annotations: v.optional(
    v.custom<Readonly<Record<string, unknown>>>(isMapping, 'must be a mapping of names to values'),
  ),
  hooks: refused(1),
  solaris: refused(1),
  windows: refused(1),
  vm: refused(1),
  zos: refused(1),
  freebsd: refused(1),
});

export type Config = v.InferOutput<typeof configSchema>;
