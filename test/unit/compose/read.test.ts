// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Compose files
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { configHash } from '../../../src/compose/hash.js';
import { inOrder, withNeeds } from '../../../src/compose/order.js';
import { errorOf, folderWith, read, serviceOf } from './files.js';

test('short forms become long ones', () => {
  const web = serviceOf(
    `command: echo "a b"
entrypoint: [sh, -c]
ports: [8080:80, "127.0.0.1:53:53/udp", 9000, "3000-3001:3000-3001", "127.0.0.1:0:81"]
expose: [80]
environment: [A=1, B=x=y, C]
labels: {n: 1, t: true}
depends_on: {}
extra_hosts: ["a:10.0.0.1", "b=::1", "a=10.0.0.2"]
healthcheck: {test: curl -f x, retries: "3"}
ulimits: {nproc: 5, nofile: {soft: 1, hard: 2}}
devices: [/dev/fuse]
tmpfs: /tmp
dns: 10.0.0.1
sysctls: [net.core.somaxconn=1024]
read_only: "true"
stop_grace_period: 1m30s`,
    { C: 'caller' },
  );
  assert.deepEqual(web.command, ['echo', 'a b']);
  assert.deepEqual(web.entrypoint, ['sh', '-c']);
  assert.deepEqual(web.ports, [
    { mode: 'ingress', target: 80, published: '8080', protocol: 'tcp' },
    { mode: 'ingress', target: 53, published: '53', protocol: 'udp', host_ip: '127.0.0.1' },
    { mode: 'ingress', target: 9000, protocol: 'tcp' },
    { mode: 'ingress', target: 3000, published: '3000', protocol: 'tcp' },
    { mode: 'ingress', target: 3001, published: '3001', protocol: 'tcp' },
    { mode: 'ingress', target: 81, protocol: 'tcp', host_ip: '127.0.0.1' },
  ]);
  assert.deepEqual(web.environment, { A: '1', B: 'x=y', C: 'caller' });
  assert.deepEqual(web.labels, { n: '1', t: 'true' });
  assert.deepEqual(web.extra_hosts, { a: ['10.0.0.1', '10.0.0.2'], b: ['::1'] });
  assert.deepEqual(web.healthcheck, { test: ['CMD-SHELL', 'curl -f x'], retries: 3 });
  assert.deepEqual(web.ulimits, { nproc: { soft: 5, hard: 5 }, nofile: { soft: 1, hard: 2 } });
  assert.deepEqual(web.devices, [{ source: '/dev/fuse', target: '/dev/fuse', permissions: 'rwm' }]);
  assert.deepEqual([web.tmpfs, web.dns, web.expose], [['/tmp'], ['10.0.0.1'], ['80']]);
  assert.deepEqual(web.sysctls, { 'net.core.somaxconn': '1024' });
  assert.equal(web.read_only, true);
});

test('a whole number of any size stays what it is', () => {
  const web =
    serviceOf(`environment: {ID: 987654321098765432, MINUS: -987654321098765432, SUM: +18446744073709551616}
labels: {hex: 0xFFFFFFFFFFFFFFFF, octal: 07777777777777777777, new: 0o7777777777777777777, small: 0777, part: 1.10}
annotations: [987654321098765432]
build: {context: ., args: {ID: 987654321098765432}}
mem_limit: 9007199254740993`);
  assert.deepEqual(web.environment, {
    ID: '987654321098765432',
    MINUS: '-987654321098765432',
    SUM: '18446744073709551616',
  });
  // as in Docker Compose, a number that is not whole is a number: 1.10 is 1.1
  const octal = '144115188075855871';
  assert.deepEqual(web.labels, { hex: '18446744073709551615', octal, new: octal, small: '511', part: '1.1' });
  assert.deepEqual(web.annotations, { '987654321098765432': '' });
  assert.deepEqual(web.build?.args, { ID: '987654321098765432' });
  assert.equal(web.mem_limit, '9007199254740993');
});

