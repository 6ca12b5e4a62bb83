import { callerBoxes } from './boxes/callers.js';
import { commandBoxes } from './boxes/commands.js';
import { deviceBoxes } from './boxes/devices.js';
import { initBoxes } from './boxes/inits.js';
import { joinedBoxes } from './boxes/joined.js';
import { limitBoxes } from './boxes/limits.js';
import { mountTypeBoxes } from './boxes/mount-types.js';
import { mountBoxes } from './boxes/mounts.js';
import { nameBoxes } from './boxes/names.js';
import { namespaceBoxes } from './boxes/namespaces.js';
import { newFileBoxes } from './boxes/new-files.js';
import { overlayBoxes } from './boxes/overlays.js';
import { programBoxes } from './boxes/programs.js';
import { terminalBoxes } from './boxes/terminals.js';
import type { NamedBox } from './named-box.js';

/** Every box by name. Each is started in three ways, and must be the same in all of them. */
export const NAMED_BOXES: readonly NamedBox[] = [
  ...namespaceBoxes,
  ...joinedBoxes,
  ...nameBoxes,
  ...mountBoxes,
  ...mountTypeBoxes,
  ...newFileBoxes,
  ...overlayBoxes,
  ...programBoxes,
  ...deviceBoxes,
  ...commandBoxes,
  ...callerBoxes,
  ...initBoxes,
  ...terminalBoxes,
  ...limitBoxes,
];
