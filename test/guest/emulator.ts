import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Console } from './console.js';

/** A machine that qemu emulates, from its start until its command has ended. */

export interface Machine {
  readonly emulator: string;
  readonly arguments: readonly string[];
  readonly kernel: string;
  readonly kernelCommandLine: string;
}

export interface Ended {
  readonly status: number;
  /** From the start of the emulator to that of the command. */
  readonly bootMilliseconds: number;
}

/**
 * @param milliseconds is the limit for all of it.
 * @param onLine gets each line that the command writes.
 */
export async function boot(
  machine: Machine,
  initramfs: Buffer,
  milliseconds: number,
  onLine: (line: string) => void,
): Promise<Ended> {
  const archive = openUnlinked(initramfs);
  const began = Date.now();
  let bootMilliseconds = 0;
  // The emulator goes when this process does, however that ends.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', machine.emulator, ...options(machine)], {
    stdio: ['ignore', 'pipe', 'pipe', archive],
  });
  closeSync(archive);
  const limit = setTimeout(() => child.kill('SIGKILL'), milliseconds);
  const screen = new Console(onLine);
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', text => {
    complaints += text;
  });
  child.stdout?.setEncoding('utf8').on('data', text => {
    screen.add(text);
    if (screen.started && bootMilliseconds === 0) bootMilliseconds = Date.now() - began;
    // Nothing of the guest outlives it, so there is nothing to wait for.
    if (screen.status !== undefined) child.kill('SIGKILL');
  });
  try {
    await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  } finally {
    clearTimeout(limit);
  }
  if (screen.status !== undefined) return { status: screen.status, bootMilliseconds };
  const seconds = Math.round((Date.now() - began) / 1000);
  const stage = screen.started ? 'its command did not end' : 'it did not get as far as its command';
  throw new Error(
    `${machine.emulator}: after ${seconds} s of at most ${milliseconds / 1000} s ${stage}. Its console said last:\n${complaints}${screen.tail}`,
  );
}

const options = (machine: Machine): readonly string[] => [
  ...machine.arguments,
  ...['-smp', '2', '-m', '2048', '-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
  ...['-accel', 'tcg,thread=multi'],
  ...['-kernel', machine.kernel, '-initrd', '/proc/self/fd/3', '-append', machine.kernelCommandLine],
  ...['-fsdev', 'local,id=host,path=/,security_model=none,readonly=on,multidevs=remap'],
  ...['-device', 'virtio-9p-pci,fsdev=host,mount_tag=host'],
];

/** A file that has no name any more: nothing is left of it, however this process ends. */
function openUnlinked(content: Buffer): number {
  const directory = mkdtempSync(join(tmpdir(), 'nsgen-test-guest-'));
  try {
    const path = join(directory, 'initramfs');
    writeFileSync(path, content);
    return openSync(path, 'r');
  } finally {
    rmSync(directory, { recursive: true });
  }
}
