import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Manifest } from '../../src/image/store/oci.js';
import { Home, type Result } from './support/foster.js';
import { type BuiltImage, OciLayout, OWN, sha256 } from './support/oci-layout.js';
import { DebianRegistry, foster, PASSWORD, USER } from './support/registry.js';
import { Tmux } from './support/tmux.js';

/** pull and push with Debian's docker-registry, and with what skopeo and podman make of it. */

const home = new Home();
const layout = new OciLayout();
const OTHER = OWN.architecture === 'amd64' ? 'arm64' : 'amd64';
const members = (text: string) => [{ name: 'hello', content: text.repeat(2000) }];

const plain = layout.image(
  {
    layers: [
      { members: members('gzip'), compression: 'gzip' },
      { members: members('zstd'), compression: 'zstd' },
      { members: members('none'), compression: 'none' },
    ],
    config: { Cmd: ['/hello'] },
  },
  'plain',
);
layout.image({ layers: [{ members: members('docker') }] }, 'docker');
const foreign = layout.image({
  layers: [{ members: members('foreign') }],
  platform: { os: 'linux', architecture: OTHER },
});
const old = layout.image({
  layers: [{ members: members('v6') }],
  platform: { os: 'linux', architecture: 'arm', variant: 'v6' },
});
const newer = layout.image({
  layers: [{ members: members('v7') }],
  platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
});
const index = layout.index(
  [
    [{ os: 'linux', architecture: OTHER }, foreign.manifest],
    [{ os: 'linux', architecture: 'arm', variant: 'v6' }, old.manifest],
    [{ os: 'linux', architecture: 'arm', variant: 'v7' }, newer.manifest],
    [OWN, plain.manifest],
  ],
  'multi',
);
const withoutOwn = layout.index([[{ os: 'linux', architecture: 'mips' }, foreign.manifest]], 'elsewhere');

/** As skopeo has turned it into Docker's media types. */
let docker: BuiltImage;
let registry: DebianRegistry;
let secured: DebianRegistry;
let source: string;

before(async () => {
  source = layout.write(join(home.folder, 'layout'));
  registry = await DebianRegistry.start(join(home.folder, 'registry'));
  secured = await DebianRegistry.start(join(home.folder, 'secured'), { tls: true, password: true });
  for (const name of layout.names.keys()) {
    const format = name === 'docker' ? ['--format', 'v2s2'] : ['--preserve-digests'];
    const target = [
      '--dest-tls-verify=false',
      `oci:${source}:${name}`,
      `docker://${registry.host}/app:${name}`,
    ];
    skopeo('copy', '--all', ...format, ...target);
  }
  const raw = skopeo('inspect', '--raw', '--tls-verify=false', `docker://${registry.host}/app:docker`);
  const { mediaType, config, layers } = JSON.parse(raw) as Manifest;
  assert.equal(mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
  const digest = sha256(Buffer.from(raw));
  docker = { manifest: { mediaType, digest, size: raw.length }, config, layers };
});

after(async () => {
  await registry?.stop();
  await secured?.stop();
});

function skopeo(...args: string[]): string {
  const policy = join(home.folder, 'policy.json');
  if (!existsSync(policy)) writeFileSync(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  return execFileSync('skopeo', ['--policy', policy, ...args], { env: home.env, encoding: 'utf8' });
}

function says(result: Result, stdout: string): void {
  assert.deepEqual(result, { status: 0, signal: null, stdout, stderr: '' });
}

function fails(result: Result, message: RegExp): void {
  assert.match(result.stderr, message);
  assert.equal(result.status, 125);
  assert.equal(result.stdout.includes('Status:'), false);
}

function blobFile(digest: string): string {
  return join(home.folder, 'data/foster/images/blobs/sha256', digest.slice('sha256:'.length));
}

/** Checks that the image store has all blobs of an image, with the right digests. */
function assertStored({ manifest, config, layers }: BuiltImage): void {
  for (const { digest } of [manifest, config, ...layers])
    assert.equal(sha256(readFileSync(blobFile(digest))), digest);
}

function short(digest: string): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 12);
}

