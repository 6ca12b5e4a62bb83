import * as v from 'valibot';
import { check, fields } from './fields.js';
import { isAbsolutePath, layerProblem, TMPFS_SIZE } from './values.js';

const layer = v.pipe(v.string(), v.metadata({ pattern: '^/' }), check(layerProblem), v.guard(isAbsolutePath));

/** OVL_MAX_STACK in fs/overlayfs/params.h, and a page of options (mount(2)) has room for as many short names. */
const MOST_LAYERS = 500;

export const overlay = fields({
  lower: v.optional(
    v.pipe(
      v.array(layer),
      v.minLength(1, 'must name a directory'),
      v.maxLength(MOST_LAYERS, `must be at most ${MOST_LAYERS} directories`),
      v.description('Directories that are only read, the topmost first; the rootfs, if there is one, is below them.'),
    ),
  ),
  upper: v.optional(
    v.pipe(
      layer,
      v.description('Where what the box changes is kept. It is made if it is missing. Without it, nothing is kept.'),
    ),
  ),
  work: v.optional(
    v.pipe(
      layer,
      v.description('An empty directory for overlayfs itself, on the file system of upper; UPPER.work unless given.'),
    ),
  ),
  size: v.optional(
    v.pipe(
      v.string(),
      v.regex(TMPFS_SIZE, 'must be a size as tmpfs(5) takes it: "16m", "1g", "50%"'),
      v.description('The limit of what a box without upper can change, in memory: see tmpfs(5).'),
    ),
  ),
});
