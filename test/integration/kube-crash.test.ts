import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CrashHome, killAtEachStep, titleOf, type Walk } from './support/crash.js';

/** SIGKILL at the steps of kube play and down: the lists stay true, and the next command works. */
const home = new CrashHome();
home.env.FOSTER_NETWORK = 'none';
home.must(['run', '--rm', 'busybox', 'true']); // builds the root filesystem

const text = `
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {page: hello}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
---
apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: web
      image: busybox
      command: [sh, -c, "cat /conf/page > /work/page; cp /work/page /data; exec sleep 1000"]
      volumeMounts: [{name: conf, mountPath: /conf}, {name: work, mountPath: /work}, {name: data, mountPath: /data}]
  volumes:
    - {name: conf, configMap: {name: conf}}
    - {name: work, emptyDir: {}}
    - {name: data, persistentVolumeClaim: {claimName: data}}
`;
const file = join(home.folder, 'shop.yaml');
writeFileSync(file, text);
const PLAY = ['kube', 'play', file];
const DOWN = ['kube', 'down', '--force', file];

/** Steps of foster kube itself. Those of the pods, containers and volumes that it makes have tests of their own. */
const only =
  /^(network of pods|volume of the (pod|claim)|pod|container of the pod) (created|filled|started|removed)$/;
const WALKS: Walk[] = [
  { args: PLAY, least: 9, only },
  { before: [PLAY], args: ['kube', 'play', '--replace', file], least: 9, only },
  { before: [PLAY], args: DOWN, least: 2, only },
];

/** Whatever has happened, the next play makes the whole pod, and down removes everything. */
async function recover(what: string): Promise<void> {
  try {
    await home.assertTruth();
    home.must(['kube', 'play', '--replace', file]);
    const listed = await home.assertTruth();
    assert.deepEqual(
      listed.map(({ name, state }) => `${name.replace(/^.*-infra/, 'infra')} ${state}`).sort(),
      ['infra running', 'shop-web running'],
    );
    assert.equal(home.must(['exec', 'shop-web', 'sh', '-c', 'until cat /data/page; do :; done']), 'hello');
    home.must(DOWN);
    assert.deepEqual(await home.assertTruth(), []);
    assert.equal(home.must(['volume', 'ls', '-q']), '');
    assert.deepEqual(await home.library.pods.list(), []);
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${error.message}`;
    throw error;
  }
}

for (const walk of WALKS)
  test(titleOf(walk), { timeout: 600_000 }, async () => {
    await killAtEachStep(home, walk, recover);
    await home.assertCleans();
  });
