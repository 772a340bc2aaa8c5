import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { FOSTER } from './support/foster.js';
import { KubeHome } from './support/kube.js';
import { commandLine, descendants, reap } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** The order in which the containers of a file of Kubernetes begin and end: hooks, sidecars, the pods of a Job. */
const home = new KubeHome();
const { containers } = home;
const ok = (...args: string[]) => home.ok(...args);
const file = (name: string, text: string) => home.file(name, text);

/** What is written to the file `log` of a volume. */
const logOf = (volume: string) =>
  ok('run', '--rm', '-v', `${volume}:/v`, 'busybox', 'cat', '/v/log').split('\n');

const untilTold = (name: string) =>
  `trap 'echo ${name} ends >> /v/log; exit 0' TERM; while :; do sleep 0.05; done`;

test('init containers, sidecars and hooks have their turns at the start and at the end, and fsGroup owns volumes', async () => {
  const mount =
    'volumeMounts: [{name: v, mountPath: /v}, {name: empty, mountPath: /empty}, {name: old, mountPath: /old}]';
  const path = file(
    'turns.yaml',
    `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: turns}
spec: {accessModes: [ReadWriteOnce]}
---
apiVersion: v1
kind: Pod
metadata: {name: turns}
spec:
  terminationGracePeriodSeconds: 300
  securityContext: {runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000}
  initContainers:
    - {name: init, image: busybox, command: [sh, -c, "echo init >> /v/log"], ${mount}}
    - name: early
      image: busybox
      restartPolicy: Always
      command: [sh, -c, "echo early >> /v/log; ${untilTold('early')}"]
      startupProbe: &asked {exec: {command: [grep, -q, early, /v/log]}, periodSeconds: 1, timeoutSeconds: 100}
      livenessProbe: *asked
      ${mount}
    - {name: late, image: busybox, restartPolicy: Always, command: [sh, -c, "${untilTold('late')}"], ${mount}}
  containers:
    - name: main
      image: busybox
      command: [sh, -c, "id -G > /empty/groups; echo main >> /v/log; ${untilTold('main')}"]
      lifecycle:
        postStart: {exec: {command: [sh, -c, "until grep -q main /v/log; do sleep 0.05; done; echo postStart >> /v/log"]}}
        preStop: {exec: {command: [sh, -c, "echo $(GREETING) >> /v/log"]}}
      env: [{name: GREETING, value: preStop}]
      ${mount}
  volumes: [{name: v, persistentVolumeClaim: {claimName: turns}}, {name: empty, emptyDir: {}}, {name: old, persistentVolumeClaim: {claimName: old}}]
`,
  );
  ok(
    'run',
    '--rm',
    '-v',
    'old:/v',
    'busybox',
    'sh',
    '-c',
    'mkdir -m 700 /v/d; echo x > /v/d/f; chmod 600 /v/d/f; ln -s f /v/d/l',
  );
  ok('kube', 'play', path);
  const inside = (script: string) => ok('exec', 'turns-main', 'sh', '-c', script);
  await waitUntil('the hook of the start', () => inside('cat /v/log').includes('postStart'));
  assert.deepEqual(inside('stat -c "%g %a" /v /empty /v/log; cat /empty/groups').split('\n'), [
    '2000 2775',
    '2000 2777',
    '2000 644',
    '1000 2000',
  ]);
  const old = inside('stat -c "%g %a" /old /old/d /old/d/f; cat /old/d/f').split('\n');
  assert.deepEqual(old, ['2000 2775', '2000 2770', '2000 660', 'x']);
  assert.match(ok('kube', 'generate', 'turns'), /restartPolicy: Always\n[\s\S]*preStop:\n {10}exec:/);
  ok('kube', 'down', path);
  assert.deepEqual(logOf('turns'), [
    ...['init', 'early', 'main', 'postStart'],
    ...['preStop', 'main ends', 'late ends', 'early ends'],
  ]);
});

test('a hook that fails ends a container at its start, and only warns at its end', async () => {
  const path = file(
    'hooks.yaml',
    `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 300
      containers:
        - name: good
          image: busybox
          command: [sh, -c, "touch /data/file; exec httpd -f -p 8080 -h /data"]
          volumeMounts: [{name: data, mountPath: /data}]
          lifecycle: {preStop: {httpGet: {path: /none, port: 8080}}}
        - {name: bad, image: busybox, command: [sleep, "1000"], lifecycle: {postStart: {exec: {command: ["false"]}}, preStop: {sleep: {seconds: 0}}}}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce]}}]
`,
  );
  ok('kube', 'play', path);
  await containers.until('a restart', 'db-pod-bad', ({ restarts }) => restarts > 0);
  assert.match(home.foster(['logs', 'db-pod-bad']).stderr, /^foster: the hook postStart has failed/);
  await waitUntil(
    'its file',
    () => home.foster(['exec', 'db-pod-1-good', 'ls', '/data']).stdout === 'file\n',
  );
  const { stderr } = home.foster(['stop', 'db-pod-good']);
  assert.equal(
    stderr,
    'foster: warning: the hook preStop of container db-pod-good has failed with exit code 1\n',
  );
  ok('kube', 'down', path);
  assert.equal(ok('volume', 'ls', '-q'), 'data-db-0\ndata-db-1');
});

