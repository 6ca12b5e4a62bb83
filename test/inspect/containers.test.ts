import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { inspect } from '../../src/index.js';
import type { Inspection } from '../../src/inspect/inspection.js';
import { SPEC } from '../oci/configs.js';
import { cgroupOf } from '../support/cgroups.js';
import { execute, nsgen } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';
import { Session } from '../support/session.js';
import { until } from '../support/until.js';
import { assertShape } from './shape.js';

/**
 * nsgen inspect, and what others have started: a container by runc with what docker asks of it, and a process with what
 * systemd gives to a service. Neither docker nor systemd is here.
 */

const directory = ownDirectory('containers');
const NAMESPACES = ['user', 'mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup', 'time'] as const;

const hostNamespaces = ({ namespaces }: Inspection) => namespaces.filter(({ host }) => host).map(({ type }) => type);
const mountAt = ({ mounts }: Inspection, point: string) => mounts?.findLast(mount => mount.point === point);
/** What people are shown, without the spaces between the columns. */
const shown = async (pid: number) =>
  (await nsgen(['inspect', String(pid)])).stdout.split('\n').map(line => line.replace(/ +/g, ' '));

describe('a container as docker has it', () => {
  const CAPABILITIES = [
    'CAP_CHOWN',
    'CAP_DAC_OVERRIDE',
    'CAP_FOWNER',
    'CAP_FSETID',
    'CAP_KILL',
    'CAP_SETGID',
    'CAP_SETUID',
    'CAP_SETPCAP',
    'CAP_NET_BIND_SERVICE',
    'CAP_NET_RAW',
    'CAP_SYS_CHROOT',
    'CAP_MKNOD',
    'CAP_AUDIT_WRITE',
    'CAP_SETFCAP',
  ];
  const id = `${process.pid}`.padStart(64, '5ca1ab1e');
  const cgroup = `/docker/${id}`;
  const rootfs = makeRootfs(['sh', 'sleep'], ['proc', 'dev', 'sys', 'etc']);
  after(() => removeRootfs(rootfs));
  const resolver = join(directory, 'resolv.conf');
  writeFileSync(resolver, 'nameserver 127.0.0.11\n');

  const bind = { type: 'bind', source: resolver, destination: '/etc/resolv.conf', options: ['rbind', 'rprivate'] };
  const config = {
    ...SPEC,
    hostname: id.slice(0, 12),
    root: { path: rootfs },
    mounts: [...SPEC.mounts, bind],
    process: {
      ...SPEC.process,
      terminal: false,
      args: ['sh', '-c', 'sleep 1000 & echo ready; wait'],
      noNewPrivileges: false,
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
    },
    linux: {
      ...SPEC.linux,
      cgroupsPath: cgroup,
      namespaces: [...SPEC.linux.namespaces, { type: 'cgroup' }],
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['keyctl', 'add_key'], action: 'SCMP_ACT_ERRNO' }],
      },
    },
  };

  test('is shown as what it is', async () => {
    const parents = cgroupParents('docker');
    const bundle = join(directory, 'bundle');
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    const runc = ['--root', join(directory, 'state')];
    const pidFile = join(directory, 'pid');
    const session = new Session('runc', [...runc, 'run', '--bundle', bundle, '--pid-file', pidFile, id]);
    try {
      await session.until(/ready/);
      await until(() => existsSync(pidFile), 'runc has written its number');
      const pid = Number(readFileSync(pidFile, 'utf8'));
      await assertContainer(pid);
    } finally {
      await execute('runc', [...runc, 'delete', '--force', id]);
      await session.ended;
      for (const parent of parents) if (existsSync(parent)) rmdirSync(parent);
    }
  });

  async function assertContainer(pid: number): Promise<void> {
    const found = await inspect(pid);
    assertShape(found);
    assert.deepEqual(found.unreadable, {});
    assert.deepEqual(hostNamespaces(found), ['user', 'time']);
    assert.deepEqual(found.process.pids, [pid, 1]);
    const [child] = found.namespaces.find(({ type }) => type === 'pid')?.processes ?? [];
    const { pids, box } = found.tree.find(row => row.pid === child) ?? {};
    assert.deepEqual([pids?.length, box], [2, null]);
    assert.deepEqual([...new Set(found.cgroups?.map(({ path }) => path))], [cgroup]);
    assert.deepEqual(found.seccomp, { mode: 'filter', filters: 1 });
    assert.equal(found.noNewPrivileges, false);
    const { permitted, effective, bounding, inheritable, ambient } = found.capabilities ?? {};
    assert.deepEqual([permitted, effective, bounding], [CAPABILITIES, CAPABILITIES, CAPABILITIES]);
    assert.deepEqual([inheritable, ambient], [[], []]);
    assert.equal(found.root?.mount?.point, '/');
    assert.ok(found.root?.mount?.root.endsWith(rootfs.slice(1)), found.root?.mount?.root);
    assert.ok(mountAt(found, '/etc/resolv.conf')?.root.endsWith('/resolv.conf'));
    assert.ok(mountAt(found, '/sys')?.options.includes('ro'));
    for (const masked of ['/proc/acpi', '/sys/firmware', '/proc/keys']) assert.ok(mountAt(found, masked), masked);

    const lines = await shown(pid);
    assert.ok(lines.includes('seccomp filter, one filter'), lines.join('\n'));
    assert.ok(lines.includes(`bounding ${CAPABILITIES.join(' ')}`));
    assert.ok(lines.includes(`version 2 ${cgroup}`) || lines.includes(`memory ${cgroup}`));
    assert.ok(lines.some(line => line.startsWith('/etc/resolv.conf ')));
    assert.ok(lines.some(line => new RegExp(`^> ${pid} .* 1 sh `).test(line)));
  }

  /** A directory for all of its containers that docker, too, leaves behind; those that are there are somebody's. */
  function cgroupParents(name: string): readonly string[] {
    const points = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter(line => / - cgroup2? /.test(line))
      .map(line => `${line.split(' ')[4]}/${name}`);
    return points.filter(path => !existsSync(path));
  }
});

