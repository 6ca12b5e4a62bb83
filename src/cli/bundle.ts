/** Loaded only with --bundle: see build:run in package.json. */
export { readBundle } from '../box/oci/bundle.js';
