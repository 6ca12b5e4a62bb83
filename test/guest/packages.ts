import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute } from '../support/cli.js';

/** Debian packages of either architecture, unpacked and never installed: apt-get works in a directory of its own. */

export class Packages {
  private constructor(
    private readonly directory: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /** @param directory is apt's own; whoever made it removes it. */
  static async of(architecture: 'amd64' | 'arm64', directory: string): Promise<Packages> {
    for (const name of ['state/lists/partial', 'cache/archives/partial'])
      mkdirSync(join(directory, name), { recursive: true });
    // An empty list of installed packages, so that apt-get takes none of the host's for one of the guest's.
    writeFileSync(join(directory, 'status'), '');
    const configuration = join(directory, 'apt.conf');
    writeFileSync(
      configuration,
      `APT::Architecture "${architecture}";
APT::Architectures { "${architecture}"; };
APT::Sandbox::User "root";
Dir::State "${directory}/state";
Dir::State::status "${directory}/status";
Dir::Cache "${directory}/cache";
APT::Update::Post-Invoke-Success { };
#clear APT::Update::Post-Invoke-Success;
`,
    );
    const packages = new Packages(directory, { ...process.env, APT_CONFIG: configuration, LC_ALL: 'C' });
    // A source that does not have this architecture fails here; what matters is whether the packages are found.
    await execute('apt-get', ['update'], { env: packages.environment });
    return packages;
  }

  /** The packages alone, without what they depend on. */
  async unpack(names: readonly string[], root: string): Promise<void> {
    const archives = join(this.directory, 'alone');
    mkdirSync(archives);
    await this.apt(['download', ...names], archives);
    await unpackAll(archives, root);
  }

  /** The packages and all that they depend on. */
  async unpackWithDependencies(names: readonly string[], root: string): Promise<void> {
    await this.apt(['install', '--yes', '--download-only', '--no-install-recommends', ...names], this.directory);
    await unpackAll(join(this.directory, 'cache', 'archives'), root);
  }

  /** The kernel that a package without contents, linux-image-amd64, stands for. */
  async dependency(name: string, pattern: RegExp): Promise<string> {
    const { stdout, stderr } = await execute('apt-cache', ['depends', name], { env: this.environment });
    const found = stdout.match(/(?<=Depends: )\S+/g)?.find(dependency => pattern.test(dependency));
    if (found !== undefined) return found;
    throw new Error(
      `apt-cache depends ${name}: no ${pattern}; the guests need Debian's archive in /etc/apt\n${stderr}`,
    );
  }

  private async apt(args: readonly string[], cwd: string): Promise<void> {
    const { status, stderr } = await execute('apt-get', args, { env: this.environment, cwd });
    if (status === 0) return;
    throw new Error(
      `apt-get ${args.join(' ')} failed with status ${status}; look at /etc/apt and the network\n${stderr}`,
    );
  }
}

async function unpackAll(archives: string, root: string): Promise<void> {
  for (const name of readdirSync(archives).filter(name => name.endsWith('.deb'))) {
    const { status, stderr } = await execute('dpkg-deb', ['--extract', join(archives, name), root]);
    if (status !== 0) throw new Error(`dpkg-deb --extract ${name} failed with status ${status}\n${stderr}`);
  }
}
