import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DockerfileParser } from 'dockerfile-ast';
import { IgnoreRules, Pattern } from '../../../src/build/context/patterns.js';
import { parseDockerfile } from '../../../src/build/dockerfile/dockerfile.js';
import { readStages } from '../../../src/build/dockerfile/stages.js';
import { expandWords } from '../../../src/build/dockerfile/words.js';
import { parseRunArguments } from '../../../src/cli/container/run.js';
import { configHash } from '../../../src/compose/hash.js';
import { openProject } from '../../../src/compose/open.js';
import { runFlags } from '../../../src/compose/run-flags.js';
import { chooseVolumes, mountsOfVolumes } from '../../../src/container/choose-volumes.js';
import { parseEvent } from '../../../src/container/events/line.js';
import { parseRecord } from '../../../src/container/record.js';
import { checkRequests, PodRequests } from '../../../src/engine/kube/requests.js';
import { parseChallenges } from '../../../src/image/registry/challenge.js';
import { readConfig, readManifest } from '../../../src/image/store/documents.js';
import type { Manifest } from '../../../src/image/store/oci.js';
import { parseReference } from '../../../src/image/store/reference.js';
import { claimsOf } from '../../../src/kube/claims.js';
import { Contents } from '../../../src/kube/contents.js';
import { readObjects } from '../../../src/kube/read.js';
import { podsOf } from '../../../src/kube/workloads.js';
import { buildSpec } from '../../../src/spec/from-request.js';
import { imageVolumes } from '../../../src/spec/image-volumes.js';
import { imageHealth } from '../../../src/spec/parse/health.js';
import { toRequest } from '../../../src/spec/parse/run-request.js';
import { parseSeccompProfile } from '../../../src/spec/parse/seccomp-file.js';
import { FosterError } from '../../../src/sys/errors.js';
import { fuzzSeeds, type Random, randomFrom } from '../../integration/support/fuzz.js';

/** Documents of others, changed at random: they are read, or refused by a FosterError, and soon. */

/** Limit of the CPU time for one document, in milliseconds. */
const PATIENCE = 2000;
const DIGEST = `sha256:${'a'.repeat(64)}`;
const descriptor = (mediaType: string) => ({ mediaType, digest: DIGEST, size: 5, annotations: { a: 'b' } });

const MANIFEST = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: descriptor('application/vnd.oci.image.config.v1+json'),
  layers: [descriptor('application/vnd.oci.image.layer.v1.tar+gzip')],
};
const INDEX = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [
    { ...descriptor(MANIFEST.mediaType), platform: { os: 'linux', architecture: 'amd64', variant: 'v1' } },
  ],
};
const CONFIG = {
  os: 'linux',
  architecture: 'amd64',
  created: '2020-01-01T00:00:00Z',
  author: 'me',
  config: {
    User: '5:6',
    Env: ['A=b', 'PATH=/bin'],
    Entrypoint: ['/a'],
    Cmd: ['b'],
    Shell: ['/bin/sh', '-c'],
    WorkingDir: '/w',
    Labels: { a: 'b' },
    ExposedPorts: { '80/tcp': {} },
    Volumes: { '/v': {} },
    StopSignal: 'SIGTERM',
    Healthcheck: { Test: ['CMD', 'true'], Interval: 1e9, Timeout: 1e9, StartPeriod: 0, Retries: 3 },
  },
  rootfs: { type: 'layers', diff_ids: [DIGEST] },
  history: [{ created: '2020-01-01T00:00:00Z', created_by: 'x', empty_layer: true }],
};
const RECORD = {
  id: 'a'.repeat(64),
  name: 'name',
  created: '2020-01-01T00:00:00Z',
  root: '/r',
  command: ['sh'],
  labels: { a: 'b' },
  network: {},
  logging: {},
  spec: {
    process: { args: ['sh'], env: ['A=b'] },
    root: { path: '/r' },
    mounts: [{ destination: '/a' }],
    linux: { namespaces: [{ type: 'pid' }], uidMappings: [{}], gidMappings: [{}] },
  },
};
const PROFILE = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
  syscalls: [
    {
      names: ['read', 'write'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: 1, valueTwo: 2, op: 'SCMP_CMP_EQ' }],
    },
    {
      names: ['clone'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 38,
      includes: { caps: ['CAP_SYS_ADMIN'], minKernel: '4.8' },
    },
  ],
};

