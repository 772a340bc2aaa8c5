import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ContainerInfo } from '../../src/engine/index.js';
import { KubeHome } from './support/kube.js';
import { freePorts } from './support/ports.js';
import { waitUntil } from './support/wait.js';

/** Files of Kubernetes as people play them: what containers get, what is removed, and what fails. */
const home = new KubeHome();
const { containers } = home;
const ok = (...args: string[]) => home.ok(...args);
const file = (name: string, text: string) => home.file(name, text);

/** Runs a foster command that must fail. Returns its message. */
function failure(...args: string[]): string {
  const { status, stderr } = home.foster(args);
  assert.equal(status, 125, `foster ${args.join(' ')}: ${stderr}`);
  return stderr;
}

const lines = (...args: string[]) =>
  ok(...args)
    .split('\n')
    .filter(Boolean);
const inside = (name: string, script: string) => ok('exec', name, 'sh', '-c', script);

/** What is there of pods, containers and volumes. */
const everything = () => [...lines('pod', 'ps', '-q'), ...lines('ps', '-aq'), ...lines('volume', 'ls', '-q')];

const POD = `
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {page: "hello", KEY: value, "not a name": x}
---
apiVersion: v1
kind: Pod
metadata: {name: shop, labels: {app: shop}, annotations: {note: "x=y"}}
spec:
  restartPolicy: Never
  hostname: till
  terminationGracePeriodSeconds: 1
  hostAliases: [{ip: 10.1.2.3, hostnames: [foo.local, bar.local]}]
  dnsConfig: {nameservers: [10.9.9.9], searches: [shop.local], options: [{name: ndots, value: "3"}]}
  securityContext: {runAsUser: 1000, runAsGroup: 2000, supplementalGroups: [3000]}
  initContainers:
    - name: init
      image: busybox
      command: [sh, -c, "echo made > /work/init; echo sub > /work/file; mkdir /work/folder"]
      volumeMounts: [{name: work, mountPath: /work}]
  containers:
    - name: web
      image: busybox
      command: [sh, -c]
      args: ["echo '$(GREETING) $$(A)'; exec sleep 1000"]
      workingDir: /tmp
      env:
        - {name: A, value: "1"}
        - {name: GREETING, value: "hi-$(A)-$(NOPE)"}
        - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: APP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
        - {name: UID_OF_POD, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
        - {name: K, valueFrom: {configMapKeyRef: {name: conf, key: KEY}}}
        - {name: S, valueFrom: {secretKeyRef: {name: token, key: token}}}
        - {name: NONE, valueFrom: {secretKeyRef: {name: none, key: none, optional: true}}}
      envFrom: [{prefix: X_, configMapRef: {name: conf}}]
      ports: [{containerPort: 80, name: http}]
      securityContext:
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}
      volumeMounts:
        - {name: work, mountPath: /work}
        - {name: work, mountPath: /part, subPath: folder}
        - {name: conf, mountPath: /conf}
        - {name: conf, mountPath: /etc/page, subPath: page}
        - {name: all, mountPath: /all, readOnly: true}
        - {name: memory, mountPath: /memory}
        - {name: data, mountPath: /data}
        - {name: host, mountPath: /host}
    - name: other
      image: busybox
      command: [sleep, "1000"]
      securityContext: {runAsUser: 0}
      volumeMounts: [{name: work, mountPath: /work}]
  volumes:
    - {name: work, emptyDir: {}}
    - {name: conf, configMap: {name: conf, items: [{key: page, path: page, mode: 0444}]}}
    - name: all
      projected:
        defaultMode: 0440
        sources:
          - {secret: {name: token}}
          - {downwardAPI: {items: [{path: sub/labels, mode: 0444, fieldRef: {fieldPath: metadata.labels}}]}}
    - {name: memory, emptyDir: {medium: Memory, sizeLimit: 8Mi}}
    - {name: data, persistentVolumeClaim: {claimName: data}}
    - {name: host, hostPath: {path: HOST/new, type: DirectoryOrCreate}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, labels: {tier: db}}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`;
const SECRET = `
apiVersion: v1
kind: Secret
metadata: {name: token}
data: {token: c2VjcmV0}
`;

