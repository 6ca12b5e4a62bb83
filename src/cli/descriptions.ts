/** What each subcommand does, for its own help and for that of all: which loads none of them. In the order of that. */
export const DESCRIPTIONS = {
  run: 'run a command in a box, or the boxes of a pod',
  script: 'write the bash script that runs a command in a box, or the boxes of a pod; script exec: in a box that runs',
  plan: 'print the operations of a box, in order',
  compare: 'run a command in a box by both backends (its stdin is /dev/null), and look at both worlds side by side',
  rootfs: "make a rootfs of the host's own programs, with what they need",
  init: 'print the init that --init puts into a box',
  exec: 'run a command in a box that runs',
  top: 'show what the running boxes with limits or accounting use, until q is pressed',
  ps: 'list the boxes that have names',
  stop: 'end boxes, and pods with theirs: TERM, and after a while KILL',
  kill: 'send a signal to the commands of boxes, or of all in a pod',
  wait: 'wait until boxes end, and print their exit statuses',
  logs: 'print what a box, or each box of a pod, has written to its stdout and stderr',
  rm: 'remove boxes and pods that have ended, with their logs',
  inspect: 'show the namespaces, mounts and rights of a box, or of any process',
  prune: 'remove what is left of boxes whose nsgen or script was killed',
} as const;

export type SubcommandName = keyof typeof DESCRIPTIONS;
