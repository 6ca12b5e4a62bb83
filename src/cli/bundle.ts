/** Loaded only with --bundle: see build-command.mjs. */
export { readBundle } from '../box/oci/bundle.js';