test('the containers of a pod get what its file says, and kube down removes it', async () => {
  const pod = file('pod.yaml', POD.replaceAll('HOST', home.shared));
  const secret = file('secret.yaml', SECRET);
  assert.match(
    failure('kube', 'play', pod),
    /pod\.yaml:63:29: spec\.volumes\[2\]\.projected\.sources\[0\]\.secret\.name: there is no Secret 'token'/,
  );
  assert.deepEqual(everything(), []);
  assert.equal(ok('kube', 'apply-check', '--configmap', secret, pod), 'volume data\npod shop: web, other');
  assert.deepEqual(everything(), []);
  const played = home.foster(['kube', 'play', '--configmap', secret, pod]);
  assert.equal(played.status, 0, played.stderr);
  assert.match(played.stderr, /envFrom\[0\]: 'X_not a name' is not a name of a variable: it is left out/);
  assert.match(
    played.stdout,
    /^Volumes:\ndata\nPod:\n[0-9a-f]{64}\nContainers:\n[0-9a-f]{64}\n[0-9a-f]{64}\n\n$/,
  );
  assert.deepEqual(lines('ps', '--format', '{{.Names}}').toSorted().slice(1), ['shop-other', 'shop-web']);
  assert.equal(await containers.logs('shop-web', '\n'), 'hi-1-$(NOPE) $(A)\n');
  const { 2: id = '' } = /Pod:\n(([0-9a-f]+))/.exec(played.stdout) ?? [];
  const script = `pwd; id -u; id -g; id -G; hostname; grep -c foo.local /etc/hosts
    cat /etc/resolv.conf /work/init /etc/page; ls /conf; cat /all/sub/labels; stat -c %a /all/token /all/sub/labels
    touch /x 2>/dev/null || echo read-only; touch /work/mine /memory/mine && echo writable; df -k /memory | tail -1 | awk '{print $2}'
    grep CapBnd /proc/self/status; [ -d /part ] && echo part`;
  assert.equal(
    inside('shop-web', script).replace(/^options.*$/m, (line) => line.trim()),
    `/tmp\n1000\n2000\n2000 3000\ntill\n1
nameserver 10.9.9.9
search shop.local
options ndots:3
made\nhellopage\napp="shop"440\n444\nread-only\nwritable\n8192\nCapBnd:\t0000000000000400\npart`,
  );
  const env = lines('exec', 'shop-web', 'env');
  for (const one of [
    'A=1',
    'NAME=shop',
    'APP=shop',
    `UID_OF_POD=${id}`,
    'K=value',
    'S=secret',
    'X_page=hello',
  ])
    assert.ok(env.includes(one), `${one} in ${env.join(' ')}`);
  assert.ok(!env.some((one) => one.startsWith('NONE')));
  assert.equal(inside('shop-other', 'ls /work; id -u'), 'file\nfolder\ninit\nmine\n0');
  assert.equal(ok('inspect', '-f', '{{.Config.Labels.app}} {{.Config.StopTimeout}}', 'shop-web'), 'shop 1');
  assert.equal(ok('volume', 'inspect', '-f', '{{.Labels.tier}}', 'data'), 'db');
  assert.match(failure('kube', 'play', '--configmap', secret, pod), /there is a pod shop already/);
  const replaced = ok('kube', 'play', '--replace', '--start=false', '--configmap', secret, pod);
  assert.ok(
    replaced.startsWith(`Pods stopped:\n${id}\nPods removed:\n${id}\nVolumes:\ndata\nPod:\n`),
    replaced,
  );
  assert.equal(ok('pod', 'inspect', '-f', '{{.State}}', 'shop'), 'Created');
  assert.match(ok('kube', 'down', pod), /^Pods stopped:\n([0-9a-f]{64})\nPods removed:\n\1$/);
  assert.deepEqual(everything(), ['data']);
  assert.equal(
    ok('kube', 'play', '--down', '--force', pod),
    'Pods stopped:\nPods removed:\nVolumes removed:\ndata',
  );
  assert.deepEqual(everything(), []);
});

test('pods of one object are found by the names of services; ports of the host lead to them', async () => {
  const [port, taken] = [await freePorts(), await freePorts()];
  const text = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: httpd, image: busybox, command: [httpd, -f, -p, "80", -h, /etc]}]
---
apiVersion: v1
kind: Service
metadata: {name: pages}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: caller}
spec:
  restartPolicy: OnFailure
  shareProcessNamespace: true
  containers:
    - name: c
      image: busybox
      command: [sh, -c, "until wget -qO- http://pages/hostname; do sleep 0.1; done; exec httpd -f -p 81 -h /etc"]
      ports: [{containerPort: 81, hostPort: ${port}, hostIP: 127.0.0.1}]