/** `docker pull` of an image, of which no layer is there. */
function pulled(name: string, { layers }: BuiltImage, digest: string): string {
  const [tag = ''] = name.split(':').slice(-1);
  const whole = `${registry.host}/${name}`;
  const lines = layers.map((layer) => `${short(layer.digest)}: Pull complete\n`);
  return [
    `${tag}: Pulling from app\n`,
    ...layers.map((layer) => `${short(layer.digest)}: Pulling fs layer\n`),
    ...lines,
    `Digest: ${digest}\nStatus: Downloaded newer image for ${whole}\n${whole}\n`,
  ].join('');
}

/** Layers arrive in any order. */
function sorted({ stdout }: Result): string {
  return stdout.split('\n').sort().join('\n');
}

test("from an index this machine's platform is pulled, layers of all compressions byte for byte", () => {
  const name = `${registry.host}/app:multi`;
  const result = home.foster(['pull', name]);
  assert.equal(result.stderr, '');
  const expected = pulled('app:multi', plain, index.digest);
  assert.equal(sorted(result), sorted({ ...result, stdout: expected }));
  assertStored(plain);
  assert.equal(existsSync(blobFile(foreign.config.digest)), false);

  const again = home.foster(['pull', name]);
  assert.match(again.stdout, new RegExp(`Status: Image is up to date for ${name}\n${name}\n$`));
  assert.match(again.stdout, new RegExp(`${short(plain.layers[0]?.digest ?? '')}: Already exists`));
  assert.doesNotMatch(again.stdout, /Pulling fs layer/);
});

test('the requested platform, with the best variant', () => {
  const name = `${registry.host}/app:multi`;
  const pull = (platform: string) => home.foster(['pull', '-q', '--platform', platform, name]);
  says(pull(`linux/${OTHER}`), `${name}\n`);
  assertStored(foreign);
  says(pull('linux/arm/v6'), `${name}\n`);
  assertStored(old);
  assert.equal(existsSync(blobFile(newer.config.digest)), false);
  says(pull('linux/arm'), `${name}\n`);
  assertStored(newer);
  fails(
    pull('linux/s390x'),
    /app:multi is not available for linux\/s390x; available with --platform: .*linux\/arm\/v6, linux\/arm\/v7/,
  );
});

test('a platform that is missing, or no platform at all', () => {
  fails(
    home.foster(['pull', `${registry.host}/app:elsewhere`]),
    /is not available for linux\/.*: linux\/mips/,
  );
  const wrong = home.foster(['pull', '--platform', `linux/${OTHER}`, `${registry.host}/app:plain`]);
  fails(wrong, new RegExp(`app:plain is not available for linux/${OTHER}`));
  fails(home.foster(['pull', '--platform', 'a b', 'x']), /--platform 'a b': expected OS\/ARCHITECTURE/);
  assert.ok(withoutOwn.size > 0);
});

test("Docker's media types", () => {
  assert.equal(home.foster(['pull', `${registry.host}/app:docker`]).status, 0);
  assertStored(docker);
});

test('by digest, of an index and of a manifest', () => {
  for (const digest of [index.digest, plain.manifest.digest]) {
    const name = `${registry.host}/app@${digest}`;
    const result = home.foster(['pull', name]);
    assert.match(result.stdout, new RegExp(`Digest: ${digest}\n.*\n${name}\n$`));
    // the name with a tag, too, means the one that was pulled
    const { status, stderr } = home.foster(['untag', name, `${registry.host}/app:plain@${digest}`]);
    assert.equal(status, 0, stderr);
    assert.equal(home.foster(['images', '--filter', 'dangling=false', '-q', name]).stdout, '');
  }
  fails(home.foster(['pull', `${registry.host}/app@sha256:${'0'.repeat(64)}`]), /does not have it/);
});

