import { readFileSync } from 'node:fs';
import { release } from 'node:os';

/** The kernel's version as far as features depend on it: [6, 1] for 6.1.0-18-amd64. */
export function kernelVersion(): readonly [major: number, minor: number] {
  const [major = '0', minor = '0'] = release().split(/[.-]/);
  return [Number(major), Number(minor)];
}

export function kernelIsAtLeast(major: number, minor: number): boolean {
  const [actualMajor, actualMinor] = kernelVersion();
  return actualMajor > major || (actualMajor === major && actualMinor >= minor);
}

/** Why an ordinary user may make no user namespace here, and who can change that; undefined: no rule is known. */
export function userNamespaceObstacle(): string | undefined {
  const obstacle = USER_NAMESPACE_SWITCHES.find(({ file, forbids }) => readSwitch(file) === forbids);
  if (obstacle === undefined) return undefined;
  return `${obstacle.file} is ${obstacle.forbids}: run as root, or let an administrator set it to ${obstacle.allows}`;
}

const USER_NAMESPACE_SWITCHES = [
  { file: '/proc/sys/user/max_user_namespaces', forbids: '0', allows: '10000' },
  { file: '/proc/sys/kernel/unprivileged_userns_clone', forbids: '0', allows: '1' },
  { file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns', forbids: '1', allows: '0' },
] as const;

function readSwitch(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