test('a service as systemd has it is shown as what it is', async () => {
  const hidden = join(directory, 'hidden');
  mkdirSync(hidden);
  const { directory: own } = cgroupOf('self', 'name=systemd');
  const slice = `${own}/nsgen-${process.pid}.slice`;
  const service = `${slice}/web.service`;
  mkdirSync(service, { recursive: true });
  // PrivateUsers, ProtectSystem, InaccessiblePaths, NoNewPrivileges, CapabilityBoundingSet, AmbientCapabilities, User.
  const script = `read -r _ && mount --bind /usr /usr && mount -o remount,bind,ro /usr &&
    mount -t tmpfs -o ro,mode=700,size=1m inaccessible "$0" &&
    exec setpriv --no-new-privs --bounding-set=-all,+net_bind_service --inh-caps=-all,+net_bind_service \\
      --ambient-caps=-all,+net_bind_service --reuid=65534 --regid=65534 --clear-groups sh -c 'echo ready; exec sleep 1000'`;
  const session = new Session('unshare', ['--user', '--mount', '--propagation=slave', 'sh', '-c', script, hidden]);
  try {
    const { pid } = session;
    await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sh\n', 'it is in its namespaces');
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, '0 0 1\n65534 65534 1\n');
    writeFileSync(`${service}/cgroup.procs`, String(pid));
    session.type('go\n');
    await session.until(/ready/);
    await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n', 'it is the service');
    await assertService(pid, hidden, service.slice(own.length));
  } finally {
    session.child.kill('SIGKILL');
    await session.ended;
    rmdirSync(service);
    rmdirSync(slice);
  }
});

async function assertService(pid: number, hidden: string, cgroup: string): Promise<void> {
  const found = await inspect(pid);
  assertShape(found);
  assert.deepEqual(found.unreadable, {});
  assert.deepEqual(
    hostNamespaces(found),
    NAMESPACES.filter(type => type !== 'user' && type !== 'mnt'),
  );
  assert.deepEqual(found.process.pids, [pid]);
  const map = [
    { inside: 0, outside: 0, count: 1 },
    { inside: 65534, outside: 65534, count: 1 },
  ];
  assert.deepEqual([found.ids?.uidMap, found.ids?.gidMap], [map, map]);
  assert.deepEqual([found.ids?.uid.effective, found.ids?.gid.effective, found.ids?.groups], [65534, 65534, []]);
  const { inheritable, permitted, effective, bounding, ambient } = found.capabilities ?? {};
  for (const set of [inheritable, permitted, effective, bounding, ambient])
    assert.deepEqual(set, ['CAP_NET_BIND_SERVICE']);
  assert.equal(found.noNewPrivileges, true);
  assert.ok(found.cgroups?.some(({ path }) => path.endsWith(cgroup)));
  assert.ok(mountAt(found, '/usr')?.options.includes('ro'));
  const inaccessible = mountAt(found, hidden);
  assert.deepEqual([inaccessible?.type, inaccessible?.source], ['tmpfs', 'inaccessible']);

  const lines = await shown(pid);
  assert.ok(lines.includes('no new privs yes'), lines.join('\n'));
  assert.ok(lines.includes('ambient CAP_NET_BIND_SERVICE'));
  assert.ok(lines.some(line => line.endsWith(cgroup)));
  assert.ok(lines.some(line => line.startsWith(`${hidden} inaccessible tmpfs ro`)));
}
