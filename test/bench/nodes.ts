import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The Node versions that the whole-process target is about. */
const MAJORS = [22, 24, 26];

export interface Nodes {
  readonly binaries: readonly { readonly version: string; readonly path: string }[];
  remove(): void;
}

/** NSGEN_BENCH_NODES, paths with a colon between, or else the binaries of the npm packages node-linux-*. */
export function findNodes(): Nodes {
  const given = process.env.NSGEN_BENCH_NODES;
  if (given !== undefined) return { binaries: given.split(':').map(withVersion), remove() {} };
  const directory = mkdtempSync(join(tmpdir(), 'nsgen-bench-nodes-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    return { binaries: MAJORS.map(major => withVersion(install(directory, major))), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function install(directory: string, major: number): string {
  const name = `node-linux-${process.arch}`;
  const prefix = join(directory, String(major));
  const flags = ['--no-audit', '--no-fund', '--silent', '--prefix', prefix];
  execFileSync('npm', ['install', ...flags, `${name}@${major}`], { stdio: 'inherit' });
  return join(prefix, 'node_modules', name, 'bin', 'node');
}

function withVersion(path: string) {
  return { path, version: execFileSync(path, ['--version'], { encoding: 'utf8' }).trim() };
}