`;
  const path = file('web.yaml', text);
  const input = { input: text, env: { FOSTER_NETWORK: 'bridge' } };
  const played = home.foster(['kube', 'play', '-'], input);
  assert.equal(played.status, 0, played.stderr);
  assert.equal(played.stdout.match(/^Pod:$/gm)?.length, 3);
  assert.deepEqual(lines('pod', 'ps', '--format', '{{.Name}}').toSorted(), [
    'caller',
    'web-pod',
    'web-pod-1',
  ]);
  await containers.logs('caller-c', /^web-pod/);
  await waitUntil('the port of the host', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/hostname`).catch(() => undefined);
    return (await answer?.text())?.startsWith('caller') ?? false;
  });
  assert.match(inside('caller-c', 'cat /proc/1/comm'), /foster-init/);
  assert.equal(ok('kube', 'down', path).match(/^[0-9a-f]{64}$/gm)?.length, 6);
  // what a failed play has made is removed, also the pods before the one that fails
  const server = createServer().listen(Number(taken), '127.0.0.1');
  await once(server, 'listening');
  const full = file('full.yaml', text.replace(`hostPort: ${port}`, `hostPort: ${taken}`));
  const failed = home.foster(['kube', 'play', full], { env: input.env });
  server.close();
  assert.equal(failed.status, 125);
  assert.match(failed.stderr, new RegExp(`port 127\\.0\\.0\\.1:${taken}/tcp: another program uses it`));
  assert.deepEqual(everything(), []);
});

test('a job fails twice, then succeeds, and --wait removes it', () => {
  const text = (backoff: number) => `
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  backoffLimit: ${backoff}
  template:
    spec:
      restartPolicy: OnFailure
      containers: [{name: c, image: busybox, command: [sh, -c, "echo try >> /work/tries; grep -c try /work/tries | grep 3"], volumeMounts: [{name: work, mountPath: /work}]}]
      volumes: [{name: work, emptyDir: {}}]
`;
  const job = file('job.yaml', text(2));
  ok('kube', 'play', job);
  assert.equal(ok('wait', 'once-pod-c'), '0');
  assert.equal(ok('inspect', '-f', '{{.RestartCount}}', 'once-pod-c'), '2');
  const wrong = file('wrong-job.yaml', text(2).replace('backoffLimit: 2', 'backoffLimit: many'));
  const down = home.foster(['kube', 'down', wrong]);
  assert.match(down.stderr, /^foster: warning: .*backoffLimit: expected a whole number, got 'many'\n$/);
  assert.match(down.stdout, /Pods removed:\n[0-9a-f]{64}$/m);
  assert.match(ok('kube', 'play', '--wait', job), /Pods removed:\n[0-9a-f]{64}$/);
  assert.deepEqual(everything(), []);
});

test('probes ask without a program of the container: what fails is unhealthy, or killed and started again', async () => {
  const probe = (text: string) => `{periodSeconds: 1, timeoutSeconds: 100, failureThreshold: 1, ${text}}`;
  const text = `
apiVersion: v1
kind: Pod
metadata: {name: probed}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: web
      image: busybox
      command: [sh, -c, "echo x > /tmp/page; exec httpd -f -p 80 -h /tmp"]
      ports: [{containerPort: 80, name: http}]
      livenessProbe: ${probe('httpGet: {path: /page, port: http}')}
      readinessProbe: ${probe('httpGet: {path: /page, port: http}')}
      startupProbe: ${probe('httpGet: {path: /page, port: http}')}
    - name: tcp
      image: busybox
      command: [sleep, "1000"]
      readinessProbe: ${probe('tcpSocket: {port: 80}')}
    - name: missing
      image: busybox
      command: [sleep, "1000"]
      readinessProbe: ${probe('httpGet: {path: /none, port: 80}')}
    - name: silent
      image: busybox
      command: [sleep, "1000"]
      readinessProbe: ${probe('tcpSocket: {port: 81}')}
    - name: command
      image: busybox
      env: [{name: FILE, value: /tmp/there}]
      command: [sh, -c, "touch $(FILE); exec sleep 1000"]
      livenessProbe: ${probe('exec: {command: [test, -e, $(FILE)]}')}
`;
  const path = file('probed.yaml', text);
  ok('kube', 'play', path);
  const until = (name: string, isSo: (info: ContainerInfo) => boolean) =>
    containers.until(`the result of ${name}`, `probed-${name}`, isSo);
  for (const name of ['web', 'tcp', 'command']) await until(name, ({ health }) => health === 'healthy');
  for (const name of ['missing', 'silent']) await until(name, ({ health }) => health === 'unhealthy');
  const said = (name: string, what: string) =>
    waitUntil(`${what} of ${name}`, () =>
      containers.inspect(`probed-${name}`, '{{range .State.Health.Log}}{{.Output}}{{end}}').includes(what),
    );
  await said('missing', 'HTTP/1.1 404 Not Found\n');
  await said('silent', 'nobody answers at the port\n');
  const checked = (name: string) => home.foster(['healthcheck', 'run', `probed-${name}`]).status;
  assert.deepEqual(['web', 'tcp', 'missing', 'silent'].map(checked), [0, 0, 1, 1]);
  // the probe may be faster than the end of the command
  home.foster(['exec', 'probed-web', 'rm', '/tmp/page']);
  home.foster(['exec', 'probed-command', 'rm', '/tmp/there']);
  for (const name of ['web', 'command'])
    await until(name, ({ restarts, health }) => restarts > 0 && health === 'healthy');
  ok('kube', 'down', path);
});