test('missing images', () => {
  fails(home.foster(['pull', `${registry.host}/app:nothing`]), /does not have it \(manifest unknown\)/);
  fails(home.foster(['pull', `${registry.host}/nowhere`]), /does not have it/);
  fails(home.foster(['pull', '127.0.0.1:1/app']), /cannot connect to 127\.0\.0\.1:1: connection refused/);
});

test('an image is pushed, and skopeo gets the same bytes from there', async (t) => {
  const other = await DebianRegistry.start(join(home.folder, 'other'));
  t.after(() => other.stop());
  home.foster(['pull', '-q', `${registry.host}/app:plain`]);
  const index = join(home.folder, 'data/foster/images/index.json');
  const copy = `${other.host}/copies/of/app:1`;
  writeFileSync(index, readFileSync(index, 'utf8').replaceAll(`${registry.host}/app:plain`, copy));
  const result = home.foster(['push', copy]);
  assert.equal(result.stderr, '');
  const [first = '', ...lines] = result.stdout.trimEnd().split('\n');
  assert.equal(first, `The push refers to repository [${other.host}/copies/of/app]`);
  for (const { digest } of plain.layers) assert.ok(lines.includes(`${short(digest)}: Pushed`), result.stdout);
  assert.equal(lines.at(-1), `1: digest: ${plain.manifest.digest} size: ${plain.manifest.size}`);
  assert.match(home.foster(['push', copy]).stdout, /Layer already exists/);

  const folder = join(home.folder, 'copied');
  skopeo('copy', '--preserve-digests', '--src-tls-verify=false', `docker://${copy}`, `dir:${folder}`);
  assert.equal(sha256(readFileSync(join(folder, 'manifest.json'))), plain.manifest.digest);
  for (const { digest } of plain.layers) assert.ok(existsSync(join(folder, digest.slice('sha256:'.length))));
});

test('pushing for the wrong platform, or a missing image', () => {
  const name = `${registry.host}/app:multi`;
  home.foster(['pull', '-q', name]);
  fails(home.foster(['push', '--platform', 'linux/s390x', name]), /is not available for linux\/s390x/);
  const result = home.foster(['push', `${registry.host}/app:nothing`]);
  assert.match(result.stderr, /no such image/);
  assert.equal(result.status, 1);
});

test('layers in another repository of the registry are not sent again', () => {
  home.foster(['pull', '-q', `${registry.host}/app:plain`]);
  const result = home.foster(['push', `${registry.host}/app:plain`, `${registry.host}/mounted:1`]);
  assert.deepEqual([result.status, result.stderr], [0, '']);
  for (const { digest } of plain.layers)
    assert.ok(result.stdout.includes(`${short(digest)}: Mounted from app`), result.stdout);
  skopeo('inspect', '--tls-verify=false', `docker://${registry.host}/mounted:1`);
});

test('all tags of a name', () => {
  const { status, stdout, stderr } = home.foster(['pull', '-a', '-q', `${registry.host}/mounted`]);
  assert.deepEqual([status, stderr], [0, '']);
  assert.equal(stdout, `${registry.host}/mounted:1\n`);
  fails(
    home.foster(['pull', '-a', `${registry.host}/app:1`]),
    /--all-tags .* it has a tag or digest already/,
  );
  fails(
    home.foster(['pull', '-a', `${registry.host}/nothing`]),
    /cannot list the tags of .*does not have it/,
  );
});

test('two pulls at once download every layer once, and both succeed', async () => {
  const other = new OciLayout();
  const image = other.image(
    { layers: [{ members: members('twice') }, { members: members('two') }] },
    'twice',
  );
  const folder = other.write(join(home.folder, 'twice'));
  skopeo('copy', '--dest-tls-verify=false', `oci:${folder}:twice`, `docker://${registry.host}/app:twice`);
  const name = `${registry.host}/app:twice`;
  const results = await Promise.all([1, 2, 3].map(() => foster(home, ['pull', name])));
  for (const { status, stderr } of results) assert.deepEqual([status, stderr], [0, '']);
  const downloads = results.map(({ stdout }) => stdout.match(/Pull complete/g)?.length ?? 0);
  assert.equal(
    downloads.reduce((sum, one) => sum + one),
    2,
    results.map(({ stdout }) => stdout).join('---'),
  );
  assertStored(image);
});