test('mounts, secrets and paths', () => {
  const { project, folder } = read({
    'compose.yaml': `services:
  web:
    image: busybox
    volumes:
      - ./src:/src:ro
      - ~/x:/x
      - data:/data:nocopy
      - /anonymous
      - {type: bind, source: ../up, target: /up, bind: {create_host_path: false}}
      - {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0700}}
    secrets: [one, {source: two, target: /etc/two, mode: 0440, uid: "5"}]
    env_file: {path: a.env}
volumes: {data: {}, other: {external: true, name: there}}
secrets: {one: {file: ./one.txt}, two: {environment: TWO}}
`.replace('env_file: {path: a.env}', 'env_file: [a.env, {path: missing.env, required: false}]'),
    'a.env': 'A=1\nB=${A}2\n',
    '.env': 'TWO=2\n',
  });
  const { web } = project.services;
  assert.deepEqual(web?.volumes, [
    {
      type: 'bind',
      source: join(folder, 'src'),
      target: '/src',
      read_only: true,
      bind: { create_host_path: true },
    },
    { type: 'bind', source: '/home/me/x', target: '/x', bind: { create_host_path: true } },
    { type: 'volume', source: 'data', target: '/data', volume: { nocopy: true } },
    { type: 'volume', target: '/anonymous' },
    { type: 'bind', source: join(folder, '../up'), target: '/up', bind: { create_host_path: false } },
    { type: 'tmpfs', target: '/t', tmpfs: { size: '1m', mode: 0o700 } },
  ]);
  assert.deepEqual(web?.secrets, [
    { source: 'one' },
    { source: 'two', target: '/etc/two', uid: '5', mode: 0o440 },
  ]);
  assert.deepEqual(web?.environment, { A: '1', B: '12' });
  assert.deepEqual(project.volumes, { data: { name: 'app_data' }, other: { external: true, name: 'there' } });
  assert.equal(project.secrets.one?.file, join(folder, 'one.txt'));
  assert.deepEqual(project.networks, { default: { name: 'app_default' } });
});

test('anchors, merge keys and x- fields', () => {
  const { project } = read({
    'compose.yaml': `x-common: &common
  image: busybox
  environment: &env {A: "1"}
services:
  one: {<<: *common, user: "5"}
  two:
    <<: [{image: other}, *common]
    environment: {<<: *env, B: "2"}
`,
  });
  assert.deepEqual(project.services.one, { image: 'busybox', environment: { A: '1' }, user: '5' });
  assert.deepEqual(project.services.two, { image: 'other', environment: { A: '1', B: '2' } });
  assert.deepEqual(Object.keys(project.extensions), ['x-common']);
});

test('later files change, extend, replace and reset what earlier ones say', () => {
  const { project } = read({
    'compose.yaml': `services:
  web:
    image: busybox
    command: [a, b]
    ports: ["80:80"]
    environment: {A: "1", B: "1"}
    volumes: ["./a:/a", "./b:/b"]
    dns: [10.0.0.1]
    logging: {driver: json-file, options: {max-size: 1m}}
    networks: {front: {aliases: [x]}}
    healthcheck: {test: a, interval: 5s}
    labels: {keep: "1"}
  gone: {image: busybox}
networks: {front: {}}
`,
    'compose.override.yaml': `services:
  web:
    command: c
    ports: ["81:81", "80:80"]
    environment: [B=2]
    volumes: ["./c:/b"]
    dns: !override [10.0.0.2]
    logging: {driver: local}
    networks: [front]
    healthcheck: {test: b}
    labels: !reset {}
  gone: !reset null
`,
  });
  const { web } = project.services;
  assert.deepEqual(Object.keys(project.services), ['web']);
  assert.deepEqual(web?.command, ['c']);
  assert.deepEqual(
    web?.ports?.map(({ published }) => published),
    ['80', '81'],
  );
  assert.deepEqual(web?.environment, { A: '1', B: '2' });
  assert.deepEqual(
    web?.volumes?.map(({ source }) => source?.split('/').at(-1)),
    ['a', 'c'],
  );
  assert.deepEqual(web?.dns, ['10.0.0.2']);
  assert.deepEqual(web?.logging, { driver: 'local' });
  assert.deepEqual(web?.networks, { front: { aliases: ['x'] } });
  assert.deepEqual(web?.healthcheck, { test: ['CMD-SHELL', 'b'], interval: '5s' });
  assert.equal(web?.labels, undefined);
});

