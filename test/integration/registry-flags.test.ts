import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { dockerArchive, ImagesHome } from './support/image-archive.js';
import { DebianRegistry } from './support/registry.js';

/** Flags of Docker's and Podman's commands that speak to a registry. */
const home = new ImagesHome();
let registry: DebianRegistry;
let own: string[];

before(async () => {
  registry = await DebianRegistry.start(home.path('registry'));
  own = ['one:1', 'one:2', 'two:1'].map((name) => `${registry.host}/found/${name}`);
  home.load(dockerArchive({ names: own, layers: [[{ name: 'etc/' }]] }));
  for (const name of own) assert.equal(home.foster(['push', '-q', name]).status, 0);
});
after(() => registry.stop());

test('search looks through the repositories of a registry, and lists tags', async () => {
  const own = [
    `${registry.host}/found/one:1`,
    `${registry.host}/found/one:2`,
    `${registry.host}/found/two:1`,
  ];
  home.load(dockerArchive({ names: own, layers: [[{ name: 'etc/' }]] }));
  for (const name of own) assert.equal(home.foster(['push', '-q', name]).status, 0);
  const search = (...args: string[]) => home.foster(['search', ...args]).stdout;
  assert.equal(
    search('--format', '{{.Name}} {{.Stars}}', `${registry.host}/found/`),
    `${registry.host}/found/one 0\n${registry.host}/found/two 0\n`,
  );
  assert.equal(
    search('--limit', '1', '--format', '{{.Name}}', `${registry.host}/found/t`),
    `${registry.host}/found/two\n`,
  );
  assert.match(search(`${registry.host}/found`), /^NAME +DESCRIPTION +STARS +OFFICIAL\n/);
  assert.match(
    search('--list-tags', `${registry.host}/found/one`),
    /^NAME +TAG\n\S+\/one +1\n\S+\/one +2\n$/,
  );
  assert.equal(search('--filter', 'stars=1', '--format', '{{.Name}}', `${registry.host}/found`), '');
  assert.match(home.foster(['search', '--filter', 'x=y', 'z']).stderr, /expected stars=NUMBER, is-official/);
  assert.match(home.foster(['search', '--limit', '0', 'z']).stderr, /expected a number from 1 to 100/);
});

test('push takes all tags, another format, and writes the digest', () => {
  const all = home.foster(['push', '-aq', `${registry.host}/found/one`]);
  assert.deepEqual(all, { status: 0, signal: null, stdout: `${own[0]}\n${own[1]}\n`, stderr: '' });
  assert.match(
    home.foster(['push', '-a', own[0] ?? '']).stderr,
    /has a tag or digest already; give the name alone/,
  );
  assert.match(home.foster(['push', '-a', `${registry.host}/nosuch`]).stderr, /no such image: .*\/nosuch;/);
  const target = `${registry.host}/docker/one:1`;
  const flags = ['--format', 'v2s2', '--digestfile', home.path('digest'), '--disable-content-trust'];
  const { status, stdout, stderr } = home.foster(['push', ...flags, own[0] ?? '', target]);
  assert.equal(status, 0, stderr);
  const digest = readFileSync(home.path('digest'), 'utf8');
  assert.ok(stdout.includes(`1: digest: ${digest} size: `), stdout);
  assert.equal(home.foster(['pull', '-q', target]).status, 0);
  assert.equal(
    home.foster(['image', 'inspect', '-f', '{{.Digest}} {{.ManifestType}}', target]).stdout,
    `${digest} application/vnd.docker.distribution.manifest.v2+json\n`,
  );
  assert.match(home.foster(['push', '--format', 'v2s1', target]).stderr, /expected oci or v2s2/);
});