test('a certificate signed by an unknown authority is refused, unless it is trusted or verification is off', () => {
  const name = `${secured.host}/app:plain`;
  const creds = `${USER}:${PASSWORD}`;
  fails(
    home.foster(['pull', '--creds', creds, name]),
    /certificate signed by unknown authority; put .*certs\.d/,
  );
  const insecure = home.foster(['pull', '--creds', creds, '--tls-verify=false', name]);
  fails(insecure, /does not have it/); // it got that far
  const byVariable = { env: { NODE_EXTRA_CA_CERTS: secured.certificate } };
  fails(home.foster(['pull', '--creds', creds, name], byVariable), /does not have it/);
  const folder = join(home.folder, '.config/containers/certs.d', secured.host);
  mkdirSync(folder, { recursive: true });
  copyFileSync(secured.certificate, join(folder, 'ca.crt'));
  fails(home.foster(['pull', '--creds', creds, name]), /does not have it/);
});

test('log in, push, pull, log out', () => {
  const { host } = secured;
  const file = join(home.folder, 'run/containers/auth.json');
  const login = (...args: string[]) => home.foster(['login', ...args, host], { input: `${PASSWORD}\n` });
  fails(
    home.foster(['pull', `${host}/app:1`]),
    /requires a user name and a password; log in with 'foster login 127/,
  );
  fails(
    home.foster(['login', '-u', USER, '--password-stdin', host], { input: 'wrong' }),
    /rejected the user name and password/,
  );
  fails(login(), /cannot ask for Username: standard input is not a terminal/);
  assert.equal(existsSync(file), false);
  says(login('-u', USER, '--password-stdin'), 'Login Succeeded\n');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const auth = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { auths: { [host]: { auth } } });
  assert.deepEqual(readdirSync(join(home.folder, 'run/containers')), ['auth.json']);
  says(login(), `Authenticating with existing credentials for ${host}\nLogin Succeeded\n`);

  home.foster(['pull', '-q', `${registry.host}/app:docker`]);
  const index = join(home.folder, 'data/foster/images/index.json');
  writeFileSync(
    index,
    readFileSync(index, 'utf8').replaceAll(`${registry.host}/app:docker`, `${host}/app:1`),
  );
  says(home.foster(['push', '-q', `${host}/app:1`]), `${host}/app:1\n`);
  const { Digest } = JSON.parse(
    skopeo('inspect', '--authfile', file, '--tls-verify=false', `docker://${host}/app:1`),
  ) as { Digest: string };
  assert.equal(Digest, docker.manifest.digest);
  says(home.foster(['pull', '-q', `${host}/app:1`]), `${host}/app:1\n`);

  says(home.foster(['logout', host]), `Removed login credentials for ${host}\n`);
  fails(home.foster(['pull', `${host}/app:1`]), /requires a user name and a password/);
  fails(home.foster(['logout', host]), /not logged in to 127/);
});

test('log in at a terminal: the password is asked for, and not shown', async () => {
  const { host } = secured;
  const person = new Tmux(home);
  try {
    person.types(`foster login --tls-verify=false ${host}; echo "code $?"`);
    await person.sees(/Username:/);
    person.types(USER);
    await person.sees(/Password:/);
    person.types(PASSWORD);
    const screen = await person.sees(/^code \d+$/m);
    assert.match(screen, /^Password:\nLogin Succeeded\ncode 0$/m);
    assert.ok(!screen.includes(PASSWORD));
    says(home.foster(['logout', host]), `Removed login credentials for ${host}\n`);
    person.clears();
    person.types(`foster login --tls-verify=false -u ${USER} ${host}; echo "code $?"`);
    await person.sees(/^Password:/m);
    person.presses('C-c');
    await person.sees(/nothing was entered\ncode 130$/m);
  } finally {
    person.leaves();
  }
});

