import { join } from 'node:path';
import type { Parser } from './dockerfile.js';

/** dockerfile-ast, from the bundle of build-parser-main.ts. */
export function loadParser(): Parser {
  const path = join(__dirname, 'build-parser-main.cjs');
  return (require(path) as typeof import('./build-parser-main.js')).DockerfileParser;
}
