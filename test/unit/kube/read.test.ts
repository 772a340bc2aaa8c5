import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Contents } from '../../../src/kube/contents.js';
import { expand } from '../../../src/kube/expand.js';
import { quantityOf } from '../../../src/kube/quantity.js';
import { readObjects } from '../../../src/kube/read.js';
import { podsOf } from '../../../src/kube/workloads.js';
import { FosterError } from '../../../src/sys/errors.js';

function read(text: string, ignored?: string[]) {
  const ignore = ignored && ((error: FosterError) => void ignored.push(error.message));
  return readObjects({ name: 'pod.yaml', folder: '/', text }, ignore);
}

/** The message of the error for a file. */
function errorOf(text: string): string {
  try {
    const objects = read(text);
    new Contents(objects);
    podsOf(objects);
  } catch (error) {
    if (error instanceof FosterError) return error.message;
    throw error;
  }
  throw new Error(`there was no error in ${text}`);
}

/** A pod with these fields of its spec, from line 5 on. */
function pod(spec: string, name = 'shop'): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: shop}}
spec:
  ${spec.split('\n').join('\n  ')}
`;
}

const WEB = 'containers: [{name: web, image: busybox, ports: [{containerPort: 80, name: http}]}]';

test('an error of a file names the line and the path', () => {
  const cases: [file: string, message: string][] = [
    [
      pod(`${WEB}\nnodeName: x`),
      'pod.yaml:6:13: spec.nodeName: it is not supported: there is one machine, and no scheduler',
    ],
    [
      pod(`${WEB}\nrestartPolcy: Never`),
      "pod.yaml:6:17: spec.restartPolcy: there is no field 'restartPolcy' here",
    ],
    [
      pod(`${WEB}\nrestartPolicy: never`),
      "pod.yaml:6:18: spec.restartPolicy: expected Always, OnFailure or Never, got 'never'",
    ],
    [pod('containers: []'), 'pod.yaml:5:3: spec.containers: the list is empty'],
    [pod('containers: [{name: web}]'), 'pod.yaml:5:16: spec.containers[0]: image is missing'],
    [
      pod('containers: [{name: web, image: x, env: [{name: A, value: 1}]}]'),
      'pod.yaml:5:61: spec.containers[0].env[0].value: expected a text, got the number 1',
    ],
    [
      pod('containers: [{name: web, image: x, env: [{name: A, value: 9007199254740994}]}]'),
      'pod.yaml:5:61: spec.containers[0].env[0].value: expected a text, got the number 9007199254740994',
    ],
    [
      pod('containers: [{name: web, image: x, livenessProbe: {grpc: {port: 1}}}]'),
      'pod.yaml:5:54: spec.containers[0].livenessProbe.grpc: it is not supported: use exec, httpGet or tcpSocket',
    ],
    [
      pod('containers: [{name: web, image: x}, {name: web, image: x}]'),
      'pod.yaml:5:46: spec.containers[1].name: there are two containers web',
    ],
    [
      pod(WEB, 'Shop'),
      'pod.yaml:3:18: metadata.name: \'Shop\' is not a name: expected lower-case letters, digits, "-" and "."',
    ],
    [`${pod(WEB)}---\n${pod(WEB)}`, 'pod.yaml:9:18: metadata.name: there are two objects Pod shop'],
    [
      'kind: Ingress\nmetadata: {name: x}',
      "pod.yaml:1:7: kind: objects of the kind 'Ingress' are not supported",
    ],
    ['apiVersion: v1', 'pod.yaml:1:1: kind is missing'],
    [
      'a: [',
      'pod.yaml:1:5: it is not valid YAML: flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['{a: '.repeat(20_000), 'pod.yaml: its lists and mappings are nested too deeply'],
    [
      'apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: "%"}',
      'pod.yaml:4:11: data.a: it is not in base64',
    ],
    [
      `${pod(WEB)}---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {app: shop}, ports: [{port: 8080, targetPort: http}]}`,
      'pod.yaml:10:64: spec.ports[0].targetPort: a service is a name of its pods, which have their own ports',
    ],
    [
      'apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {app: none}}',
      'pod.yaml:4:8: spec.selector: it selects no pod of the file',
    ],
    [
      pod('containers: [{name: web, image: x, restartPolicy: Always}]'),
      'pod.yaml:5:53: spec.containers[0].restartPolicy: containers have the restartPolicy of their pod',
    ],
    [
      pod('containers: [{name: web, image: x, lifecycle: {preStop: {tcpSocket: {port: 1}}}}]'),
      'pod.yaml:5:60: spec.containers[0].lifecycle.preStop.tcpSocket: it is not supported: Kubernetes itself does not do it: use exec or httpGet',
    ],
    [
      'apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {completions: 101, template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}',
      'pod.yaml:4:21: spec.completions: foster makes at most 100 pods of a Job',
    ],
    [
      pod(
        'volumes: [{name: m, emptyDir: {medium: Memory}}]\ncontainers: [{name: a, image: x, volumeMounts: [{name: m, mountPath: /m}]}, {name: b, image: x, volumeMounts: [{name: m, mountPath: /m}]}]',
      ),
      'pod.yaml:5:42: spec.volumes[0].emptyDir.medium: several containers mount it, and memory belongs to one container',
    ],
  ];
  assert.deepEqual(
    cases.map(([file]) => errorOf(file)),
    cases.map(([, message]) => message),
  );
});

test('without strictness, what is not honoured is left out with a warning, and nothing else', () => {
  const ignored: string[] = [];
  const text = `${pod(`${WEB}\nnodeName: x\nbogus: 1`)}---\nkind: Ingress\nmetadata: {name: x}\n`;
  const [only, ...others] = read(text, ignored);
  assert.deepEqual(others, []);
  assert.deepEqual(Object.keys((only?.tree.spec ?? {}) as object), ['containers']);
  assert.equal(ignored.length, 3);
  assert.throws(() => read(pod('containers: []'), []), /the list is empty/);
});

test('documents, lists and workloads become pods, and services their names and ports', () => {
  const text = `${pod(WEB)}---
