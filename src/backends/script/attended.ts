/** How execa has bash run a script that somebody waits for. Whom a signal ends, and when, is the script's to say. */
export const ATTENDED = {
  buffer: false,
  reject: false,
  cleanup: false,
  // Else SIGKILL comes five seconds after SIGTERM, whatever the box was told.
  forceKillAfterDelay: false,
} as const;
