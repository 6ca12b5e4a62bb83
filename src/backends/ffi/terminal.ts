import { closeSync } from 'node:fs';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { pause } from '../../host/clock.js';
import { AF_UNIX, F_DUPFD_CLOEXEC, FIONBIO, SOCK } from '../../linux/constants.js';
import { receiveDescriptors, receivedDescriptors } from '../../linux/pass-descriptor.js';
import { pollIn } from '../../linux/poll.js';
import { runCalls } from '../../linux/program.js';
import { bytes, flags, integer, type Output, output, type SystemCall, symbol } from '../../linux/system-call.js';
import type { Caller } from '../../plan/operation.js';
import type { BoxTerminal, StreamOptions } from '../backend.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import {
  attributesOf,
  defaultAttributes,
  echoing,
  raw,
  setAttributes,
  setSize,
  sizeOf,
  winsize,
} from './callers-terminal.js';
import { explainFailure } from './explain.js';
import { keyboardOf } from './keyboard.js';
import type { OpenStreams } from './streams.js';

/** The terminal of a box, from before the start to the end: what is typed goes in, what is shown comes out. */
export interface OpenTerminal extends OpenStreams {
  readonly ofBox: Caller['terminal'];
  readonly controls: BoxTerminal;
  /** Resolves when whoever sat there has left before the end of the box, which has been hung up on: SIGHUP. */
  readonly left: Promise<void>;
  /** The caller's terminal is the shell's again for a while, and then the box's. */
  suspend(): void;
  resume(): void;
  /** The box has ended. Resolves when all that it has shown is out, and the caller's terminal is as it was. */
  finish(): Promise<void>;
}

/** Milliseconds between two looks at what a box leaves. */
const LOOK = 5;

/** Bytes: more than the kernel keeps of what has been written to a terminal. */
const MOST_LEFT = 256 * 1024;

/** @param options stdin is what is typed, stdout where it is shown; on stderr of its own such a box has nothing. */
export function openTerminal(options: StreamOptions): OpenTerminal {
  const callers = options.stdin === 'inherit' ? new CallersTerminal(0) : undefined;
  const [own, sent] = socketPair();
  let shown: Shown | undefined;
  const connected = () => shown ?? missing();
  let hasLeft = () => {};
  const left = new Promise<void>(resolve => {
    hasLeft = resolve;
  });
  let isOpen = true;
  const closeOwn = () => {
    if (isOpen) closeSync(own);
    isOpen = false;
  };
  return {
    forBox: [0, 1, 2],
    ofBox: {
      socket: sent,
      attributes: echoing(callers?.attributes ?? defaultAttributes()),
      size: callers?.size() ?? winsize({ columns: 0, rows: 0 }),
    },
    forCaller() {
      const sides = receive(own);
      closeOwn();
      shown = new Shown(sides, options, hasLeft);
      callers?.enter(connected().resize);
      return shown.forCaller;
    },
    closeBoxEnds: () => closeSync(sent),
    abandon: closeOwn,
    controls: { resize: size => connected().resize(winsize(size)) },
    left,
    suspend: () => callers?.leave(),
    resume: () => callers?.enter(connected().resize),
    async finish() {
      await connected().finish();
      callers?.end();
    },
  };
}

function missing(): never {
  throw new StartError('the box has not sent its terminal', EXIT_STATUS.failed);
}

/** The other side of a box's terminal, with what the caller reads and writes there. */
class Shown {
  readonly forCaller: ReturnType<OpenStreams['forCaller']>;
  readonly #descriptor: number;
  readonly #screen: ReadStream;
  readonly #closed: Promise<void>;
  readonly #keyboard: Writable;
  readonly #leaveCaller: () => void;
  readonly #hasLeft: () => void;
  #boxSide: number | undefined;
  #read = 0;
  #over = false;

