import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CrashHome, killAtEachStep, titleOf, type Walk } from './support/crash.js';
import { FOSTER } from './support/foster.js';
import { waitUntil } from './support/wait.js';

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
  initContainers:
    - name: beside
      image: busybox
      restartPolicy: Always
      command: [sh, -c, "touch /tmp/there; exec sleep 1000"]
      startupProbe: {exec: {command: [test, -e, /tmp/there]}, periodSeconds: 1, timeoutSeconds: 100}
  containers:
    - name: web
      image: busybox
      command: [sh, -c, "until [ -e /tmp/told ]; do :; done; cat /conf/page > /work/page; cp /work/page /data; exec sleep 1000"]
      lifecycle: {postStart: {exec: {command: [touch, /tmp/told]}}, preStop: {exec: {command: ["true"]}}}
      volumeMounts: [{name: conf, mountPath: /conf}, {name: work, mountPath: /work}, {name: data, mountPath: /data}]
  volumes:
    - {name: conf, configMap: {name: conf}}
    - {name: work, emptyDir: {}}
    - {name: data, persistentVolumeClaim: {claimName: data}}
`;
const file = join(home.folder, 'shop.yaml');
writeFileSync(file, text);
const job = join(home.folder, 'job.yaml');
writeFileSync(
  job,
  `
apiVersion: batch/v1
kind: Job
metadata: {name: work}
spec:
  completions: 2
  parallelism: 1
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox, command: ["true"]}]}}
`,
);
const PLAY = ['kube', 'play', file];
/** As PLAY. */
const IS_PLAYED = { words: PLAY, byLibrary: () => home.library.kube.play(file) };
const DOWN = ['kube', 'down', '--force', file];

/** Steps of foster kube itself. Those of the pods, containers and volumes that it makes have tests of their own. */
const only =
  /^(network of pods|volume of the (pod|claim)|pod|container of the pod) (created|filled|started|removed)$/;
const WALKS: Walk[] = [
  { args: PLAY, least: 9, only },
  { before: [IS_PLAYED], args: ['kube', 'play', '--replace', file], least: 9, only },
  { before: [IS_PLAYED], args: DOWN, least: 2, only },
];

/** Whatever has happened, the next play makes the whole pod, and down removes everything. */
async function recover(what: string): Promise<void> {
  try {
    await home.assertTruth();
    await home.library.kube.play(file, { replace: true });
    const listed = await home.assertTruth();
    assert.deepEqual(
      listed.map(({ name, state }) => `${name.replace(/^.*-infra/, 'infra')} ${state}`).sort(),
      ['infra running', 'shop-beside running', 'shop-web running'],
    );
    assert.equal(home.must(['exec', 'shop-web', 'sh', '-c', 'until cat /data/page; do :; done']), 'hello');
    await home.library.kube.down(file, { force: true });
    assert.deepEqual(await home.assertTruth(), []);
    assert.deepEqual(await home.library.volumes.list(), []);
    assert.deepEqual(await home.library.pods.list(), []);
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${error.message}`;
    throw error;
  }
}

for (const walk of WALKS)
  test(titleOf(walk), { timeout: 1_800_000 }, async () => {
    await killAtEachStep(home, walk, recover);
    await home.assertCleans();
  });

/** The next look goes on with a Job that had begun; what had not begun is played again. */
async function finish(what: string): Promise<void> {
  try {
    const pods = await home.library.pods.list();
    const hasBegun = pods.length === 2 && pods.some(({ state }) => state !== 'Created');
    if (!hasBegun) await home.library.kube.play(job, { replace: true });
    await waitUntil('the end of the Job', async () => {
      const states = (await home.library.pods.list()).map(({ state }) => state);
      return states.length === 2 && states.every((state) => state === 'Exited');
    });
    await home.library.kube.down(job);
    assert.deepEqual(await home.assertTruth(), []);
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${error.message}`;
    throw error;
  }
}

test('a Job ends whatever is killed while it is started, or while its first pod makes way for the next one', async () => {
  const only = /^(pod created|infra container started|pod started)$/;
  await killAtEachStep(home, { args: ['kube', 'play', job], least: 4, only }, finish);
  await home.assertCleans();
});

/** A `kube play` that is stopped after the first step of a kind, until it gets SIGCONT. */
async function stoppedPlay(wanted: string, { stderr }: { stderr: string }) {
  const steps = [...stderr.matchAll(/^fault point (\d+): (.*)$/gm)];
  const [, number] = steps.find(([, , step]) => step === wanted) ?? [];
  const child = spawn(FOSTER, PLAY, {
    env: { ...home.env, FOSTER_FAULT: `stop:${number}` },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  const stat = () => readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  await waitUntil(`the stop when: ${wanted}`, () => /^\d+ \(.*\) T/.test(stat()));
  return { child, ended };
}

test('what is pruned while kube play works is nothing that it has made; an interrupt of it removes that', async () => {
  const counted = home.foster(PLAY, { env: { FOSTER_FAULT: 'count' } });
  home.must(DOWN);
  const play = await stoppedPlay('volume of the pod filled', counted);
  home.must(['volume', 'prune', '-f']);
  play.child.kill('SIGCONT');
  assert.deepEqual(await play.ended, [0, null]);
  await waitUntil(
    'the file',
    () => home.foster(['exec', 'shop-web', 'cat', '/data/page']).stdout === 'hello',
  );
  home.must(DOWN);
  for (const wanted of ['volume of the pod filled', 'container of the pod created', 'pod started']) {
    const { child, ended } = await stoppedPlay(wanted, counted);
    child.kill('SIGINT');
    child.kill('SIGCONT');
    assert.deepEqual(await ended, [130, null], wanted);
    assert.deepEqual(await home.assertTruth(), [], wanted);
    assert.deepEqual(await home.library.volumes.list(), [], wanted);
  }
  const child = spawn(FOSTER, ['kube', 'play', '--wait', file], { env: home.env, stdio: 'ignore' });
  const ended = once(child, 'exit');
  await waitUntil('the start', async () =>
    (await home.listed()).some(({ state, name }) => state === 'running' && name === 'shop-web'),
  );
  await waitUntil('the report', () => home.foster(['exec', 'shop-web', 'cat', '/data/page']).status === 0);
  child.kill('SIGINT');
  const [status] = await ended;
  assert.equal(status, 130);
  assert.deepEqual(await home.assertTruth(), []);
  home.foster(DOWN);
  await home.assertCleans();
});