test("credentials in podman's and docker's files are used, in podman's order", () => {
  const { host } = secured;
  const write = (path: string, auths: object) => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, JSON.stringify(auths));
    return path;
  };
  const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
  const pull = (env: Record<string, string> = {}) => home.foster(['pull', '-q', `${host}/app:1`], { env });
  write(join(home.folder, '.docker/config.json'), {
    auths: { [`https://${host}/v2/`]: auth(`${USER}:${PASSWORD}`) },
  });
  says(pull(), `${host}/app:1\n`);
  write(join(home.folder, '.config/containers/auth.json'), { auths: { [host]: auth('me:no') } });
  fails(pull(), /rejected the user name and password from .*\.config\/containers\/auth\.json/);
  write(join(home.folder, 'run/containers/auth.json'), {
    auths: { [`${host}/app`]: auth(`${USER}:${PASSWORD}`), [host]: auth('x:y') },
  });
  says(pull(), `${host}/app:1\n`);
  const empty = write(join(home.folder, 'empty.json'), {});
  fails(pull({ REGISTRY_AUTH_FILE: empty }), /requires a user name and a password/);
  writeFileSync(empty, '[]');
  fails(pull({ REGISTRY_AUTH_FILE: empty }), /empty\.json is not a JSON object/);
});

test('a credential helper', () => {
  const { host } = secured;
  const bin = join(home.folder, 'helpers');
  mkdirSync(bin);
  const script = `#!/bin/sh
    case $1 in
      get) read -r server; [ -e ${bin}/"$server" ] || { echo 'credentials not found in native keychain'; exit 1; }
           cat ${bin}/"$server" ;;
      store) tee ${bin}/${host} > /dev/null ;;
      erase) read -r server; rm ${bin}/"$server" ;;
    esac`;
  writeFileSync(join(bin, 'docker-credential-test'), script, { mode: 0o755 });
  const file = join(bin, 'auth.json');
  writeFileSync(file, JSON.stringify({ credHelpers: { [host]: 'test' } }));
  const env = { REGISTRY_AUTH_FILE: file, PATH: `${bin}:${process.env.PATH}` };
  const run = (...args: string[]) => home.foster(args, { env, input: PASSWORD });
  fails(run('pull', `${host}/app:1`), /requires a user name and a password/);
  says(run('login', '-u', USER, '--password-stdin', host), 'Login Succeeded\n');
  assert.deepEqual(JSON.parse(readFileSync(join(bin, host), 'utf8')), {
    ServerURL: host,
    Username: USER,
    Secret: PASSWORD,
  });
  assert.equal(readFileSync(file, 'utf8').includes('auths'), false);
  says(run('pull', '-q', `${host}/app:1`), `${host}/app:1\n`);
  says(run('logout', host), `Removed login credentials for ${host}\n`);
  assert.equal(existsSync(join(bin, host)), false);
  writeFileSync(file, JSON.stringify({ credHelpers: { [host]: 'missing' } }));
  fails(run('pull', `${host}/app:1`), /docker-credential-missing is not installed; install it/);
  writeFileSync(file, JSON.stringify({ credHelpers: { [host]: '../../bin/sh' } }));
  fails(run('pull', `${host}/app:1`), /is not the name of a credential helper/);
  writeFileSync(file, JSON.stringify({ credsStore: 'missing' }));
  fails(run('pull', `${host}/app:1`), /requires a user name and a password/);
});

test('podman pulls what foster has pushed', () => {
  const storage = [
    '--root',
    join(home.folder, 'podman'),
    '--storage-driver',
    'vfs',
    '--cgroup-manager',
    'cgroupfs',
  ];
  const name = `${registry.host}/mounted:1`;
  const args = [...storage, 'pull', '-q', '--tls-verify=false', `docker://${name}`];
  const { status, stdout, stderr } = spawnSync('podman', args, { env: home.env, encoding: 'utf8' });
  // its layers belong to other ids
  execFileSync('podman', [...storage, 'unshare', 'rm', '-rf', join(home.folder, 'podman')], {
    env: home.env,
  });
  assert.deepEqual([status, stdout.trim()], [0, plain.config.digest.slice('sha256:'.length)], stderr);
});

