export const topCommand = (await import('./prune.js')).pruneCommand;