  /**
   * @param boxSide is kept open too, as script(1) does: once nobody has it, libuv takes the end for reached while there is
   *   something left to read.
   */
  constructor(
    [descriptor, boxSide]: readonly [number, number],
    { stdin, stdout, stderr }: StreamOptions,
    hasLeft: () => void,
  ) {
    this.#hasLeft = hasLeft;
    this.#descriptor = descriptor;
    this.#boxSide = boxSide;
    run({ name: 'ioctl', arguments: [integer(descriptor), symbol('FIONBIO', FIONBIO), bytes(ONE, '[1]')] });
    this.#keyboard = keyboardOf(duplicate(descriptor));
    this.#screen = new ReadStream(descriptor);
    this.#screen.on('error', this.#hangUp);
    this.#screen.on('data', chunk => {
      this.#read += chunk.length;
    });
    this.#closed = new Promise(resolve => {
      // Of itself only when the box has hung its own terminal up: vhangup(2).
      this.#screen.once('close', resolve).once('close', this.#hangUp);
    });
    if (stdin === 'ignore') this.#keyboard.end();
    this.#leaveCaller = this.#join(stdin, stdout);
    this.forCaller = {
      stdin: stdin === 'pipe' ? this.#keyboard : undefined,
      stdout: this.#show(stdout),
      stderr: stderr === 'pipe' ? empty() : undefined,
    };
  }

  /** @returns what undoes it. */
  #join(stdin: StreamOptions['stdin'], stdout: StreamOptions['stdout']): () => void {
    const [input, out] = [stdin === 'inherit' && process.stdin, stdout === 'inherit' && process.stdout];
    // A terminal that is hung up is at its end: read(2) returns 0, and only ioctl(2) says that it is gone.
    const ended = () => {
      if (input instanceof ReadStream && attributesOf(0) === undefined) this.#leave();
    };
    if (input) input.on('error', this.#leave).once('end', ended).pipe(this.#keyboard);
    if (out) this.#screen.pipe(out.on('error', this.#leave), { end: false });
    return () => {
      if (input) input.off('error', this.#leave).off('end', ended).unpipe(this.#keyboard).pause();
      if (out) out.off('error', this.#leave);
    };
  }

  /** Whoever sat there has left: the box gets SIGHUP, as from any terminal. */
  readonly #leave = (): void => {
    this.#hangUp();
    this.#hasLeft();
  };

  #show(option: StreamOptions['stdout']): Readable | undefined {
    if (option !== 'pipe') return undefined;
    const out = new PassThrough();
    this.#screen.pipe(out, { end: false });
    this.#closed.then(() => out.end());
    return out;
  }

  readonly #hangUp = (): void => {
    if (this.#boxSide !== undefined) closeSync(this.#boxSide);
    this.#boxSide = undefined;
    this.#over = true;
    this.#keyboard.destroy();
    this.#screen.destroy();
  };

  readonly resize = (size: Uint8Array): void => {
    if (!this.#over) setSize(this.#descriptor, size);
  };

  /** What the kernel still holds is shown first; not what others go on writing, who share a pid namespace with the box. */
  async finish(): Promise<void> {
    const most = this.#read + MOST_LEFT;
    while (!this.#over && this.#read < most && (this.#screen.readableLength > 0 || hasMore(this.#descriptor)))
      await Promise.race([this.#closed, pause(LOOK)]);
    this.#leaveCaller();
    this.#hangUp();
    await this.#closed;
  }
}

/** The terminal that nsgen was started in: every key goes to the box, until the end. */
class CallersTerminal {
  readonly attributes: Buffer | undefined;
  readonly #descriptor: number;
  #follow: (() => void) | undefined;
  #entered = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.attributes = attributesOf(descriptor);
  }

  size(): Buffer | undefined {
    return this.attributes && sizeOf(this.#descriptor);
  }

  /** @param resize the box's terminal, which has the size of this one from now on. */
  enter(resize: (size: Uint8Array) => void): void {
    if (this.attributes === undefined) return;
    if (this.#follow === undefined) {
      this.#follow = () => {
        const size = this.size();
        if (size !== undefined) resize(size);
      };
      process.on('SIGWINCH', this.#follow);
      // However nsgen ends, but by SIGKILL.
      process.on('exit', this.leave);
    }
    this.#entered = setAttributes(this.#descriptor, raw(this.attributes));
    this.#follow();
  }

  readonly leave = (): void => {
    if (this.#entered && this.attributes !== undefined) setAttributes(this.#descriptor, this.attributes);
    this.#entered = false;
  };

  end(): void {
    this.leave();
    process.off('exit', this.leave);
    if (this.#follow !== undefined) process.off('SIGWINCH', this.#follow);
    this.#follow = undefined;
  }
}

const ONE = Buffer.from([1, 0, 0, 0]);

function empty(): Readable {
  const stream = new PassThrough();
  stream.end();
  return stream;
}

function socketPair(): readonly [number, number] {
  const room: Output = { length: 8, text: '[one, other]' };
  const type = flags(SOCK, 'SOCK_STREAM', 'SOCK_CLOEXEC');
  const call: SystemCall = {
    name: 'socketpair',
    arguments: [symbol('AF_UNIX', AF_UNIX), type, integer(0), output(room)],
  };
  const made = run(call).bytes(room);
  return [made.readInt32LE(0), made.readInt32LE(4)];
}

function receive(socket: number): readonly [number, number] {
  const { call, room } = receiveDescriptors(integer(socket));
  return receivedDescriptors(run(call).bytes(room)) ?? missing();
}

/** For who closes it at another time. */
function duplicate(descriptor: number): number {
  const call: SystemCall = {
    name: 'fcntl',
    arguments: [integer(descriptor), symbol('F_DUPFD_CLOEXEC', F_DUPFD_CLOEXEC), integer(3)],
  };
  return run(call).result(call) ?? missing();
}

/** What has been written there, and not been read. */
function hasMore(descriptor: number): boolean {
  const call = pollIn(descriptor, 'terminal');
  return run(call).result(call) !== 0;
}

function run(call: SystemCall) {
  const outcome = runCalls([call]);
  if (outcome.failure !== undefined) throw explainFailure(undefined, outcome, [call]);
  return outcome;
}
