import type { RunningBox, StreamOptions } from '../backends/backend.js';
import { endInit, startInit, startMember } from '../backends/ffi/pod.js';
import { BoxError } from '../box/problem.js';
import { inPod, type Pod } from './pod.js';

/** A pod that runs, and ends, at the latest, when this process does. */
export interface RunningPod extends Pick<RunningBox, 'kill' | 'suspend' | 'resume'> {
  readonly boxes: readonly NamedBox[];
  /** Resolves when every box has ended, and then the init, with whatever the boxes have left behind. */
  readonly ended: Promise<PodEnd>;
}

export interface NamedBox {
  readonly name: string;
  readonly running: RunningBox;
}

export interface PodEnd {
  /** That of the first box, as they are written, whose status is not 0. */
  readonly exitStatus: number;
}

/**
 * Starts a pod by system calls: its init, then its boxes, each when the one before it has become its command.
 *
 * @param streams of every box.
 * @throws StartError or BoxError when one cannot be started; the others have been ended then.
 */
export async function startPod(pod: Pod, streams: StreamOptions): Promise<RunningPod> {
  const init = startInit(pod);
  const boxes: NamedBox[] = [];
  const allEnded = () => Promise.all(boxes.map(({ running }) => running.ended));
  try {
    for (const box of pod.boxes) boxes.push({ name: box.name, running: startMember(box, init, streams) });
  } catch (error) {
    await Promise.all([endInit(init), allEnded()]);
    throw error;
  }
  const ended = allEnded().then(async ends => {
    await endInit(init);
    return { exitStatus: ends.find(({ exitStatus }) => exitStatus !== 0)?.exitStatus ?? 0 };
  });
  return { boxes, ended, ...controlsOf(boxes) };
}

function controlsOf(boxes: readonly NamedBox[]): Pick<RunningPod, 'kill' | 'suspend' | 'resume'> {
  const all = boxes.map(({ running }) => running);
  return {
    kill: signal => all.map(running => running.kill(signal)).includes(true),
    suspend: async () =>
      (await Promise.all(all.map(running => running.suspend()))).reduce((sum, going) => sum + going, 0),
    resume() {
      for (const running of all) running.resume();
    },
  };
}

/** @throws BoxError with what is missing for any of the boxes. */
export function requireAll(pod: Pod, require: (box: Pod['boxes'][number]['box']) => void): void {
  const problems = pod.boxes.flatMap(({ name, box }) => {
    try {
      require(box);
      return [];
    } catch (error) {
      if (error instanceof BoxError) return inPod(name, error.problems);
      throw error;
    }
  });
  if (problems.length > 0) throw new BoxError(problems);
}