test('extends: in the same file, in another one, and again from there', () => {
  const { project, folder } = read({
    'compose.yaml': `services:
  base: {image: busybox, environment: {A: base, B: base}, cap_add: [SYS_TIME]}
  web:
    extends: base
    environment: {B: web}
  far:
    extends: {file: sub/other.yaml, service: middle}
    command: [x]
`,
    'sub/other.yaml': `services:
  root: {image: root, volumes: ["./data:/data"]}
  middle: {extends: {service: root}, user: "5"}
`,
  });
  assert.deepEqual(project.services.web, {
    image: 'busybox',
    environment: { A: 'base', B: 'web' },
    cap_add: ['SYS_TIME'],
  });
  assert.equal(project.services.far?.image, 'root');
  assert.equal(project.services.far?.user, '5');
  assert.equal(project.services.far?.volumes?.[0]?.source, join(folder, 'sub/data'));
});

test('include: another project, with its own folder and variables', () => {
  const files = {
    'compose.yaml': `include: [db/compose.yaml]
services:
  web: {image: busybox, depends_on: [db]}
`,
    'db/compose.yaml': `services:
  db: {image: "db:\${VERSION}", volumes: ["./init:/init", "data:/data"]}
volumes: {data: {}}
`,
    'db/.env': 'VERSION=5\n',
  };
  const { project, folder } = read(files);
  assert.equal(project.services.db?.image, 'db:5');
  assert.equal(project.services.db?.volumes?.[0]?.source, join(folder, 'db/init'));
  assert.deepEqual(project.volumes, { data: { name: 'app_data' } });
  assert.match(
    errorOf(`include: [db.yaml]\nservices:\n  db: {image: mine}\n`, {
      'db.yaml': 'services: {db: {image: other}}\n',
    }),
    /^compose\.yaml:1:11: include\[0\]: it defines service db, which is defined differently here; change/,
  );
  assert.match(
    errorOf('include: [a.yaml]\nservices: {w: {image: x}}\n', {
      'a.yaml': 'include: [compose.yaml]\nservices: {}\n',
    }),
    /files include each other in a circle, by compose\.yaml$/,
  );
});

test('profiles: of the command line, of the environment, and of named services', () => {
  const files = {
    'compose.yaml': `services:
  web: {image: busybox}
  debug: {image: busybox, profiles: [dev]}
  job: {image: busybox, profiles: [ops], depends_on: [web]}
`,
  };
  const names = (opening: Parameters<typeof read>[1], env: Record<string, string> = {}) =>
    Object.keys(read(files, opening, env).project.services);
  assert.deepEqual(names({}), ['web']);
  assert.deepEqual(names({ profiles: ['dev'] }), ['debug', 'web']);
  assert.deepEqual(names({ profiles: ['*'] }), ['debug', 'job', 'web']);
  assert.deepEqual(names({}, { COMPOSE_PROFILES: 'dev,ops' }), ['debug', 'job', 'web']);
  assert.deepEqual(names({ named: ['job'] }), ['job', 'web']);
  assert.match(
    errorOf('services:\n  a: {image: x, profiles: [p]}\n  b: {image: x, depends_on: [a]}\n'),
    /^compose\.yaml:3:17: services\.b\.depends_on\.a: service "a" is in a profile that is not active; activate it: --profile p$/,
  );
});