test('a hook ends with the command that is killed while it runs, and the container goes on', async () => {
  const path = file(
    'slow.yaml',
    `
apiVersion: v1
kind: Pod
metadata: {name: slow}
spec: {containers: [{name: c, image: busybox, command: [sleep, "1000"], lifecycle: {preStop: {exec: {command: [sleep, "1234"]}}}}]}
`,
  );
  ok('kube', 'play', path);
  const stop = spawn(FOSTER, ['stop', 'slow-c'], { env: home.env, stdio: 'ignore' });
  const ended = once(stop, 'exit');
  const hook = await waitUntil('the hook runs', () =>
    descendants().find(({ pid }) => commandLine(pid) === 'sleep\x001234\0'),
  );
  stop.kill('SIGKILL');
  await ended;
  await waitUntil('the hook has ended', () => reap(hook.pid));
  assert.equal(containers.inspect('slow-c', '{{.State.Status}}'), 'running');
  const { status, stderr } = home.foster(['stop', '-t', '1', 'slow-c']);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /the hook preStop of container slow-c did not end in time: killed/);
});

/** A Job whose pods run a command, with a volume at /v. */
const job = (command: string, { backoffLimit = 0, completions = 3, parallelism = 2 } = {}) =>
  file(
    'job.yaml',
    `
apiVersion: batch/v1
kind: Job
metadata: {name: work}
spec:
  completions: ${completions}
  parallelism: ${parallelism}
  completionMode: Indexed
  backoffLimit: ${backoffLimit}
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 0
      initContainers: [{name: beside, image: busybox, restartPolicy: Always, command: [sleep, "1000"]}]
      containers: [{name: c, image: busybox, command: [sh, -c, "${command}"], volumeMounts: [{name: v, mountPath: /v}]}]
      volumes: [{name: v, persistentVolumeClaim: {claimName: done}}]
`,
  );

test('the pods of a Job do their work side by side, and those that come later one after the other', () => {
  ok('kube', 'play', '--wait', job('echo $JOB_COMPLETION_INDEX $HOSTNAME >> /v/log'));
  assert.deepEqual(logOf('done').toSorted(), ['0 work-0', '1 work-1', '2 work-2']);
  // the first one that fails is the end of all; the other one waits to be ended
  ok(
    'kube',
    'play',
    '--wait',
    job('echo $JOB_COMPLETION_INDEX >> /v/log; [ $JOB_COMPLETION_INDEX = 1 ] || sleep 1000; exit 1'),
  );
  assert.deepEqual(logOf('done').slice(3).toSorted(), ['0', '1']);
});

test('backoffLimit counts the failures of all pods of a Job', () => {
  const failing = 'echo again >> /v/log; exit 1';
  ok('kube', 'play', '--wait', job(failing, { backoffLimit: 2 }));
  const tries = logOf('done').length;
  // the third failure ends it, while another try may have begun
  assert.ok(tries === 3 || tries === 4, `${tries} tries`);
});

test('a Job goes on after SIGKILL of a monitor, which is a failure, as soon as somebody looks', async () => {
  const path = job('echo $JOB_COMPLETION_INDEX >> /v/log; until [ -e /v/go ]; do sleep 0.05; done', {
    backoffLimit: 1,
    completions: 2,
    parallelism: 1,
  });
  ok('kube', 'play', path);
  const until = (name: string, wanted: string) =>
    containers.until(`${name}: ${wanted}`, name, ({ status }) => status === wanted);
  await waitUntil('the first line', () => ok('exec', 'work-pod-c', 'cat', '/v/log') === '0');
  process.kill(Number(containers.inspect('work-pod-c', '{{.State.ConmonPid}}')), 'SIGKILL');
  await until('work-pod-c', 'dead');
  ok('pod', 'ps');
  await until('work-pod-c', 'running');
  ok('exec', 'work-pod-c', 'touch', '/v/go');
  await until('work-pod-1-c', 'exited');
  assert.deepEqual(logOf('done'), ['0', '0', '1']);
  ok('kube', 'down', path);
});

test('public files that need no other image run as they say', () => {
  ok('kube', 'play', '--wait', 'test/kube/sidecar-job.yaml');
  ok('kube', 'play', 'test/kube/security-context.yaml');
  const inside = ok('exec', 'security-context-demo-sec-ctx-demo', 'sh', '-c', 'id; stat -c %g /data/demo');
  assert.equal(inside, 'uid=1000 gid=3000 groups=2000,3000,4000\n2000');
});