const STRANGE: unknown[] = [
  null,
  true,
  -1,
  0,
  2 ** 53,
  1e308,
  0.5,
  '',
  '..',
  '/',
  '\0',
  '\x1b[2J',
  'x'.repeat(5000),
  '4294967296',
  '-1',
  '__proto__',
  '\ud800',
  [],
  [[]],
  [null],
  {},
  { length: 1e9 },
  { toString: 1 },
  { '': '' },
  Array.from({ length: 1200 }, () => ({})),
];

const NAMES = ['', '__proto__', 'constructor', 'toString', 'lengths', '\0', '\x1b[2J', '0', '/dev/../dev'];

const plain = (value: unknown) => ({ value, enumerable: true, writable: true, configurable: true });

function pick<T>(list: ArrayLike<T>, random: Random): T {
  return list[random(list.length)] as T;
}

/** A copy with some values replaced, removed, doubled or renamed. */
function changedJson(document: object, random: Random): string {
  const copy = structuredClone(document) as Record<string, unknown>;
  for (let changes = 1 + random(3); changes > 0; changes--) {
    let at: Record<string, unknown> = copy;
    for (;;) {
      const keys = Object.keys(at);
      const key = pick(keys, random);
      const inner = key === undefined ? undefined : at[key];
      if (typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0 && random(4) > 0) {
        at = inner as Record<string, unknown>;
        continue;
      }
      if (key === undefined) break;
      switch (random(6)) {
        case 0:
          delete at[key];
          break;
        case 1:
          Object.defineProperty(at, pick(NAMES, random), plain(inner));
          break;
        default:
          Object.defineProperty(at, key, plain(structuredClone(pick(STRANGE, random))));
      }
      break;
    }
  }
  const text = JSON.stringify(copy);
  return random(8) === 0 ? changedText(text, random) : text;
}

const PIECES = [
  ...[
    '\\',
    '"',
    "'",
    '$',
    '${',
    '}',
    '${A:-',
    '${A:+',
    '<<EOF',
    '<<-"E"',
    '\n',
    '\\\n',
    '\r\n',
    '\t',
    ' ',
    '#',
    '\0',
    '\x1b',
  ],
  ...[
    '[',
    ']',
    '["a"',
    '{',
    '*',
    '**/',
    '?',
    '[a-',
    '[z-a]',
    '!',
    '..',
    '/',
    '=',
    ',',
    ':',
    '@',
    '--',
    '--from=',
    '--mount=',
  ],
  ...[
    'FROM ',
    'RUN ',
    'COPY ',
    'ADD ',
    'ARG ',
    'ENV ',
    'ONBUILD ',
    'HEALTHCHECK ',
    '# escape=`\n',
    'EOF\n',
    'é',
    '\ud800',
  ],
];

/** With pieces put in, left out, doubled. */
function changedText(text: string, random: Random): string {
  let changed = text;
  for (let changes = 1 + random(6); changes > 0; changes--) {
    const at = random(changed.length + 1);
    const length = random(12);
    const between =
      random(3) === 0 ? changed.slice(at, at + 1 + random(40)).repeat(1 + random(5)) : pick(PIECES, random);
    changed =
      changed.slice(0, at) +
      between.repeat(random(20) === 0 ? 300 : 1) +
      changed.slice(at + (random(2) ? length : 0));
  }
  return changed;
}

const DOCKERFILE = `# syntax=x
ARG A=1
FROM busybox:\${A:-latest} AS one
ENV B="x y" C=\${B}z
RUN --mount=type=cache,target=/c echo <<EOF > /f && cat
line $A
EOF
COPY --from=one --chown=1:2 ["a b", "/c"]
ADD x* /y/
LABEL a=b "c d"='e f'
ONBUILD RUN x
HEALTHCHECK --interval=5s CMD true
ENTRYPOINT ["/a", "b"]
FROM one
WORKDIR /w
EXPOSE 80/tcp
VOLUME /v
USER 5
CMD echo $HOME \\
  more
`;

