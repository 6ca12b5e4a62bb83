import { closeSync, openSync } from 'node:fs';
import { O } from '../../linux/constants.js';
import { runCalls } from '../../linux/program.js';
import { flags, type Output, output, type SystemCall } from '../../linux/system-call.js';
import type { Caller } from '../../plan/operation.js';
import type { RunningBox, StreamOption, StreamOptions } from '../backend.js';
import { explainFailure } from './explain.js';

/** The two ends of the three standard streams, from before the start to the moment both sides have their own. */
export interface OpenStreams {
  readonly forBox: Caller['streams'];
  forCaller(): Pick<RunningBox, 'stdin' | 'stdout' | 'stderr'>;
  /** The box has its own copies. */
  closeBoxEnds(): void;
  /** The box did not start: the caller's ends lead nowhere. */
  abandon(): void;
}

interface Ends {
  readonly box: number;
  readonly caller: number | undefined;
}

export function openStreams({ stdin, stdout, stderr }: StreamOptions): OpenStreams {
  const options = [stdin, stdout, stderr] as const;
  const pipes = makePipes(options.filter(option => option === 'pipe').length);
  const [input, out, error] = [endsOf(stdin, 0, pipes), endsOf(stdout, 1, pipes), endsOf(stderr, 2, pipes)];
  const all = [input, out, error];
  return {
    forBox: [input.box, out.box, error.box],
    forCaller: () => ({
      stdin: socket(input.caller, { readable: false, writable: true }),
      stdout: socket(out.caller, { readable: true, writable: false }),
      stderr: socket(error.caller, { readable: true, writable: false }),
    }),
    closeBoxEnds() {
      for (const { box } of all) if (box > 2) closeSync(box);
    },
    abandon() {
      for (const { caller } of all) if (caller !== undefined) closeSync(caller);
    },
  };
}

/** Only a pipe needs node:net, which takes 2 ms to load: a tenth of the start of Node. */
function socket(fd: number | undefined, direction: { readonly readable: boolean; readonly writable: boolean }) {
  if (fd === undefined) return undefined;
  const { Socket } = process.getBuiltinModule('node:net');
  return new Socket({ fd, ...direction });
}

function endsOf(option: StreamOption, target: 0 | 1 | 2, pipes: (readonly [read: number, write: number])[]): Ends {
  switch (option) {
    case 'inherit':
      return { box: target, caller: undefined };
    case 'ignore':
      return { box: openSync('/dev/null', 'r+'), caller: undefined };
    case 'pipe': {
      const pipe = pipes.pop();
      if (pipe === undefined) throw new RangeError('one pipe too few');
      const [read, write] = pipe;
      return target === 0 ? { box: read, caller: write } : { box: write, caller: read };
    }
  }
}

/** pipe2(2): libuv has no pipes that a child of somebody else's making can have. */
function makePipes(count: number): (readonly [read: number, write: number])[] {
  const wanted = Array.from({ length: count }, () => {
    const room: Output = { length: 8, text: '[read, write]' };
    const call: SystemCall = { name: 'pipe2', arguments: [output(room), flags(O, 'O_CLOEXEC')] };
    return { room, call };
  });
  if (count === 0) return [];
  const calls = wanted.map(({ call }) => call);
  const outcome = runCalls(calls);
  const made = wanted.filter(({ call }) => outcome.result(call) === 0);
  const pipes = made.map(
    ({ room }) => [outcome.bytes(room).readInt32LE(0), outcome.bytes(room).readInt32LE(4)] as const,
  );
  if (outcome.failure === undefined) return pipes;
  for (const descriptor of pipes.flat()) closeSync(descriptor);
  throw explainFailure(undefined, outcome, calls);
}