test('each probe of a container has its own question: readiness is shown, and liveness ends it as a stop does', async () => {
  const text = `
apiVersion: v1
kind: Pod
metadata: {name: asked}
spec:
  terminationGracePeriodSeconds: 200
  containers:
    - name: c
      image: busybox
      command: [sh, -c, "trap 'echo told >> /tmp/log; exit 0' TERM; touch /tmp/alive; while :; do sleep 0.05; done"]
      startupProbe: {exec: {command: [test, -e, /tmp/begun]}, periodSeconds: 1, timeoutSeconds: 100, failureThreshold: 1000}
      livenessProbe: {exec: {command: [test, -e, /tmp/alive]}, periodSeconds: 1, timeoutSeconds: 100, failureThreshold: 1, terminationGracePeriodSeconds: 300}
      readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1, timeoutSeconds: 100, failureThreshold: 1, successThreshold: 2}
      lifecycle: {preStop: {exec: {command: [sh, -c, "echo preStop >> /tmp/log"]}}}
    - name: late
      image: busybox
      command: [sleep, "1000"]
      startupProbe: {exec: {command: ["false"]}, periodSeconds: 1, failureThreshold: 1, terminationGracePeriodSeconds: 1}
`;
  const path = file('asked.yaml', text);
  ok('kube', 'play', path);
  const until = (what: string, name: string, isSo: (info: ContainerInfo) => boolean) =>
    containers.until(what, `asked-${name}`, isSo);
  await until('a startup that fails', 'late', ({ restarts }) => restarts > 0);
  assert.match(home.foster(['logs', 'asked-late']).stderr, /^foster: the startupProbe has failed/);
  const { health } = await until('the first container', 'c', ({ restarts }) => restarts === 0);
  assert.equal(health, 'starting');
  ok('stop', '-t', '0', 'asked-late');
  const inside = (script: string) => ok('exec', 'asked-c', 'sh', '-c', script);
  inside('touch /tmp/begun /tmp/ready');
  await until('the readiness', 'c', ({ health }) => health === 'healthy');
  assert.equal(ok('pod', 'ps', '--format', '{{.Name}} {{.Ready}}'), 'asked 1/2');
  inside('rm /tmp/ready');
  await until('what is not ready any more', 'c', ({ health }) => health === 'unhealthy');
  assert.equal(containers.inspect('asked-c', '{{.RestartCount}}'), '0');
  // the probe may be faster than the end of the command
  home.foster(['exec', 'asked-c', 'rm', '/tmp/alive']);
  await until('the restart', 'c', ({ restarts }) => restarts > 0);
  assert.equal(inside('cat /tmp/log'), 'preStop\ntold');
  assert.match(home.foster(['logs', 'asked-c']).stderr, /^foster: the livenessProbe has failed/);
  const generated = ok('kube', 'generate', 'asked');
  assert.match(generated, /readinessProbe:[\s\S]*periodSeconds: 1\n[\s\S]*successThreshold: 2\n/);
  assert.match(generated, /livenessProbe:[\s\S]*terminationGracePeriodSeconds: 300\n/);
  ok('kube', 'down', path);
  ok('kube', 'apply-check', file('again.yaml', generated));
  const ready = file(
    'ready.yaml',
    text
      .replace(/ {4}- name: late[\s\S]*/, '')
      .replace('touch /tmp/alive', 'sleep 1; touch /tmp/alive /tmp/begun /tmp/ready'),
  );
  ok('kube', 'play', '--ready', ready);
  assert.equal(containers.inspect('asked-c', '{{.State.Health.Status}}'), 'healthy');
  ok('kube', 'down', ready);
});