const facts = {
  id: '0123456789abcdef'.repeat(4),
  hostname: 'machine',
  rootPath: '/r',
  user: { uid: 0, gid: 0, additionalGids: [], home: '/root', name: 'root' },
  uidMappings: [],
  gidMappings: [],
  architecture: 'x64',
  callerIsRoot: false,
};
const request = parseRunArguments(['busybox'], { cwd: '/', env: {}, exists: () => true, readText: () => '' });

/** Whether it was accepted; false if it was refused. Anything else is a bug. */
function isRead(what: () => void): boolean {
  const start = process.cpuUsage();
  try {
    what();
    return true;
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    return false;
  } finally {
    const { user, system } = process.cpuUsage(start);
    const time = (user + system) / 1000;
    assert.ok(time < PATIENCE, `it took ${Math.round(time)} ms`);
  }
}

function fuzz(
  name: string,
  usual: number,
  input: (random: Random) => string,
  read: (text: string, random: Random) => void,
): void {
  test(`${name}: read or refused, whatever is in them`, () => {
    const outcomes = { read: 0, refused: 0 };
    for (const seed of fuzzSeeds(usual)) {
      const random = randomFrom(seed);
      const text = input(random);
      try {
        outcomes[isRead(() => read(text, random)) ? 'read' : 'refused']++;
      } catch (error) {
        throw new Error(`FUZZ_SEED=${seed}: ${JSON.stringify(text.slice(0, 5000))}`, { cause: error });
      }
    }
    assert.ok(outcomes.read > 0, JSON.stringify(outcomes));
  });
}

/** No path is longer. */
const PATH_MAX = 4096;

fuzz(
  'manifests',
  3000,
  (random) => changedJson(random(2) ? MANIFEST : INDEX, random),
  (text) => {
    readManifest(Buffer.from(text), undefined, 'x');
  },
);

fuzz(
  'configs of images, and what becomes of them',
  3000,
  (random) => changedJson(CONFIG, random),
  (text) => {
    const { config, history = [] } = readConfig(Buffer.from(text), MANIFEST as unknown as Manifest, 'x');
    for (const entry of history ?? []) (entry.created_by ?? '').replace(/\s+/g, ' ');
    const image = Object.fromEntries(Object.entries(config ?? {}).filter(([, value]) => value !== null));
    const volumes = chooseVolumes(request, image);
    const mounts = mountsOfVolumes(volumes, request.mounts, { shiftsIds: false });
    const spec = buildSpec(request, { ...facts, image, volumes: mounts });
    assert.ok(spec.process.args.every((word) => typeof word === 'string'));
    assert.ok(spec.process.env.every((word) => typeof word === 'string'));
    for (const place of imageVolumes(image).paths) assert.match(place, /^\/(?!(?:dev|proc|sys)(?:\/|$))./s);
    const health = imageHealth(image.Healthcheck as Parameters<typeof imageHealth>[0]);
    for (const number of [health?.interval, health?.timeout, health?.retries])
      assert.ok(number === undefined || (Number.isInteger(number) && number > 0 && number < 2 ** 31));
  },
);

fuzz(
  'records of containers',
  3000,
  (random) => changedJson(RECORD, random),
  (text) => {
    const record = parseRecord(text);
    if (record === undefined) return;
    assert.match(record.name, /^\w[\w.-]*$/);
    for (const label of Object.values(record.labels)) assert.equal(typeof label, 'string');
  },
);

fuzz(
  'seccomp profiles',
  2000,
  (random) => changedJson(PROFILE, random),
  (text) => {
    parseSeccompProfile(text, 'profile.json', {
      architecture: 'x64',
      capabilities: [],
      kernel: '6.1.0',
    } as unknown as Parameters<typeof parseSeccompProfile>[2]);
  },
);

fuzz(
  'Dockerfiles',
  1500,
  (random) => changedText(DOCKERFILE, random),
  (text) => {
    const file = parseDockerfile(text, 'Dockerfile', DockerfileParser);
    const { all } = readStages(file, new Map(), new Map());
    for (const { rest } of all.flatMap(({ instructions }) => instructions))
      isRead(() => expandWords(rest, (name) => (name === 'A' ? 'a $A' : undefined), file));
  },
);