test('the name of a project, its files and its variables', () => {
  const text = (name: string) =>
    `${name}services: {web: {image: "x:\${TAG:-none}", hostname: "\${COMPOSE_PROJECT_NAME}"}}\n`;
  const nameOf = (...args: Parameters<typeof read>) => read(...args).project.services.web?.hostname;
  assert.equal(nameOf({ 'compose.yaml': text('') }), 'app');
  assert.equal(nameOf({ 'compose.yaml': text('name: mine\n') }), 'mine');
  assert.equal(nameOf({ 'compose.yaml': text('name: ${X:-byvar}\n') }), 'byvar');
  assert.equal(nameOf({ 'compose.yaml': text('name: mine\n') }, {}, { COMPOSE_PROJECT_NAME: 'env' }), 'env');
  assert.equal(
    nameOf({ 'compose.yaml': text('name: mine\n') }, { name: 'flag' }, { COMPOSE_PROJECT_NAME: 'env' }),
    'flag',
  );
  assert.equal(nameOf({ 'docker-compose.yml': text('') }), 'app');
  assert.equal(nameOf({ 'other.yaml': text('') }, {}, { COMPOSE_FILE: 'other.yaml' }), 'app');
  const image = (...args: Parameters<typeof read>) => read(...args).project.services.web?.image;
  assert.equal(image({ 'compose.yaml': text('') }), 'x:none');
  assert.equal(image({ 'compose.yaml': text(''), '.env': 'TAG=file' }), 'x:file');
  assert.equal(image({ 'compose.yaml': text(''), '.env': 'TAG=file' }, {}, { TAG: 'caller' }), 'x:caller');
  assert.equal(
    image({ 'compose.yaml': text(''), '.env': 'TAG=file', 'b.env': 'TAG=b' }, { envFiles: ['b.env'] }),
    'x:b',
  );
  assert.throws(
    () => read({ 'compose.yaml': text('') }, { name: 'Bad Name' }),
    /--project-name: "Bad Name" is not a name of a project/,
  );
  assert.throws(() => read({}), /there is no compose\.yaml in /);
  assert.ok(folderWith({}));
});

test('for containers that exist, nothing is missing and nothing is warned of', () => {
  const text = `version: "3"
services:
  web: {image: "x:\${TAG}", env_file: missing.env, secrets: [s]}
  job: {image: x, profiles: [p]}
secrets: {s: {environment: NOT_SET}}
`;
  const { project, warnings } = read({ 'compose.yaml': text }, { isForExisting: true });
  assert.deepEqual(Object.keys(project.services), ['job', 'web']);
  assert.deepEqual(warnings, []);
});

test('the order of services, and what they need', () => {
  const { project } = read({
    'compose.yaml': `services:
  a: {image: x, depends_on: [b], network_mode: "service:c"}
  b: {image: x, links: ["d:alias"], volumes_from: ["c:ro", "container:other"]}
  c: {image: x}
  d: {image: x}
`,
  });
  assert.deepEqual(inOrder(project.services), ['c', 'd', 'b', 'a']);
  assert.deepEqual([...withNeeds(project.services, ['b'])].sort(), ['b', 'c', 'd']);
});

test('the hash changes with what a container is made from, and with nothing else', () => {
  const base = serviceOf('environment: {A: "1", B: "2"}');
  const hash = configHash(base);
  assert.equal(configHash(serviceOf('environment: [B=2, A=1]')), hash);
  assert.equal(
    configHash(serviceOf('environment: [B=2, A=1]\nscale: 3\ndeploy: {replicas: 2}\nprofiles: []')),
    hash,
  );
  for (const change of ['user: "5"', 'deploy: {resources: {limits: {cpus: "1"}}}', 'command: x'])
    assert.notEqual(configHash(serviceOf(`environment: [B=2, A=1]\n${change}`)), hash, change);
  assert.notEqual(configHash(base, 'secret'), hash);
});
