import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ejs from 'ejs';
import type { Box } from '../../box/box.js';
import { BoxError, type Problem } from '../../box/problem.js';
import { namespaceFile } from '../../box/values.js';
import { packageRoot } from '../../package-root.js';
import { describe, type Operation } from '../../plan/operations.js';
import { makePlan, type Plan } from '../../plan/plan.js';
import { joinsMount, needsShell, type Place, type PlacedOperation, placeOperations } from './place.js';
import { comment, quote } from './quote.js';
import { packagesOf, toolsOf } from './tools.js';

/**
 * Renders a box as one self-contained bash script.
 *
 * @returns the text of the script.
 * @throws BoxError when the script backend cannot carry a field out.
 */
export function renderScript(box: Box): string {
  const problems = unsupported(box);
  if (problems.length > 0) throw new BoxError(problems);
  const plan = makePlan(box);
  const placed = placeOperations(plan);
  const sections = sectionsOf(box, placed);
  const tools = toolsOf(placed);
  const created = plan.find(operation => operation.kind === 'create-namespaces');
  const user = created?.user ?? 'none';
  return render('box.sh', {
    digest: createHash('sha256').update(JSON.stringify(box)).digest('hex'),
    command: box.command.map(word => quote(word)).join(' '),
    words: box.command,
    summary: plan.map(describe),
    caveats: caveatsOf(plan),
    tools,
    packages: packagesOf(tools),
    namespaceFiles: namespaceFilesOf(plan),
    user,
    needsPrivilege: user !== 'new' && namespaceFilesOf(plan).length > 0,
    rootfs: box.rootfs?.path,
    ...sections,
    uses: new Set(FUNCTIONS.filter(name => sections.inside.some(({ body }) => body.includes(name)))),
  });
}

/** What each operation of the plan comes to in bash, in order, for `nsgen plan`. */
export function renderOperations(box: Box): readonly string[] {
  const placed = placeOperations(makePlan(box));
  const shell = needsShell(placed);
  return placed.map(({ operation, place }) => {
    const inside = shell && operation.kind === 'execute';
    return renderSection(box, operation, inside ? 'enter' : place).trimEnd();
  });
}

/** Functions of box.sh.ejs that operations call inside the box. */
const FUNCTIONS = ['find_in_root', 'make_read_only'];

interface Section {
  readonly text: string;
  readonly body: string;
}

interface Sections {
  readonly preparing: readonly Section[];
  readonly launching: readonly Section[];
  readonly inside: readonly Section[];
}

function sectionsOf(box: Box, placed: readonly PlacedOperation[]): Sections {
  const shell = needsShell(placed);
  const at = (place: Place) =>
    placed
      .filter(({ operation, place: own }) => own === place && !(shell && operation.kind === 'execute'))
      .map(({ operation }) => ({ text: describe(operation), body: renderSection(box, operation, place) }))
      .filter(({ body }) => body.trim() !== '');
  const atTheEnd = shell
    ? placed
        .filter(({ operation }) => operation.kind === 'execute' || joinsMount(operation))
        .map(({ operation }) => ({ text: describe(operation), body: renderSection(box, operation, 'enter') }))
    : [];
  return { preparing: at('prepare'), launching: at('launch'), inside: [...at('enter'), ...atTheEnd] };
}

function renderSection(box: Box, operation: Operation, place: Place): string {
  const changesProgram = box.rootfs !== undefined || box.namespaces.mount.kind === 'joined';
  return render(operation.kind, { operation, place, rootfs: box.rootfs?.path, changesProgram });
}

const templates = new Map<string, ejs.TemplateFunction>();

function render(name: string, values: Readonly<Record<string, unknown>>): string {
  let template = templates.get(name);
  if (template === undefined) {
    template = ejs.compile(readFileSync(join(packageRoot, 'templates', `${name}.ejs`), 'utf8'), { escape: quote });
    templates.set(name, template);
  }
  return template({ ...values, comment, indent });
}

const indent = (body: string): string => body.replace(/^(?=.)/gm, '  ');

function namespaceFilesOf(plan: Plan): readonly string[] {
  return plan.flatMap(operation => {
    switch (operation.kind) {
      case 'create-namespaces':
        return operation.types.map(namespaceFile);
      case 'join-namespaces':
        return operation.namespaces.map(({ type }) => namespaceFile(type));
      case 'offset-clocks':
        return ['time'];
      default:
        return [];
    }
  });
}

function caveatsOf(plan: Plan): readonly string[] {
  const rootfs = plan.some(({ kind }) => kind === 'pivot-root');
  const searched = plan.some(operation => 'rootfs' in operation && operation.rootfs !== undefined);
  return [
    ...(rootfs
      ? ['the old root stays mounted underneath the new one; nsgen run takes it out of the box (pivot_root)']
      : []),
    ...(searched
      ? ['bash has no openat2: nobody else may change the rootfs while mount points in it are looked up']
      : []),
  ];
}

/** What bash and util-linux cannot do. Named by field, and never left out in silence. */
function unsupported({ namespaces, rootfs, cwd }: Box): readonly Problem[] {
  const problems: Problem[] = [];
  if (rootfs?.change === 'pivot_root' && resolve(rootfs.path) === '/') {
    const message = 'the script cannot make the root of the host the root again: leave the field out';
    problems.push({ field: 'rootfs', message });
  }
  if (namespaces.mount.kind === 'joined') {
    const message =
      'the script cannot do this in a mount namespace that is joined, where the tools of the host are out of reach';
    for (const [field, value] of Object.entries({ rootfs, cwd }))
      if (value !== undefined) problems.push({ field, message });
  }
  return problems;
}
