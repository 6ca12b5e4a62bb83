import { removeState } from '../state/pods.js';
import { findAny } from '../state/remove.js';
import { DESCRIPTIONS } from './descriptions.js';
import { namedBoxesCommand } from './named-boxes.js';
import { write } from './output.js';

const FLAGS = {
  force: { type: 'boolean', alias: 'f', description: 'end those that run, by SIGKILL' },
} as const;

export const rmCommand = namedBoxesCommand('rm', DESCRIPTIONS.rm, FLAGS, flags => {
  const force = flags.has('force');
  return async name => {
    await removeState(findAny(name), force);
    write(1, `${name}\n`);
  };
});