apiVersion: v1
kind: List
items:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: front}
    spec:
      replicas: 3
      template:
        metadata: {labels: {app: front}}
        spec: {${WEB}}
  - apiVersion: batch/v1
    kind: Job
    metadata: {name: once}
    spec: {backoffLimit: 2, template: {spec: {restartPolicy: OnFailure, ${WEB}}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: shop}, ports: [{port: 80, targetPort: http, nodePort: 30080}]}
`;
  const pods = podsOf(read(text));
  assert.deepEqual(
    pods.map(({ meta, aliases, ports, restart }) => [meta.name, aliases, ports, restart.policy, restart.max]),
    [
      ['shop', ['web'], ['30080:80/tcp'], 'always', 0],
      ['front-pod', ['front'], [], 'always', 0],
      ['front-pod-1', ['front'], [], 'always', 0],
      ['front-pod-2', ['front'], [], 'always', 0],
      ['once-pod', ['once'], [], 'on-failure', 2],
    ],
  );
});

test('variables and quantities are those of Kubernetes', () => {
  const variables = new Map([['A', '1']]);
  assert.equal(expand('$(A)$$(A)$(B)$A$', variables), '1$(A)$(B)$A$');
  const [object] = read(pod(WEB));
  const place = object?.place;
  assert.ok(place);
  const cases = { '500m': 0.5, '2': 2, '64Mi': 64 * 2 ** 20, '1.5G': 1.5e9, '1e3': 1000 };
  for (const [text, number] of Object.entries(cases)) assert.equal(quantityOf(text, place), number);
  for (const text of ['', 'x', '1 Mi', '-1', '1Z', `${'1'.repeat(1_000_000)}!`])
    assert.throws(() => quantityOf(text, place), /expected a quantity/);
});