test('what kube generate prints plays back to the same', async () => {
  const port = await freePorts();
  const bridge = { env: { FOSTER_NETWORK: 'bridge' } };
  const pod = [
    'pod',
    'create',
    '--name',
    'made',
    '--share',
    '+pid',
    '-p',
    `127.0.0.1:${port}:80`,
    '-l',
    'tier=web',
  ];
  const network = ['--network', 'none'];
  ok('volume', 'create', '--label', 'kind=db', 'store');
  ok(...pod.filter((word) => word !== '-p' && !word.includes(`:${port}:`)), '--add-host', 'db:10.1.1.1');
  const first = [
    '--pod',
    'made',
    '--name',
    'made-one',
    '-v',
    'store:/store:ro',
    '-v',
    '/anonymous',
    '-w',
    '/tmp',
  ];
  const more = [
    '-e',
    'A=$(B) $$',
    '--user',
    '1000:1000',
    '--cap-drop',
    'ALL',
    '--tmpfs',
    '/scratch:size=1m',
    '--read-only',
  ];
  ok('create', ...first, ...more, '--restart', 'always', '--stop-timeout', '0', 'busybox', 'sleep', '1000');
  ok(
    ...['create', '--pod', 'made', '--name', 'made-two', '--init-ctr', 'always', '--restart', 'no'],
    ...['-v', `${home.shared}:/host`, 'busybox', 'sh', '-c', 'echo "$(id -u)" $$'],
  );
  const health = ['--health-cmd', 'test -e /tmp', '--health-interval', '2s', '--health-retries', '2'];
  ok('create', '--name', 'alone', ...network, ...health, '--stop-signal', 'SIGINT', 'busybox', 'sh');
  const generated = ok('kube', 'generate', 'made', 'store', 'alone');
  assert.match(generated, /claimName: store\n/);
  assert.match(generated, /value: \$\$\(B\) \$\$\$\$\n/);
  const path = join(home.folder, 'generated.yaml');
  ok('kube', 'generate', '-f', path, 'made', 'store', 'alone');
  assert.match(home.foster(['kube', 'generate', '-f', path, 'made']).stderr, /the file exists already/);
  ok('pod', 'rm', '-f', 'made');
  containers.removeAll();
  ok('volume', 'rm', 'store');
  ok('kube', 'play', '--start=false', path);
  const again = ok('kube', 'generate', 'made', 'store', 'alone-pod');
  const withoutTitle = (text: string) => text.replace(/^#.*$/m, '');
  assert.equal(withoutTitle(again), withoutTitle(generated));
  ok('kube', 'play', '--down', '--force', path);
  // ports belong to the network
  assert.equal(home.foster([...pod], bridge).status, 0);
  assert.equal(
    home.foster(['create', '--pod', 'made', '--name', 'web', 'busybox', 'httpd', '-f'], bridge).status,
    0,
  );
  const withPort = file('port.yaml', ok('kube', 'generate', '--service', 'made'));
  ok('pod', 'rm', 'made');
  assert.equal(home.foster(['kube', 'play', '--start=false', withPort], bridge).status, 0);
  assert.equal(
    ok('pod', 'inspect', '-f', '{{json .InfraConfig.PortBindings}} {{.Labels.tier}}', 'made'),
    `{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"${port}"}]} web`,
  );
  ok('kube', 'down', withPort);
  assert.match(failure('kube', 'generate', 'nothing'), /no such container: nothing/);
  assert.deepEqual(everything(), []);
});

const SWAPPED = `
apiVersion: v1
kind: Pod
metadata: {name: swapped}
spec:
  restartPolicy: Never
  initContainers:
    - {name: swap, image: busybox, command: [sh, -c, SWAP], volumeMounts: [{name: host, mountPath: /host}]}
  containers:
    - {name: one, image: busybox, command: [cat, /part/file], volumeMounts: [{name: host, mountPath: /part, subPath: part}]}
  volumes:
    - {name: host, hostPath: {path: HOST/top}}
`;

test('a link that a container makes on the way to a subPath of the host is not followed', async () => {
  const part = join(home.shared, 'top/part');
  mkdirSync(part, { recursive: true });
  writeFileSync(join(part, 'file'), 'inside');
  writeFileSync(join(home.shared, 'file'), 'outside');
  const play = (swap: string) =>
    home.foster([
      'kube',
      'play',
      file('swapped.yaml', SWAPPED.replace('SWAP', swap).replace('HOST', home.shared)),
    ]);
  assert.equal(play('"true"').status, 0);
  assert.equal(await containers.logs('swapped-one', 'inside'), 'inside');
  ok('pod', 'rm', '-f', 'swapped');
  const { status, stderr } = play(`"rm -r /host/part; ln -s ${home.shared} /host/part"`);
  assert.equal(status, 125);
  assert.match(
    stderr,
    /cannot mount part of \S+\/top at \/part: too many symbolic links .*links there are not followed/,
  );
});