test('push and pull take files and docker:// as Podman and skopeo write them', () => {
  const [name = ''] = own;
  const id = home.foster(['image', 'inspect', '-f', '{{.Id}}', name]).stdout;
  for (const [destination, source] of [
    ['docker-archive', 'docker-archive'],
    ['oci-archive', 'oci-archive'],
    ['oci', 'oci'],
    ['dir', undefined],
  ] as const) {
    const path = home.path(`pushed-${destination}`);
    const pushed = home.foster(['push', name, `${destination}:${path}`]);
    assert.equal(pushed.status, 0, pushed.stderr);
    assert.ok(existsSync(path));
    if (source === undefined) continue;
    assert.equal(home.foster(['rmi', '-f', name]).status, 0);
    const pulled = home.foster(['pull', `${source}:${path}`]);
    assert.deepEqual([pulled.stdout, pulled.stderr], [`${name}\n`, '']);
    assert.equal(home.foster(['image', 'inspect', '-f', '{{.Id}}', name]).stdout, id);
  }
  const refused = home.foster(['push', name, 'oci-archive:/tmp/file.tar:other:1']);
  assert.equal(refused.status, 125);
  assert.match(
    refused.stderr,
    /^foster: DESTINATION 'oci-archive:.*': a name after the path is not supported yet; /,
  );
  assert.equal(home.foster(['push', '-q', name]).status, 0);
  assert.deepEqual(home.foster(['pull', '-q', `docker://${name}`]).stdout, `${name}\n`);
});

test('pull --policy asks the registry only where it should', () => {
  const [name = ''] = own;
  const pull = (...flags: string[]) => home.foster(['pull', ...flags, name]);
  assert.doesNotMatch(pull('--policy', 'missing').stdout, /Pulling/);
  assert.doesNotMatch(pull('--policy', 'never').stdout, /Pulling/);
  assert.match(pull('--policy', 'newer').stdout, /Image is up to date/);
  assert.match(pull('--arch', 'arm64').stderr, /is not available for linux\/arm64/);
  home.foster(['rmi', name]);
  assert.match(pull('--policy', 'never').stderr, /no such image/);
  assert.match(pull('--policy', 'missing').stdout, /Downloaded newer image/);
  assert.match(pull('--policy', 'perhaps').stderr, /--policy .*expected missing, always, newer or never/);
});

test('run and create pull with the credentials of a file, and without TLS where that is asked for', async () => {
  const [name = ''] = own;
  home.foster(['rmi', name]);
  const flags = ['--tls-verify=false', '-q', '--rm', name, '/none'];
  assert.match(home.run(flags).stderr, /cannot run "\/none": there is no such file/);
  assert.match(
    home.foster(['create', '--name', 'made', '--tls-verify', '-q', name, '/none']).stdout,
    /^[0-9a-f]{64}\n$/,
  );
  home.foster(['rm', 'made']);
  assert.match(
    home.run(['--authfile', '/no/such', ...flags]).stderr,
    /--authfile '\/no\/such': there is no such file/,
  );
  assert.match(
    home.run(['--authfile', 'x', '--bundle', '.']).stderr,
    /--authfile and --bundle cannot be used together/,
  );

  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.authorization ?? 'nobody');
    response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const auth = Buffer.from('me:secret').toString('base64');
  writeFileSync(home.path('run-auth.json'), JSON.stringify({ auths: { [host]: { auth } } }));
  const denied = home.start(['--rm', '--authfile', home.path('run-auth.json'), `${host}/private:1`, 'true']);
  assert.equal((await denied.ended).status, 125);
  assert.ok(asked.includes(`Basic ${auth}`), asked.join(', '));
  server.close();
});

test('login and logout say who, and use the file that is given', () => {
  const file = ['--authfile', home.path('auth.json')];
  const flags = ['-u', 'me', '--password', 'secret', ...file];
  assert.match(
    home.foster(['login', '-v', ...flags, registry.host]).stdout,
    /^Used: .*auth\.json\nLogin Succeeded\n$/,
  );
  assert.equal(home.foster(['login', '--get-login', ...file, registry.host]).stdout, 'me\n');
  const other = home.foster(['login', '--get-login', registry.host]);
  assert.match(other.stderr, /^foster: not logged in to /);
  assert.equal(other.status, 1);
  assert.equal(home.foster(['logout', ...file, registry.host]).status, 0);
  assert.equal(home.foster(['login', '--get-login', ...file, registry.host]).status, 1);
});
