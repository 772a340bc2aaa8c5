import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkRequests, PodRequests } from '../../../src/engine/kube/requests.js';
import { claimsOf } from '../../../src/kube/claims.js';
import { Contents } from '../../../src/kube/contents.js';
import { readObjects } from '../../../src/kube/read.js';
import { podsOf } from '../../../src/kube/workloads.js';
import { FosterError } from '../../../src/sys/errors.js';
import { NO_SURROUNDINGS, setSurroundings } from '../../../src/sys/surroundings.js';

/** Files of Kubernetes with the shapes of well-known public ones, test/kube: what they become, and what is left out. */
const FOLDER = 'test/kube';

/** Pods and claims that a file makes, and fields and kinds that are left out with --strict=false: without them, the file is played. */
const CASES: Record<string, { pods: number; claims?: number; leftOut?: string[] }> = {
  cassandra: { pods: 3, claims: 3 },
  coredns: { pods: 1, leftOut: ['serviceAccountName', 'priorityClassName', 'strategy'] },
  'downward-api': { pods: 1 },
  'etcd-static-pod': { pods: 1, leftOut: ['priority', 'priorityClassName'] },
  'fluentd-daemonset': { pods: 1, leftOut: ['tolerations'] },
  grafana: { pods: 1, claims: 1, leftOut: ['type'] },
  guestbook: { pods: 6, leftOut: ['type'] },
  'indexed-job': { pods: 5 },
  'lifecycle-events': { pods: 1 },
  'metrics-server': { pods: 1, leftOut: ['strategy', 'scheme'] },
  'node-exporter': {
    pods: 1,
    leftOut: [
      ...['automountServiceAccountToken', 'serviceAccountName', 'nodeSelector', 'tolerations'],
      ...['priorityClassName', 'updateStrategy'],
    ],
  },
  'pi-job': { pods: 1, leftOut: ['ttlSecondsAfterFinished'] },
  postgres: { pods: 1, claims: 1 },
  prometheus: { pods: 1, leftOut: ['kind', 'serviceAccountName'] },
  'redis-configmap': { pods: 1 },
  'security-context': { pods: 1 },
  'share-process': { pods: 1 },
  'shop-frontend': { pods: 2, leftOut: ['serviceAccountName', 'grpc', 'livenessProbe'] },
  'sidecar-job': { pods: 1 },
  traefik: { pods: 1, leftOut: ['kind', 'serviceAccountName', 'type'] },
  'wordpress-mysql': { pods: 2, claims: 2 },
  zookeeper: { pods: 3, claims: 3, leftOut: ['kind', 'affinity', 'updateStrategy'] },
};

/** Checks a file as kube play does. @param warn undefined to be strict */
function check(
  text: string,
  name: string,
  warn?: (message: string) => void,
): { pods: number; claims: number } {
  setSurroundings({ ...NO_SURROUNDINGS, warn: (message) => warn?.(message) });
  const objects = readObjects({ name, folder: '/', text }, warn && ((error) => warn(error.message)));
  const contents = new Contents(objects);
  const plans = podsOf(objects);
  const strict = warn === undefined;
  checkRequests(plans.map((plan, index) => new PodRequests(plan, { strict }, contents, undefined, index)));
  return { pods: plans.length, claims: claimsOf(objects).length };
}

test('each file of test/kube is listed, here and in docs/kube.md', () => {
  const names = readdirSync(FOLDER).map((name) => name.replace(/\.yaml$/, ''));
  assert.deepEqual(names.sort(), Object.keys(CASES).sort());
  const doc = readFileSync('docs/kube.md', 'utf8');
  for (const name of names)
    assert.match(doc, new RegExp(`^\\| \\[${name}\\]\\(\\.\\./test/kube/${name}\\.yaml\\) \\|`, 'm'));
});

for (const [name, { pods, claims = 0, leftOut = [] }] of Object.entries(CASES))
  test(`${name}: ${pods} pods, ${leftOut.length === 0 ? 'all of it' : `without ${leftOut.join(', ')}`}`, () => {
    const file = `${name}.yaml`;
    const text = readFileSync(`${FOLDER}/${file}`, 'utf8');
    const warnings: string[] = [];
    assert.deepEqual(
      check(text, file, (message) => warnings.push(message)),
      { pods, claims },
    );
    const fields = warnings.map((message) => /^\S+ (?:\S*[.\]])?(\w+): /.exec(message)?.[1] ?? message);
    assert.deepEqual(fields, leftOut);
    if (leftOut.length === 0) assert.deepEqual(check(text, file), { pods, claims });
    else assert.throws(() => check(text, file), FosterError);
  });
