import { createHash } from 'node:crypto';
import { type Json, sorted } from './json.js';
import type { Service } from './project.js';

/** Fields that say nothing about a container. */
const OTHERS = [
  'build',
  'depends_on',
  'deploy',
  'develop',
  'env_file',
  'profiles',
  'pull_policy',
  'scale',
  'attach',
];

/**
 * Identifies what a service's containers are made from: while it stays the same, they need not be made again.
 * @param more what else they are made from, such as the content of secrets
 */
export function configHash(service: Service, more: Json = null): string {
  const own = Object.entries(service).filter(([field]) => !OTHERS.includes(field));
  const { resources, restart_policy } = service.deploy ?? {};
  const what = { ...Object.fromEntries(own), deploy: { resources, restart_policy }, more };
  const plain = JSON.parse(JSON.stringify(what)) as Json;
  return createHash('sha256')
    .update(JSON.stringify(sorted(plain)))
    .digest('hex');
}