test('on a terminal each layer has one line', async () => {
  const person = new Tmux(home);
  try {
    person.types(`foster pull ${registry.host}/app:plain`);
    const screen = await person.sees(/Status: .*\n.*app:plain\ncaller\$$/);
    for (const { digest } of plain.layers) {
      assert.match(screen, new RegExp(`^${short(digest)}: (?:Already exists|Pull complete)$`, 'm'));
    }
    assert.equal(screen.match(/Already exists|Pull complete/g)?.length, plain.layers.length, screen);
  } finally {
    person.leaves();
  }
});

test('a registry behind a proxy', async () => {
  const asked: string[] = [];
  const proxy = createServer().on('connect', ({ url = '', headers }, socket, head) => {
    asked.push(`${url} ${headers['proxy-authorization']}`);
    const [host, port] = secured.host.split(':');
    const target = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.write(head);
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  const env = {
    HTTPS_PROXY: `http://u:p@127.0.0.1:${port}`,
    NO_PROXY: 'other.test',
    https_proxy: '',
    no_proxy: '',
  };
  const name = 'registry.test/app:1';
  const args = ['pull', '-q', '--tls-verify=false', '--creds', `${USER}:${PASSWORD}`, name];
  says(await foster(home, args, env), `${name}\n`);
  assert.ok(asked.length > 0);
  assert.deepEqual(new Set(asked), new Set(['registry.test:443 Basic dTpw']));
  const before = asked.length;
  fails(await foster(home, args, { ...env, NO_PROXY: '.test' }), /cannot connect to registry\.test/);
  fails(await foster(home, args, { ...env, HTTPS_PROXY: 'socks5://x' }), /HTTPS_PROXY is not the address/);
  assert.equal(asked.length, before);
  proxy.closeAllConnections();
  proxy.close();
});

test("certificates and credentials from the user's own files, and a push under another name", () => {
  const { host } = secured;
  const certificates = join(home.folder, 'certificates');
  mkdirSync(certificates);
  copyFileSync(secured.certificate, join(certificates, 'ca.crt'));
  const authfile = join(home.folder, 'own-auth.json');
  const own = ['--cert-dir', certificates, '--authfile', authfile];
  assert.match(home.foster(['pull', ...own, `${host}/own:1`]).stderr, /--authfile .* there is no such file/);
  says(
    home.foster(['login', ...own, '-u', USER, '--password-stdin', host], { input: PASSWORD }),
    'Login Succeeded\n',
  );
  home.foster(['pull', '-q', `${registry.host}/app:docker`]);
  const pushed = home.foster(['push', '-q', ...own, `${registry.host}/app:docker`, `docker://${host}/own:1`]);
  says(pushed, `${host}/own:1\n`);
  assert.match(home.foster(['image', 'inspect', `${host}/own:1`]).stderr, /no such image/);
  says(home.foster(['pull', '-q', ...own, `${host}/own:1`]), `${host}/own:1\n`);
  home.foster(['rmi', `${host}/own:1`]);
  const context = join(home.folder, 'own-context');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), `FROM ${host}/own:1\nLABEL a=b\n`);
  const built = home.foster(['build', '-q', ...own, context]);
  assert.deepEqual({ status: built.status, stderr: built.stderr }, { status: 0, stderr: '' });
  home.foster(['rmi', `${host}/own:1`]);
  assert.match(
    home.foster(['build', context]).stderr,
    /Dockerfile:1: .* (access is denied|rejected the user name)/,
  );
  assert.match(home.foster(['pull', '--cert-dir', '/nosuch', 'x']).stderr, /there is no such folder/);
});