fuzz(
  'ignore files and patterns',
  2000,
  (random) => changedText('# c\nnode_modules\n**/*.log\n!keep/**\na?[b-c]*\n/x/../y\n', random),
  (text, random) => {
    const rules = new IgnoreRules(text);
    for (const path of [
      'a',
      'node_modules/x',
      'a/b/c.log',
      'a'.repeat(200),
      'a/'.repeat(100),
      text.slice(0, random(50)),
    ]) {
      rules.ignores(path);
      rules.ignoresAll(path);
    }
    assert.ok(new Pattern('**').matches(text.slice(0, PATH_MAX)));
  },
);

fuzz(
  'names of images, challenges of registries, lines of events',
  4000,
  (random) =>
    changedText(
      pick(
        [
          'registry.example:5000/a/b_c.d-e:tag@sha256:'.padEnd(100, 'a'),
          'Bearer realm="https://auth.example/token",service="x",scope="repository:a:pull", Basic realm="y"',
          `1700000000000 start ${'a'.repeat(64)} name a=b c=%0A`,
        ],
        random,
      ),
      random,
    ),
  (text) => {
    parseChallenges(text);
    parseEvent(text);
    isRead(() => parseReference(text));
  },
);

const COMPOSE = {
  name: 'app',
  'x-a': { b: 1 },
  services: {
    web: {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of a Compose file
      image: 'x:${TAG:-1}',
      build: { context: '.', args: { A: '1', B: null }, secrets: ['s'], extra_hosts: ['a:1.2.3.4'] },
      command: 'a "b c" $$D',
      entrypoint: ['a'],
      ports: ['80', '127.0.0.1:81:81/udp', { target: 5, published: '6' }, 7],
      environment: ['A=1', 'B'],
      volumes: [
        './a:/a:ro',
        'data:/data',
        { type: 'tmpfs', target: '/t', tmpfs: { size: '1m', mode: '0700' } },
      ],
      depends_on: { db: { condition: 'service_healthy', required: true } },
      networks: { default: { aliases: ['b'], ipv4_address: '10.0.0.2' } },
      secrets: ['s', { source: 's', target: 't', mode: '0400' }],
      healthcheck: { test: ['CMD', 'x'], interval: '5s', retries: 3 },
      ulimits: { nofile: { soft: 1, hard: 2 }, nproc: 5 },
      deploy: { replicas: 2, resources: { limits: { cpus: '1', memory: '64m' } } },
      logging: { driver: 'local', options: { 'max-size': '1m' } },
      sysctls: ['net.core.somaxconn=1'],
      tmpfs: '/tmp',
      develop: { watch: [{ path: '.', action: 'sync', target: '/x' }] },
    },
    db: { extends: 'base', links: ['base:b'], labels: { a: 'b' }, stop_grace_period: '1m' },
    base: { image: 'y', profiles: [], devices: ['/dev/null'], extra_hosts: { a: ['::1'] } },
  },
  networks: { default: { ipam: { config: [{ subnet: '10.0.0.0/24' }] } } },
  volumes: { data: null },
  secrets: { s: { environment: 'HOME' } },
};

const YAML = `x-a: &a {image: x, environment: &e {A: "1"}}
services:
  web:
    <<: *a
    environment: {<<: *e, B: "\${B:-c}"}
    command: |
      several
      lines
    ports: !override ["80:80"]
  db: {<<: [*a], labels: !reset null}
`;

fuzz(
  'Compose files',
  150,
  (random) => (random(2) ? changedJson(COMPOSE, random) : changedText(YAML, random)),
  (text) => {
    const context = { cwd: '/nowhere', env: { HOME: '/home' }, exists: () => true, readText: () => '' };
    const project = openProject(
      { files: ['-'], envFiles: [], profiles: [], folder: '/nowhere' },
      { cwd: '/nowhere', env: context.env, readInput: () => text, warn() {} },
    );
    for (const [name, service] of Object.entries(project.services)) {
      configHash(service);
      const making = { image: 'x', name: 'xx', labels: {}, modeOf: String, containerOf: String };
      const plan = runFlags(project, name, service, making);
      toRequest(plan.root, plan.command, plan.flags, plan.mounts, context);
    }
  },
);

