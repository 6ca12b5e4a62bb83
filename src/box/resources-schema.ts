import * as v from 'valibot';
import { check, fields } from './fields.js';
import { cpuListProblem, hugePageSizeProblem, unifiedNameProblem } from './resource-values.js';
import { bytesOf } from './size.js';
import { isMapping, textProblem } from './values.js';

/** The resources of a box: names and meanings are those of `linux.resources` of the OCI runtime specification. */

const described = <Schema extends v.GenericSchema>(schema: Schema, description: string) =>
  v.optional(v.pipe(schema, v.description(description)));

const whole = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.integer('must be a whole number'),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );

/** The smallest page that any machine of these kinds has. */
const PAGE = 4096;

/** Page counters of the kernel count pages in a long: 2^63 bytes, of which JavaScript has 2^53 exactly. */
const MOST = Number.MAX_SAFE_INTEGER;

/** A size stays as it is written: what comes of it is the affair of resources.ts. */
const size = (least: number) =>
  v.pipe(
    v.union([v.number(), v.string()], SIZE_MESSAGE),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? sizeProblem(dataset.value, least) : undefined;
      if (message !== undefined) addIssue({ message });
    }),
  );

const SIZE_MESSAGE = 'must be a number of bytes, or a size such as 100M or 1.5GiB';

function sizeProblem(value: number | string, least: number): string | undefined {
  const bytes = bytesOf(value);
  if (bytes === undefined) return SIZE_MESSAGE;
  if (bytes >= least || (bytes === -1 && least !== 0)) return undefined;
  return least === 0 ? 'must not be negative' : `must be at least ${least} bytes, or -1 for no limit`;
}

const list = v.pipe(v.string(), check(cpuListProblem));

const memory = fields({
  limit: described(size(PAGE), 'Bytes that may be used (memory.max); more is reclaimed, or somebody is killed.'),
  reservation: described(size(0), 'Bytes that are left alone when memory is short (memory.low; v1: soft limit).'),
  swap: described(size(PAGE), 'Bytes of memory and swap together. Needs limit, and is at least that; -1 is no limit.'),
  swappiness: described(whole(0, 100), 'How readily memory is swapped out. cgroup v1 only.'),
  disableOOMKiller: described(v.boolean(), 'Who asks for too much waits instead of being killed. cgroup v1 only.'),
});

const cpu = fields({
  shares: described(whole(2, 262_144), 'Weight against other boxes, 1024 being normal (cpu.weight, converted).'),
  quota: described(
    v.union([v.literal(-1), whole(1000, MOST)]),
    'Microseconds of cpu time in each period; -1: no limit.',
  ),
  period: described(whole(1000, 1_000_000), 'Microseconds; 100000 unless given.'),
  burst: described(whole(0, MOST), 'Microseconds that may be saved up for a later period.'),
  idle: described(v.union([v.literal(0), v.literal(1)]), '1: runs only where nobody else wants to.'),
  cpus: described(list, 'CPUs that may be used: 0-2,4.'),
  mems: described(list, 'Memory nodes that may be used: 0-1.'),
});

const device = { major: whole(0, 4095), minor: whole(0, 1_048_575) };
const rates = (what: string) =>
  described(v.array(fields({ ...device, rate: whole(1, MOST) })), `${what} of one device.`);
const weight = whole(10, 1000);

const blockIO = fields({
  weight: described(weight, 'Share of the devices against others: 10 to 1000, 100 being normal.'),
  weightDevice: described(v.array(fields({ ...device, weight })), 'The same, of one device.'),
  throttleReadBpsDevice: rates('Bytes read in a second'),
  throttleWriteBpsDevice: rates('Bytes written in a second'),
  throttleReadIOPSDevice: rates('Reads in a second'),
  throttleWriteIOPSDevice: rates('Writes in a second'),
});

const hugepageLimit = fields({
  pageSize: v.pipe(v.string(), check(hugePageSizeProblem)),
  limit: size(0),
});

const number = v.union([v.literal(-1), whole(0, MOST)]);
const deviceRule = fields({
  allow: v.boolean(),
  type: v.optional(v.picklist(['a', 'b', 'c'])),
  major: v.optional(number),
  minor: v.optional(number),
  access: v.optional(
    v.pipe(v.string(), v.regex(/^(?!.*(.).*\1)[rwm]{1,3}$/, 'must be of r (read), w (write) and m (mknod)')),
  ),
});

const MOST_RULES = 256;

const unified = v.pipe(
  v.custom<Readonly<Record<string, string>>>(isMapping, 'must be a mapping of names to values'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const [key, value] of Object.entries<unknown>(dataset.value)) {
      const message = unifiedNameProblem(key) ?? (typeof value === 'string' ? lineProblem(value) : 'must be a string');
      if (message === undefined) continue;
      addIssue({ message, path: [{ type: 'object', origin: 'value', input: { ...dataset.value }, key, value }] });
    }
  }),
);

/** A file of a cgroup takes a line at a time, and no long ones. */
const LONGEST_LINE = 1024;

function lineProblem(value: string): string | undefined {
  if (value === '') return 'must not be empty';
  if (value.includes('\n') || Buffer.byteLength(value) > LONGEST_LINE)
    return `must be one line of at most ${LONGEST_LINE} bytes`;
  return textProblem(value);
}

export const resources = fields({
  memory: described(memory, 'Memory, swap included if there is a limit for it.'),
  cpu: described(cpu, 'CPU time, and which CPUs.'),
  pids: described(
    fields({ limit: v.union([v.literal(-1), whole(1, 4_194_304)]) }),
    'Processes and threads at one time; -1: no limit.',
  ),
  blockIO: described(blockIO, 'Input and output of block devices.'),
  hugepageLimits: described(v.array(hugepageLimit), 'Bytes in huge pages, for each size of page.'),
  devices: described(
    v.pipe(v.array(deviceRule), v.maxLength(MOST_RULES, `must be at most ${MOST_RULES} rules`)),
    'Which devices may be used, in order: the last rule that fits decides. Those of a /dev of its own always may.',
  ),
  unified: described(unified, 'Files of cgroup v2 with what is written to them: memory.high. Refused on v1.'),
});
