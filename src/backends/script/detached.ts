import type { Box } from '../../box/box.js';

export async function runDetachedScript(_box: Box, _name: string | undefined): Promise<number> {
  throw new Error('not yet');
}
