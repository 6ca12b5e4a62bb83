import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import { detachedBox } from '../src/backends/detached.js';
import { renderPod } from '../src/backends/script/pod.js';
import { renderScript } from '../src/backends/script/render.js';
import { parseBox } from '../src/box/box.js';
import { filesSchema } from '../src/box/mount-schema.js';
import { isPodInput, readBoxFile } from '../src/box/read.js';
import { boxSchema } from '../src/box/schema.js';
import { FILE_MODE } from '../src/box/values.js';
import type { Inspection } from '../src/inspect/inspection.js';
import { svg } from '../src/inspect/svg.js';
import { packageRoot } from '../src/package-root.js';
import { parsePod } from '../src/pod/pod.js';
import { podSchema } from '../src/pod/schema.js';

/** What is generated and committed all the same: a change of it is a difference that somebody reviews. */

export const generatedDirectory = join(packageRoot, 'generated');
export const examplesDirectory = join(packageRoot, 'docs', 'examples');

export const exampleNames = (): readonly string[] =>
  readdirSync(examplesDirectory)
    .map(name => name.replace(/\.yaml$/, ''))
    .sort();

export const exampleFile = (name: string): string => join(examplesDirectory, `${name}.yaml`);

/** The names of the files in generated/, with what must be in them. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const scripts = exampleNames().map(
    async name => [`${name}.sh`, scriptOf(await readBoxFile(exampleFile(name)))] as const,
  );
  const detached = detachedBox(parseBox(await readBoxFile(exampleFile('init'))));
  return new Map([
    ['box.schema.json', jsonSchema()],
    ['pod.schema.json', podJsonSchema()],
    ['detached.sh', renderScript(detached, { name: undefined })],
    ['detached-pod.sh', renderPod(parsePod(await readBoxFile(exampleFile('pod'))), { detached: true })],
    ...(await Promise.all(scripts)),
  ]);
}

const scriptOf = (input: unknown): string =>
  isPodInput(input) ? renderPod(parsePod(input)) : renderScript(parseBox(input));

/** A reading of a host with two boxes, and the figure of it in docs/. */
const readingFile = join(packageRoot, 'docs', 'inspect.json');
export const figureFile = join(packageRoot, 'docs', 'inspect.svg');
export const figureReading = (): Inspection => JSON.parse(readFileSync(readingFile, 'utf8'));

/** Checks that join several bytes or fields have no JSON Schema; src/box/schema.ts gives patterns where one helps. */
const NOT_IN_JSON_SCHEMA = ['raw_check', 'check', 'guard'];

const FILE: JsonSchema = {
  anyOf: [
    { type: 'string' },
    {
      type: 'object',
      properties: { content: { type: 'string' }, mode: { type: 'string', pattern: FILE_MODE.source } },
      required: ['content'],
      additionalProperties: false,
    },
  ],
};

function podJsonSchema(): string {
  const { $schema: _, title, ...box } = JSON.parse(jsonSchema());
  const { $schema, ...rest } = toJsonSchema(podSchema, {
    typeMode: 'input',
    ignoreActions: NOT_IN_JSON_SCHEMA,
    overrideSchema: ({ valibotSchema }) =>
      valibotSchema.type === 'custom' ? { type: 'object', minProperties: 1, additionalProperties: box } : undefined,
  });
  return `${JSON.stringify({ $schema, title: `A pod of boxes. ${title}`, ...rest }, undefined, 2)}\n`;
}

function jsonSchema(): string {
  const { $schema, ...rest } = toJsonSchema(boxSchema, {
    typeMode: 'input',
    ignoreActions: NOT_IN_JSON_SCHEMA,
    overrideSchema: ({ valibotSchema }) => {
      if (valibotSchema === filesSchema.pipe[0]) return { type: 'object', additionalProperties: FILE };
      return valibotSchema.type === 'custom' ? { type: 'object', additionalProperties: { type: 'string' } } : undefined;
    },
  });
  const title = 'A box: a command and the Linux namespaces, mounts and names it is started with (nsgen)';
  return `${JSON.stringify({ $schema, title, ...rest }, undefined, 2)}\n`;
}

/** The files that are not what they must be. */
export async function staleFiles(): Promise<readonly string[]> {
  const wanted = await generatedFiles();
  const present = new Map(
    readdirSync(generatedDirectory).map(name => [name, readFileSync(join(generatedDirectory, name), 'utf8')] as const),
  );
  const names = new Set([...wanted.keys(), ...present.keys()]);
  return [...names].filter(name => wanted.get(name) !== present.get(name)).sort();
}

async function main(args: readonly string[]): Promise<void> {
  if (!args.includes('--write')) {
    const stale = await staleFiles();
    for (const name of stale) console.error(`generated/${name} is stale: npm run generate`);
    process.exitCode = stale.length === 0 ? 0 : 1;
    return;
  }
  writeFileSync(figureFile, svg(figureReading()));
  rmSync(generatedDirectory, { recursive: true, force: true });
  mkdirSync(generatedDirectory);
  for (const [name, text] of await generatedFiles()) {
    writeFileSync(join(generatedDirectory, name), text, { mode: name.endsWith('.sh') ? 0o755 : 0o644 });
  }
}

if (process.argv[1] === import.meta.filename) await main(process.argv.slice(2));