const KUBE = [
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'conf' },
    data: { a: 'b' },
    binaryData: { c: 'ZA==' },
  },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'token' },
    data: { t: 'c2VjcmV0' },
    stringData: { u: 'v' },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'set', labels: { app: 'x' } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'x' } },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }],
      template: {
        metadata: { labels: { app: 'x' } },
        spec: {
          terminationGracePeriodSeconds: 5,
          securityContext: {
            runAsUser: 5,
            fsGroup: 6,
            sysctls: [{ name: 'net.core.somaxconn', value: '1' }],
          },
          hostAliases: [{ ip: '10.0.0.1', hostnames: ['a'] }],
          dnsConfig: { nameservers: ['10.0.0.2'], options: [{ name: 'ndots', value: '2' }] },
          initContainers: [{ name: 'side', image: 'x', restartPolicy: 'Always' }],
          containers: [
            {
              name: 'main',
              image: 'x:1',
              command: ['sh', '-c', 'echo $(A) $$(B)'],
              env: [
                { name: 'A', value: '$(B)' },
                { name: 'B', valueFrom: { secretKeyRef: { name: 'token', key: 't' } } },
                { name: 'C', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
                { name: 'D', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
              ],
              envFrom: [{ prefix: 'X_', configMapRef: { name: 'conf' } }],
              ports: [{ containerPort: 80, name: 'http', hostPort: 8080, protocol: 'TCP' }],
              resources: { limits: { memory: '64Mi', cpu: '500m' }, requests: { cpu: 0.1 } },
              livenessProbe: { httpGet: { path: '/x', port: 'http' }, periodSeconds: 5, failureThreshold: 2 },
              lifecycle: { postStart: { exec: { command: ['x'] } }, preStop: { sleep: { seconds: 1 } } },
              securityContext: {
                capabilities: { drop: ['ALL'] },
                seccompProfile: { type: 'RuntimeDefault' },
              },
              volumeMounts: [
                { name: 'conf', mountPath: '/c', subPath: 'a', readOnly: true },
                { name: 'data', mountPath: '/d' },
                { name: 'all', mountPath: '/e' },
              ],
            },
          ],
          volumes: [
            { name: 'conf', configMap: { name: 'conf', items: [{ key: 'a', path: 'a', mode: 0o400 }] } },
            { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
            {
              name: 'all',
              projected: {
                sources: [
                  { secret: { name: 'token' } },
                  { downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } },
                ],
              },
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'job' },
    spec: {
      completions: 3,
      parallelism: 2,
      completionMode: 'Indexed',
      backoffLimit: 1,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { selector: { app: 'x' }, ports: [{ port: 80, targetPort: 'http' }] },
  },
];

const KUBE_YAML = `apiVersion: v1
kind: List
items:
  - &pod
    apiVersion: v1
    kind: Pod
    metadata: {name: web, labels: &labels {app: "web"}}
    spec:
      containers:
        - {name: c, image: x, args: [a, "$(B)"], ports: [{containerPort: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: more}
spec:
  replicas: 2
  template: {metadata: {labels: *labels}, spec: {containers: [{name: c, image: "x"}]}}
`;

fuzz(
  'files of Kubernetes',
  100,
  (random) => {
    if (random(3) === 0) return changedText(KUBE_YAML, random);
    const changed = random(KUBE.length + 1);
    return KUBE.map((one, index) =>
      index === changed ? changedJson(one, random) : JSON.stringify(one),
    ).join('\n---\n');
  },
  (text, random) => {
    const ignore = random(2) ? () => {} : undefined;
    const objects = readObjects({ name: 'pod.yaml', folder: '/', text }, ignore);
    const contents = new Contents(objects);
    const plans = podsOf(objects);
    for (const { name } of claimsOf(objects)) assert.match(name, /^[a-z0-9][a-z0-9.-]*$/);
    checkRequests(
      plans.map(
        (plan, index) => new PodRequests(plan, { strict: ignore === undefined }, contents, [], index),
      ),
    );
  },
);
