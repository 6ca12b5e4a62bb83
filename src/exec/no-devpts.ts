import { TERMINALS_DIRECTORY } from '../box/terminal-rules.js';

/** Why a command there cannot have a terminal. */
export const noDevpts = (pid: number): string =>
  `process ${pid} has no devpts on ${TERMINALS_DIRECTORY}, so there is no terminal to be had: start the box with -t, or with --mount type=devpts,dst=${TERMINALS_DIRECTORY}`;
